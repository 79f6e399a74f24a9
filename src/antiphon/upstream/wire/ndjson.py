"""Newline-delimited JSON, from bytes to frames.

    stream = [BOM] *line
    line   = [value] end-of-line        a line without a value is skipped
    end-of-line = LF | CR LF

The grammar of https://github.com/ndjson/ndjson-spec, over bytes: no other character ends a line (U+2028 and
U+0085 may stand inside JSON, and a lone CR is white space there), and a byte that is not UTF-8 is left for
the JSON step to mend. The last line may lack its end: `finish` gives it out, and whoever reads it must
expect that it is cut.
"""

from __future__ import annotations

from antiphon.protocol.errors import ProtocolViolation
from antiphon.upstream.base import Frame

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

LINE_LIMIT = 32 * 1024 * 1024
"""Bytes of one line: an image in base64 fits, a bomb does not."""

_WHITE_SPACE = b" \t\r"


class NDJSONReader:
    """The state machine of one stream; sans-IO. Bytes may be cut anywhere; the frames are the same.

    Costs are linear in the bytes fed, however small the pieces are, and at most `limit` bytes (and the
    piece just fed) are kept.
    """

    __slots__ = ("_at_start", "_limit", "_pending", "_pending_size")

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._pending: list[bytes] = []  # the beginning of a line; joined only when its end has come
        self._pending_size = 0
        self._at_start = True

    def feed(self, data: bytes) -> list[Frame]:
        """The lines that `data` completes. Raises ProtocolViolation for a line over the limit."""
        first, end, rest = data.partition(b"\n")
        self._keep(first)
        if not end:
            return []
        *lines, tail = rest.split(b"\n")
        frames = self._frames([self._taken(), *lines])
        self._keep(tail)
        return frames

    def finish(self) -> list[Frame]:
        """The stream ended: the line that lacks its end, if one was begun. It may be cut."""
        return self._frames([self._taken()])

    def _keep(self, piece: bytes) -> None:
        self._pending_size += len(piece)
        if self._pending_size > self._limit:
            raise self._too_long()
        if piece:
            self._pending.append(piece)

    def _taken(self) -> bytes:
        """The line that was kept; the first one without its byte order mark."""
        line = b"".join(self._pending)
        self._pending.clear()
        self._pending_size = 0
        if self._at_start:
            line = line.removeprefix(BYTE_ORDER_MARK)
            self._at_start = False
        return line

    def _frames(self, lines: list[bytes]) -> list[Frame]:
        frames: list[Frame] = []
        for line in lines:
            if len(line) > self._limit:
                raise self._too_long()
            if value := line.strip(_WHITE_SPACE):
                frames.append(Frame(None, value))
        return frames

    def _too_long(self) -> ProtocolViolation:
        return ProtocolViolation(f"The provider sent a line of more than {self._limit} bytes.")
