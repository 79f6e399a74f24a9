"""What the data is that a URL leads to."""

from __future__ import annotations

import pytest

from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.media.kinds import Kind, Labelled, media_of

PNG, JPEG, PDF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"%PDF-1.7\n"
WEBP, AVIF = b"RIFF\0\0\0\0WEBPVP8 ", b"\0\0\0\x20ftypavif"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def told(kind: Kind, content_type: str, content: bytes, name: str | None = None) -> tuple[str, bytes]:
    return tuple(media_of(kind, Labelled(content_type, name), content))


@pytest.mark.parametrize(
    ("content_type", "content", "is_a"),
    [
        ("image/png", PNG, "image/png"),
        ("IMAGE/PNG; q=1", PNG, "image/png"),
        ("image/png", JPEG, "image/jpeg"),  # called by a wrong name
        ("image/*", b"GIF89a", "image/gif"),
        ("application/octet-stream", WEBP, "image/webp"),
        ("binary/octet-stream", AVIF, "image/avif"),
        ("", b"\0\0\0\x18ftypheic", "image/heic"),
    ],
)
def test_an_image_is_what_it_begins_like(content_type: str, content: bytes, is_a: str) -> None:
    assert told("image", content_type, content) == (is_a, content)


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("image/png", b"<html>not found</html>"),
        ("image/png", b""),
        ("image/png", PDF),
        ("image/svg+xml", b"<svg/>"),
        ("text/html", PNG),
        ("application/pdf", PNG),
        ("video/mp4", PNG),
        ("", b"root:x:0:0"),
    ],
)
def test_anything_else_is_no_image(content_type: str, content: bytes) -> None:
    with pytest.raises(InvalidRequest, match="does not lead to an image"):
        told("image", content_type, content)


@pytest.mark.parametrize(
    ("content_type", "content", "name", "is_a"),
    [
        ("application/pdf", PDF, None, "application/pdf"),
        ("application/x-pdf", PDF, None, "application/pdf"),
        ("application/octet-stream", PDF, None, "application/pdf"),
        ("text/plain", PDF, None, "application/pdf"),
        ("image/png", PNG, None, "image/png"),
        ("text/plain", b"hello", None, "text/plain"),
        ("text/csv; charset=UTF-8", b"a,b", None, "text/csv"),
        ("application/json", b"{}", None, "application/json"),
        ("application/vnd.api+json", b"{}", None, "application/vnd.api+json"),
        ("", b"hello", None, "text/plain"),
        ("audio/mpeg", b"ID3\0", None, "audio/mpeg"),
        (WORD, b"PK\x03\x04", None, WORD),
        ("binary/octet-stream", b"PK\x03\x04", "a.DOCX", "application/octet-stream"),
    ],
)
def test_a_file_is_what_it_begins_like_or_is_called(
    content_type: str, content: bytes, name: str | None, is_a: str
) -> None:
    assert told("file", content_type, content, name) == (is_a, content)


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/pdf", b"<html>log in</html>"),
        ("image/png", b"<html>log in</html>"),
        ("application/zip", b"PK\x03\x04"),
        ("application/x-msdownload", b"MZ"),
        ("video/mp4", b"\0\0\0\x18ftypmp42"),
        ("", b"\0\1\2"),
        ("text/plain", b"a\0b"),
        ("multipart/form-data", b"x"),
    ],
)
def test_anything_else_is_no_file(content_type: str, content: bytes) -> None:
    with pytest.raises(InvalidRequest, match="does not lead to a PDF"):
        told("file", content_type, content)


def test_text_becomes_utf_8() -> None:
    assert told("file", "text/plain; charset=ISO-8859-1", "é".encode("latin-1")) == (
        "text/plain",
        "é".encode(),
    )
    assert told("file", 'text/csv; charset="Shift_JIS"', "漢".encode("shift_jis")) == (
        "text/csv",
        "漢".encode(),
    )


@pytest.mark.parametrize("charset", ["utf-8", "punycode", "unicode_escape", "zip", "unheard-of"])
def test_text_that_is_not_in_its_charset_is_refused(charset: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        told("file", f"text/plain; charset={charset}", b"\xff\xfe\xfd")
