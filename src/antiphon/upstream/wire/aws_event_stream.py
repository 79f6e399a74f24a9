"""`application/vnd.amazon.eventstream`, from bytes to frames.

    message = prelude headers payload crc                        all numbers are big-endian
    prelude = total-length(4) headers-length(4) crc(4)           of the two lengths
    header  = name-length(1) name type(1) value                  fixed by its type, or after a length(2)
    crc     = CRC-32 of everything in the message before it

The encoding of AWS (https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html). What a message
is stands in its header `:message-type`; it becomes the name of the frame:

    event        the header `:event-type`, as it is: `messageStop`
    exception    `exception:` and the header `:exception-type`: `exception:throttlingException`
    error        `error:` and the header `:error-code`; the data is {"message": the header `:error-message`}

No event type holds a colon, so the three cannot be mistaken for one another. A frame's data is never empty:
a message without a payload has `{}`.

Nothing here is lenient: a checksum that does not fit says that the place in the stream is lost, so there is
no message after it that could be trusted.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from zlib import crc32

from antiphon.protocol.errors import ProtocolViolation
from antiphon.protocol.json import encode
from antiphon.upstream.base import Frame

EXCEPTION, ERROR = "exception:", "error:"
"""How the names of frames begin that are no events."""

HEADERS_LIMIT = 128 * 1024
PAYLOAD_LIMIT = 24 * 1024 * 1024
"""Bytes. Both are the bounds of the encoding, as AWS's own clients hold them."""

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_OVERHEAD = _PRELUDE.size + _CRC.size
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # true, false, byte … long, timestamp, UUID
_COUNTED = (6, 7)  # bytes, string
_STRING = 7
_NAMES_KEPT = 50


class AWSEventStreamReader:
    """The state machine of one stream; sans-IO. Bytes may be cut anywhere; the frames are the same.

    Costs are linear in the bytes fed, however small the pieces are. Frames before a violation are given out
    first: the violation is raised by the next call, if not by this one.
    """

    __slots__ = ("_broken", "_names", "_needed", "_pending", "_size")

    def __init__(self) -> None:
        self._pending: list[bytes] = []  # the beginning of a message; joined only when there is enough of it
        self._size = 0
        self._needed = _PRELUDE.size
        self._names: dict[bytes, str] = {}  # a stream has few kinds of headers and says them often
        self._broken: ProtocolViolation | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """The messages that `data` completes. Raises ProtocolViolation for what is not this encoding."""
        if self._broken is not None:
            raise self._broken
        self._pending.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return []
        if len(self._pending) > 1:
            data = b"".join(self._pending)
        frames: list[Frame] = []
        start = 0
        try:
            while (rest := len(data) - start) >= _PRELUDE.size:
                total, headers = self._prelude(data, start)
                if rest < total:
                    self._needed = total
                    break
                frames.append(self._frame(data, start, total, headers))
                start += total
            else:
                self._needed = _PRELUDE.size
        except ProtocolViolation as violation:
            self._broken = violation
            if not frames:
                raise
        self._pending = [data[start:]] if start < len(data) else []
        self._size = len(data) - start
        return frames

    def finish(self) -> list[Frame]:
        """The stream ended. A message that was cut is left out; what it lacks is for the decoder to miss."""
        if self._broken is not None:
            raise self._broken
        return []

    def _prelude(self, data: bytes, start: int) -> tuple[int, int]:
        """The length of the message, and of its headers."""
        total, headers, crc = _PRELUDE.unpack_from(data, start)
        if crc32(data[start : start + 8]) != crc:
            raise ProtocolViolation("The provider's event stream is damaged: a prelude's checksum is wrong.")
        payload = total - headers - _OVERHEAD
        if payload < 0:
            raise ProtocolViolation("The provider's event stream has a message shorter than its headers.")
        if headers > HEADERS_LIMIT or payload > PAYLOAD_LIMIT:
            raise ProtocolViolation(f"The provider sent an event of more than {PAYLOAD_LIMIT} bytes.")
        return total, headers

    def _frame(self, data: bytes, start: int, total: int, headers: int) -> Frame:
        end = start + total - _CRC.size
        if crc32(data[start:end]) != _CRC.unpack_from(data, end)[0]:
            raise ProtocolViolation("The provider's event stream is damaged: a message's checksum is wrong.")
        begin = start + _PRELUDE.size
        block = data[begin : begin + headers]
        name = self._names.get(block)
        if name is None:
            said = dict(_strings(block))
            name = _name(said)
            if name.startswith(ERROR):
                return Frame(name, encode({"message": said.get(":error-message", "")}))
            if len(self._names) < _NAMES_KEPT and headers < 1_000:
                self._names[block] = name
        return Frame(name, data[begin + headers : end] or b"{}")


def _name(said: dict[str, str]) -> str:
    kind = said.get(":message-type")
    if kind == "exception":
        return EXCEPTION + said.get(":exception-type", "")
    if kind == "error":
        return ERROR + said.get(":error-code", "")
    event = said.get(":event-type", "")
    if kind != "event" or not event or ":" in event:
        raise ProtocolViolation("The provider's event stream has a message of no known type.")
    return event


def _strings(block: bytes) -> Iterator[tuple[str, str]]:
    """The headers that are text. Those of all other types are stepped over."""
    at = 0
    while at < len(block):
        name, at = _taken(block, at + 1, block[at])
        kind, at = _taken(block, at, 1)
        if kind[0] in _COUNTED:
            size, at = _taken(block, at, 2)
            value, at = _taken(block, at, int.from_bytes(size, "big"))
        elif kind[0] in _FIXED:
            value, at = _taken(block, at, _FIXED[kind[0]])
        else:
            raise ProtocolViolation("The provider's event stream has a header of no known type.")
        if kind[0] == _STRING:
            yield str(name, "utf-8", "replace"), str(value, "utf-8", "replace")


def _taken(block: bytes, at: int, size: int) -> tuple[bytes, int]:
    """`size` bytes, and where the next begin."""
    if at + size > len(block):
        raise ProtocolViolation("The provider's event stream has a header that does not end.")
    return block[at : at + size], at + size
