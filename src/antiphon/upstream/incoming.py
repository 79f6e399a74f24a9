"""One request and its answer on one connection: reading under deadlines, and letting go.

    begin ──▶ send ──▶ read … read ──▶ b""      the connection is back in the pool
      └────────┴─────────┴──▶ close             before that: it is cut, with whatever was in flight

There is one timer for a request and its answer, not one for each step: an event only moves `_due`, and the
timer looks when it fires whether that was reached. It is set anew only where a shorter deadline begins: at
the first event, and when all was said. What it finds late is cut, and whoever is waiting then hears of a
lost connection; `verdict` knows why. `hold` and `resume` stand around the time in which it is not the
provider who is waited for.

The connection, the parser of its answers and the buffer that holds the provider back are aiohttp's. Its
session is not used: for redirects, cookies and proxies, of which there are none here, it makes a request, a
task that writes it, and a response for each call, which takes 20 µs.
"""

from __future__ import annotations

import asyncio
import math

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http_exceptions import ContentEncodingError
from multidict import CIMultiDictProxy

from antiphon.protocol.errors import (
    ProtocolViolation,
    ProviderError,
    UpstreamDisconnected,
    UpstreamTimeout,
)
from antiphon.upstream.base import Timeouts

DRAIN = 0.25
"""Seconds to wait, after the provider's end marker, for the end of the answer: then the connection can be
used again. Most send both in one piece."""

GRACE = 1.0
"""Seconds to wait for an end marker when all that matters was said. Some servers send none and keep the
connection open; those that do send one send it with the last event."""

DRAIN_LIMIT = 64 * 1024
"""Bytes after the end marker that are read for the same reason."""

_LINE_LIMIT, _HEADERS_LIMIT = 16 * 1024, 128  # bytes of a header, number of headers
_MOST_INTERIM = 20  # answers with a status from 100 to 199, which nobody asked for
_READ_BUFFER = 64 * 1024  # aiohttp stops reading from the socket at twice this


