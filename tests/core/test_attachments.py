"""Images and files that came as data."""

from __future__ import annotations

from base64 import b64encode

import pytest

from antiphon.core.attachments import Attachment, attachment


def url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(content).decode()}"


def test_a_data_url_says_its_media_type() -> None:
    assert attachment(url("image/PNG", b"\x89PNG")) == Attachment("image/png", b"\x89PNG")


def test_bare_base64_has_no_media_type() -> None:
    assert attachment(b64encode(b"hello").decode()) == Attachment("", b"hello")


def test_line_breaks_within_base64_do_not_matter() -> None:
    assert attachment("aGVs\r\nbG8=") == Attachment("", b"hello")


def test_a_data_url_may_be_in_percent_encoding() -> None:
    assert attachment("data:,a%20b") == Attachment("text/plain", b"a b")


@pytest.mark.parametrize("data", ["data:image/png;base64", "not base64!", "abc", "data:;base64,%%"])
def test_anything_else_is_none(data: str) -> None:
    assert attachment(data) is None


@pytest.mark.parametrize(
    "media_type",
    ["text/markdown", "application/json", "application/ld+json", "image/svg+xml", "", "text/csv"],
)
def test_text_is_what_its_type_or_its_bytes_say(media_type: str) -> None:
    expected = None if media_type == "image/svg+xml" else "häh"
    assert Attachment(media_type, "häh".encode()).text == expected


@pytest.mark.parametrize("content", [b"%PDF-1.4\n%EOF", b"a\0b", b"\xff\xfe"])
def test_bytes_that_are_no_text_are_none_whatever_their_type_says(content: bytes) -> None:
    assert Attachment("text/plain", content).text is None


def test_base64_is_without_line_breaks() -> None:
    assert Attachment("", b"\x00" * 100).base64 == "A" * 134 + "=="
