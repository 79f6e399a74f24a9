"""The HTTP server: uvicorn with httptools, with the strictness and the manners that it lacks.

Measured (one probe each): with httptools uvicorn refuses Content-Length beside Transfer-Encoding and
obsolete folding, but serves two Hosts, absolute-form targets and header floods, and waits for ever for
the rest of a head or a body. And its shutdown either waits for streams without end or cuts them.

A request for another protocol gets the connection if its handler takes it (`hand_over`).

On SIGTERM or SIGINT: stop accepting, let what runs finish for the drain timeout, then end it with a
terminal event each; exit code 0. A second signal changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from antiphon.edge.channel import Channel
from antiphon.edge.errors import envelope
from antiphon.protocol.errors import AntiphonError, ClientGone, InvalidRequest, RequestTimeout, ShuttingDown
from antiphon.protocol.json import encode

_OFFER = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n|$)", re.IGNORECASE)
_CONTINUE = b"HTTP/1.1 100"
_END_OF_HEAD = b"\r\n\r\n"
_FLUSH = 5  # seconds for the last writes after everything was ended


@dataclass(frozen=True, slots=True)
class Hygiene:
    """Bounds of a request's head and of the time it takes. Times in seconds."""

    header_count: int
    header_bytes: int
    header_timeout: float
    body_timeout: float


def _without_offer(data: bytes) -> bytes:
    """The head without its offer of HTTP/2, which Java's client makes in every request.

    httptools takes the offer for the end of HTTP/1.1 on this connection and loses the body.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _OFFER.sub(b"", head) + end + rest


class _Unclean(Exception):
    """Raised inside the parser's callbacks; the parser reports it as an invalid request."""


class OneWrite(asyncio.Transport):
    """A connection, for one answer: its head leaves together with the first piece of its body.

    uvloop makes a system call of each write, and each wakes the client: apart they take 6 µs more.
    """

    __slots__ = ("_head", "_transport", "_wrote")

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._head = b""
        self._wrote = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._wrote:
            self._transport.write(data)
        elif self._head or data[:12] == _CONTINUE:
            head, self._head = self._head, b""
            self._wrote = bool(head)
            self._transport.write(head + data)
        else:
            self._head = bytes(data)

    def close(self) -> None:
        if self._head:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        return bool(self._transport.is_closing())


