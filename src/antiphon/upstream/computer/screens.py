"""How large the client's screen is: as it says, or as its last screenshot is.

Only the head of an image is read: PNG (RFC 2083), JPEG (ITU T.81), GIF89a, WebP (RFC 9649).
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any, TypeAlias

from antiphon.protocol.json import JSON

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""

_HEAD = 256 * 1024  # characters of base64; a JPEG may have much to say before its size
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def screen_of(tool: JSON, items: list[JSON]) -> Size | None:
    """`tool` is a computer tool of any form. None: nobody knows yet."""
    width, height = tool.get("display_width"), tool.get("display_height")
    if isinstance(width, int) and isinstance(height, int):
        return _size(width, height)
    for item in reversed(items):
        shot = item.get("output") if item.get("type") == "computer_call_output" else None
        if isinstance(shot, dict) and (size := size_of(shot.get("image_url"))) is not None:
            return size
    return None


def size_of(url: Any) -> Size | None:
    """Of the image in a data URL; None for anything else."""
    head, comma, body = url.partition(",") if isinstance(url, str) else ("", "", "")
    if not comma or not head.lower().startswith("data:image/") or not head.lower().endswith(";base64"):
        return None
    try:
        data = b64decode(body[:_HEAD])
    except (binascii.Error, ValueError):
        return None
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return _size(int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))
    if data.startswith(b"GIF8") and len(data) >= 10:
        return _size(int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little"))
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP" and len(data) >= 30:
        return _size_of_webp(data)
    return _size_of_jpeg(data) if data.startswith(b"\xff\xd8") else None


def _size_of_webp(data: bytes) -> Size | None:
    match data[12:16]:
        case b"VP8 ":
            width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        case _:
            return None
    return _size(width, height)


def _size_of_jpeg(data: bytes) -> Size | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _JPEG_FRAMES:
            height, width = (int.from_bytes(data[start : start + 2]) for start in (at + 5, at + 7))
            return _size(width, height)
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


def _size(width: int, height: int) -> Size | None:
    return (width, height) if width > 0 and height > 0 else None
