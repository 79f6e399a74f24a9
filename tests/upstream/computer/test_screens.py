"""How large the screen is."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.upstream.computer.screens import screen_of, size_of
from tests.upstream.computer.screenshots import GIF, JPEG, WEBP_LOSSLESS, WEBP_LOSSY, WEBP_WIDE, data_url, png

PREVIEW = {
    "type": "computer_use_preview",
    "environment": "linux",
    "display_width": 640,
    "display_height": 480,
}


def shown(url: Any) -> dict[str, Any]:
    return {"type": "computer_call_output", "call_id": "c", "output": {"image_url": url}}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("png", png(1440, 900)),
        ("gif", GIF),
        ("jpeg", JPEG),
        ("webp", WEBP_LOSSY),
        ("webp", WEBP_LOSSLESS),
        ("webp", WEBP_WIDE),
    ],
)
def test_a_screenshot_is_as_large_as_its_head_says(kind: str, data: bytes) -> None:
    assert size_of(data_url(kind, data)) == (1440, 900)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "https://a.example/a.png",
        "data:image/png;base64",
        "data:image/png;base64,!",
        "data:text/plain;base64,aGk=",
        data_url("png", png(1440, 900)[:20]),
        data_url("png", png(0, 900)),
        data_url("jpeg", JPEG[:12]),
        data_url("jpeg", b"\xff\xd8" + b"\xff\xe0\x00\x00" * 3),
        data_url("webp", b"RIFF\0\0\0\0WEBPVP9 " + bytes(20)),
        data_url("png", b"BM" + bytes(60)),
    ],
)
def test_of_anything_else_nobody_knows(url: Any) -> None:
    assert size_of(url) is None


def test_only_the_head_of_a_great_image_is_read() -> None:
    assert size_of(data_url("png", png(8, 9) + bytes(300_000)) + "!") == (8, 9)


def test_what_the_tool_says_comes_before_screenshots_and_the_last_of_those_before_others() -> None:
    items = [shown(data_url("png", png(1, 2))), shown(data_url("png", png(3, 4))), shown(None)]
    assert screen_of(PREVIEW, items) == (640, 480)
    assert screen_of({"type": "computer"}, items) == (3, 4)
    assert screen_of({"type": "computer"}, []) is None
    assert screen_of({**PREVIEW, "display_width": 0}, items) is None