class StrictProtocol(HttpToolsProtocol):
    """One connection. `hygiene` is set by `serve` on a subclass of its own."""

    hygiene: Hygiene
    _deadline: asyncio.TimerHandle | None = None
    _in_head = True
    _has_begun = False
    _head_bytes = 0  # of an unfinished head, so far
    _last_data = 0.0
    _may_be_handed_over = False
    _came_early = False  # something, behind a head that asks for another protocol

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_more(self.hygiene.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._may_be_handed_over:
            self.scope["state"].pop("hand_over", None)  # which holds this object
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._may_be_handed_over:
            self._came_early = True
            return
        if b"h2c" in data and (self._in_head or not self.cycle.more_body):
            data = _without_offer(data)
        super().data_received(data)
        if self.parser is None or self.transport.is_closing():
            return
        if self._in_head and self._has_begun:
            self._head_bytes += len(data)
            if self._head_bytes > 2 * self.hygiene.header_bytes:  # what is no field yet counts too
                self.send_400_response("")
            elif self._deadline is None:  # the head as a whole has one deadline
                self._await_more(self.hygiene.header_timeout)
        elif not self._in_head and self.cycle.more_body and not self.cycle.response_complete:
            self._last_data = self.loop.time()
            if self._deadline is None:
                self._await_more(self.hygiene.body_timeout)
        else:
            self._stop_waiting()
        if self._may_be_handed_over:
            self._came_early = bool(data.partition(_END_OF_HEAD)[2])

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._has_begun = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        size, hosts = len(self.url), 0
        for name, value in self.headers:
            size += len(name) + len(value)
            hosts += name == b"host"
        if len(self.headers) > self.hygiene.header_count or size > self.hygiene.header_bytes:
            raise _Unclean
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise _Unclean
        if self.url[:1] != b"/":
            raise _Unclean
        self._in_head = False
        self._has_begun = False
        self._stop_waiting()
        self.scope["state"]["abort"] = self.transport.abort
        is_alone = self.cycle is None or self.cycle.response_complete
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self._offer_the_connection(is_alone)
        if self.scope["method"] != "HEAD":  # whose head is all there is
            self.cycle.transport = OneWrite(self.transport)

    # Another protocol

    def _offer_the_connection(self, is_alone: bool) -> None:
        """The parser reads no more of it than this request, so it ends with the answer, or is handed over."""
        self.cycle.keep_alive = False
        if is_alone and self.scope["method"] == "GET" and self.parser.get_http_version() == "1.1":
            self._may_be_handed_over = True
            self.scope["state"]["hand_over"] = self.hand_over

    def hand_over(self, channel: Channel) -> None:
        """Answer this request with the channel's answer, and leave it the connection.

        Raises InvalidRequest if the client did not wait for that answer, ClientGone if it is gone.
        """
        if self._came_early or self.cycle.more_body or self.cycle.body:
            raise InvalidRequest("Wait for the answer to the handshake.", code="invalid_http_request")
        if self.transport.is_closing():
            raise ClientGone("The client closed the connection.")
        self._stop_waiting()
        self.parser = cast("Any", None)  # which holds this object
        self.cycle.response_started = self.cycle.response_complete = True
        connections: set[Any] = self.connections
        connections.discard(self)
        connections.add(channel)
        channel.on_lost = partial(connections.discard, channel)
        self.transport.write(channel.answer)
        self.transport.set_protocol(channel)
        channel.connection_made(self.transport)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: an upgrade that is not served is answered as any request, and is no news."""

    def send_400_response(self, msg: str) -> None:
        error = InvalidRequest("The gateway cannot accept this HTTP request.", code="invalid_http_request")
        self._refuse(b"400 Bad Request", error)

    def give_up(self) -> None:
        """The gateway is going away: what has not come whole is not waited for."""
        if not self._in_head and self.cycle.more_body and not self.transport.is_closing():
            error = ShuttingDown("The gateway is shutting down.", retry_after=1)
            self._refuse_unfinished(b"503 Service Unavailable", error)

    def _refuse_unfinished(self, status: bytes, error: AntiphonError) -> None:
        if not self._in_head and self.cycle.response_started:
            self.transport.close()  # it was answered before all of it had come
        else:
            self._refuse(status, error)

    def _refuse(self, status: bytes, error: AntiphonError) -> None:
        if self._is_answering():  # nothing may stand in the middle of another answer
            self._end_after_answer()
        else:
            body = encode(envelope(error))
            wait = b"retry-after: %d\r\n" % error.retry_after if error.retry_after else b""
            self.transport.write(
                b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b"
                b"connection: close\r\n\r\n%b" % (status, len(body), wait, body)
            )
            self.transport.close()

    def _end_after_answer(self) -> None:
        """What came behind a request cannot be read: that request still gets its answer."""
        if self.pipeline:
            self.transport.close()  # uvicorn has let go of the one that is being answered
        else:
            self.cycle.keep_alive = False
            self.flow.pause_reading()

    def _is_answering(self) -> bool:
        """Whether what is being received came while an earlier request had no whole answer yet."""
        if self.pipeline:
            return True
        if self.cycle is None or self.cycle.response_complete:
            return False
        return self._in_head or not self.cycle.more_body

    # Deadlines: a timer only while something is missing

    def _await_more(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._overdue)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _overdue(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if self._is_answering():  # the next request may take its time while this one does
            self._await_more(self.hygiene.header_timeout)
            return
        if not self._in_head:
            left = self._last_data + self.hygiene.body_timeout - self.loop.time()
            if left > 0:
                self._await_more(left)
                return
        if self._in_head and not self._has_begun:
            self.transport.close()  # nothing was asked
            return
        error = RequestTimeout("The request did not arrive in time.")
        self._refuse_unfinished(b"408 Request Timeout", error)


class GracefulServer(uvicorn.Server):
    """A server that ends what runs before it goes.

    `started` is called when it accepts connections and hears signals: whoever is told that it is there may
    at once tell it to stop.
    """

    def __init__(
        self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]], started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = True  # and not remembered: uvicorn would raise it again at the end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._drain()
        for connection in list(self.server_state.connections):
            if isinstance(connection, StrictProtocol):
                connection.give_up()
        await super().shutdown(sockets)


def server(
    app: ASGIApp,
    *,
    hygiene: Hygiene,
    drain: Callable[[], Awaitable[None]],
    started: Callable[[], None] = lambda: None,
) -> GracefulServer:
    """A server for `app`; `await server.serve(sockets=[…])` runs it until it is told to stop."""
    protocol = type("Protocol", (StrictProtocol,), {"hygiene": hygiene})
    # What the edge has to say it says itself; uvicorn would tell each lost connection as an error.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_FLUSH,
    )
    return GracefulServer(config, drain, started)
