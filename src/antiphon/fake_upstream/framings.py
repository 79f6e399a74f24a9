"""How a stream is cut into events: server-sent events, lines of JSON, AWS's event stream."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Protocol
from zlib import crc32

_PADDING = b'{"padding":"'


class Framing(Protocol):
    """`noise` are bytes that are no event, for ever."""

    @property
    def content_type(self) -> str: ...

    @property
    def line_ends(self) -> frozenset[str]:
        """The line ends that it may have instead of LF."""
        ...

    def frame(self, name: str, payload: bytes) -> bytes:
        """An event; `name` "" where it has none."""
        ...

    def around(self, size: int) -> tuple[bytes, bytes]:
        """What stands before and after `size` bytes of padding, so that they are an event."""
        ...

    def noise(self) -> Iterator[bytes]: ...


class ServerSentEvents:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html"""

    content_type = "text/event-stream"
    line_ends = frozenset({"crlf", "cr"})

    def frame(self, name: str, payload: bytes) -> bytes:
        return (f"event: {name}\n".encode() if name else b"") + b"data: " + payload + b"\n\n"

    def around(self, size: int) -> tuple[bytes, bytes]:
        return b"data: " + _PADDING, b'"}\n\n'

    def noise(self) -> Iterator[bytes]:
        return repeat(b": ping\n\n")


class Lines:
    """https://github.com/ndjson/ndjson-spec"""

    content_type = "application/x-ndjson"
    line_ends = frozenset({"crlf"})

    def frame(self, name: str, payload: bytes) -> bytes:
        return payload + b"\n"

    def around(self, size: int) -> tuple[bytes, bytes]:
        return _PADDING, b'"}\n'

    def noise(self) -> Iterator[bytes]:
        return repeat(b" \n")


class EventStream:
    """https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html

    A name `exception:…` makes a message of the type exception.
    """

    content_type = "application/vnd.amazon.eventstream"
    line_ends = frozenset[str]()

    def frame(self, name: str, payload: bytes) -> bytes:
        message = _prelude(_headers(name), len(payload)) + payload
        return message + struct.pack(">I", crc32(message))

    def around(self, size: int) -> tuple[bytes, bytes]:
        """Its checksum is wrong; nobody has come so far who would not take so long a message."""
        end = b'"}'
        return _prelude(_headers("padding"), len(_PADDING) + size + len(end)) + _PADDING, end + bytes(4)

    def noise(self) -> Iterator[bytes]:
        """Of a message that never ends."""
        return chain((_prelude(_headers("padding"), 1_000_000),), repeat(b" "))


def _headers(name: str) -> bytes:
    kind, _, exception = name.partition(":")
    said = {":message-type": "event", ":event-type": name, ":content-type": "application/json"}
    if kind == "exception":
        said = {":message-type": kind, ":exception-type": exception, ":content-type": "application/json"}
    return b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for key, value in said.items()
    )


def _prelude(headers: bytes, payload: int) -> bytes:
    lengths = struct.pack(">II", 16 + len(headers) + payload, len(headers))
    return lengths + struct.pack(">I", crc32(lengths)) + headers
