"""Images of 1440 by 900 pixels, as far as their heads go."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode


def png(width: int, height: int) -> bytes:
    """The whole of it: one grey, row by row."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def data_url(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(data).decode()}"


def screenshot(width: int = 1440, height: int = 900) -> dict[str, str]:
    """The output of a computer_call_output."""
    return {"type": "computer_screenshot", "image_url": data_url("png", png(width, height))}


GIF = b"GIF89a" + struct.pack("<HH", 1440, 900) + bytes(3)
_APP0 = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
_TABLE = b"\xff\xc4" + struct.pack(">H", 5) + bytes(3)
JPEG = b"\xff\xd8" + _APP0 + _TABLE + b"\xff\xc0" + struct.pack(">HBHH", 17, 8, 900, 1440) + bytes(10)
WEBP_LOSSY = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 1440 | 0x4000, 900)
WEBP_LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", (899 << 14) | 1439) + bytes(5)
WEBP_WIDE = (
    b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0" + (1439).to_bytes(3, "little") + (899).to_bytes(3, "little")
)