class Incoming:
    """Begun once; a second `send` is the same call on another connection, under the same deadlines."""

    status: int
    headers: CIMultiDictProxy[str]

    def __init__(self, timeouts: Timeouts, streamed: bool) -> None:
        self.timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self.patience = min(timeouts.first_event, timeouts.total) if streamed else timeouts.total
        now = self._loop.time()
        self._due = now + self.patience
        self._end = now + timeouts.total
        self._idle = timeouts.idle
        self._events = 0
        self.handed_over = False
        """False is proof that the provider has not seen the request."""
        self._connection: Connection | None = None
        self._content: aiohttp.StreamReader | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._broken: ProviderError | None = None

    def begin(self) -> None:
        """The clock starts. Getting a connection is bounded by whoever makes it."""
        self._timer = self._loop.call_at(min(self._due, self._end), self._look)

    async def send(self, connection: Connection, request: bytes) -> None:
        """Hand over the whole request; wait for the head of the answer. Raises ProviderError, and what
        aiohttp does."""
        self._connection = connection
        if self._broken is not None:
            raise self._broken
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("The connection was closed as it was chosen.")
        protocol.set_response_params(
            read_until_eof=True,
            read_bufsize=_READ_BUFFER,
            max_line_size=_LINE_LIMIT,
            max_field_size=_LINE_LIMIT,
            max_headers=_HEADERS_LIMIT,
        )
        self.handed_over = True
        transport.write(request)
        for _ in range(_MOST_INTERIM):
            head, content = await protocol.read()
            if head.code == 101 or not 100 <= head.code < 200:
                break
        else:
            raise ProtocolViolation("The provider sends interim answers without end.")
        if self._broken is not None:  # it was cut in the very moment in which the head came
            raise self._broken
        self.status, self.headers, self._content = head.code, head.headers, content
        content.on_eof(self._let_go)

    async def read(self) -> bytes:
        """The bytes that came since the last read; b"" at the end of the answer, or where it broke off."""
        assert self._content is not None
        try:
            return await self._content.readany()
        except (aiohttp.ClientError, OSError) as error:
            if self._broken is None:
                self._broken = _broken(error)
            return b""

    async def body(self, limit: int, *, cut: bool = False) -> bytes:
        """All bytes of the answer. Over the limit: ProtocolViolation or, with `cut`, the first of them."""
        pieces: list[bytes] = []
        size = 0
        while data := await self.read():
            pieces.append(data)
            size += len(data)
            if size > limit:
                break
        if size > limit and not cut:
            raise ProtocolViolation(f"The provider's answer has more than {limit} bytes.")
        if self._broken is not None and not cut:
            raise self._broken
        return b"".join(pieces)[:limit]

    def heard(self, events: int, *, answered: bool = False) -> None:
        """`events` were parsed so far; with `answered`, there is little left to wait for."""
        if events == self._events:
            return
        sooner = not self._events  # than the timer would look, which was set for the first event
        if answered and self._idle > GRACE:
            self._idle, sooner = GRACE, True
        self._events = events
        self._due = self._loop.time() + self._idle
        if sooner:
            self._look_within(self._idle)

    def hold(self) -> None:
        self._due = math.inf

    def resume(self) -> None:
        self._due = self._loop.time() + self._idle

    def verdict(self, error: ProviderError) -> ProviderError:
        """Why it failed: others can only say that the end is missing, we know how it was lost."""
        if self._broken is not None and isinstance(error, UpstreamDisconnected):
            return self._broken
        return error

    async def drain(self) -> None:
        """The provider has said all: take the end of the answer, too, if it is there or nearly."""
        if self._is_over() or self._broken is not None:
            return
        self._stop()
        self._timer = self._loop.call_later(DRAIN, self._cut)
        size = 0
        while size < DRAIN_LIMIT and (data := await self.read()):
            size += len(data)

    def close(self) -> None:
        """Let go. A connection on which something of this answer may still come is cut."""
        self._stop()
        self._cut()

    def break_off(self) -> None:
        """The gateway does not want to hear more, whoever is reading."""
        self._broken = UpstreamDisconnected("The gateway closed its connection to the provider.")
        self._cut()

    def _look(self) -> None:
        if self._is_over():
            return
        now = self._loop.time()
        if now >= self._end:
            self._expire(f"The provider did not finish within {self.timeouts.total:g} s.")
        elif now >= self._due and self._events:
            self._expire(f"The provider sent no event for {self._idle:g} s.")
        elif now >= self._due:
            self._expire(f"The provider did not answer within {self.patience:g} s.")
        else:
            # Not later than `idle` from now: while it is held, `_due` may come to lie anywhere after that.
            self._look_within(min(self._due - now, self._idle))

    def _look_within(self, seconds: float) -> None:
        self._stop()
        self._timer = self._loop.call_at(min(self._loop.time() + seconds, self._end), self._look)

    def _expire(self, message: str) -> None:
        self._broken = UpstreamTimeout(message)
        self._cut()

    def _is_over(self) -> bool:
        """All of the answer was received, or it was cut: there is no connection that is ours."""
        return self._content is not None and self._connection is None

    def _let_go(self) -> None:
        """All of the answer was received. A connection on which the request is still on its way is kept:
        `close` will cut it."""
        connection = self._connection
        if connection is None or connection.transport is None:
            return
        if not connection.transport.get_write_buffer_size():
            self._connection = None
            connection.release()

    def _cut(self) -> None:
        """Cut the connection now, even with a request in its buffer that the provider does not read."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._content is not None:
            self._content.set_exception(aiohttp.ClientConnectionError("The connection was cut."))
        transport = connection.transport
        connection.close()
        if transport is not None:
            transport.abort()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _broken(error: Exception) -> ProviderError:
    if isinstance(error.__cause__, ContentEncodingError):
        return ProtocolViolation("The provider's answer cannot be decompressed.")
    return UpstreamDisconnected("The provider's answer broke off.")
