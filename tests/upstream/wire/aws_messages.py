"""Messages in AWS's event stream encoding, made by hand."""

from __future__ import annotations

import struct
from zlib import crc32

COUNTED = (6, 7)


def header(name: str, kind: int, value: bytes) -> bytes:
    size = struct.pack(">H", len(value)) if kind in COUNTED else b""
    return bytes([len(name)]) + name.encode() + bytes([kind]) + size + value


def message(headers: bytes, payload: bytes) -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    data = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return data + struct.pack(">I", crc32(data))


def event(name: str, payload: bytes) -> bytes:
    return _named("event", ":event-type", name, payload)


def exception(name: str, payload: bytes) -> bytes:
    return _named("exception", ":exception-type", name, payload)


def _named(kind: str, field: str, name: str, payload: bytes) -> bytes:
    headers = (field, name), (":content-type", "application/json"), (":message-type", kind)
    return message(b"".join(header(key, 7, value.encode()) for key, value in headers), payload)
