"""Responses over a WebSocket: `GET /v1/responses` with an upgrade.

    handshake: key, origin, room ─▶ open ─▶ (response.create ─▶ events | error)* ─▶ leaving ─▶ closed

Each `response.create` is a request like any other: its key is asked about again, and whatever it is refused
for is one error message. Leaving begins when the server stops (1012), when the connection has lived its time
(1001), or when its key is none any more (1008): what is asked then is refused, what runs is finished, and
then the connection is closed. A client that goes before takes its runs with it (`requests.on_disconnect`).
Sources: Open Responses, "WebSocket Transport"; OpenAI's types of WebSocket events.
"""

from __future__ import annotations

import asyncio
import codecs
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request

from antiphon.edge import client_events, parsing
from antiphon.edge.auth import Authenticator, caller_of
from antiphon.edge.channel import BadHandshake, Channel, ChannelClosed, Manners
from antiphon.edge.errors import error_message, status_of
from antiphon.edge.exchange import Exchange
from antiphon.edge.held import HeldResponses, Memory
from antiphon.edge.lanes import LaneBounds, Lanes, Wish
from antiphon.edge.outlet import OnDisconnect
from antiphon.edge.relay import reading, relay
from antiphon.engine.prompts import Prompts
from antiphon.engine.service import Service
from antiphon.observe.log import AccessLog
from antiphon.protocol.errors import (
    AntiphonError,
    ConnectionLimitReached,
    InvalidRequest,
    OriginRefused,
    Overloaded,
    ShuttingDown,
    StreamLimitReached,
    Unauthenticated,
    WebSocketRequired,
)
from antiphon.protocol.json import JSON, encode
from antiphon.protocol.request import Limits

_STRETCH = 65_536  # bytes that are looked at together


@dataclass(frozen=True, slots=True)
class SocketBounds:
    """So many `connections`, each for so many seconds. Pages of these `origins` may open one."""

    connections: int
    lifetime: float
    lanes: LaneBounds
    origins: frozenset[str]


@dataclass(frozen=True, slots=True)
class Serving:
    """What all connections work with."""

    service: Service
    prompts: Prompts
    authenticator: Authenticator
    limits: Limits
    heartbeat: float  # seconds
    on_disconnect: OnDisconnect
    access: AccessLog


class Sockets:
    """Opens the WebSockets, and knows how many there are."""

    def __init__(self, serving: Serving, manners: Manners, bounds: SocketBounds, held: HeldResponses) -> None:
        self._serving = serving
        self._manners = manners
        self._bounds = bounds
        self._held = held
        self._open = 0

    async def serve(self, exchange: Exchange) -> None:
        """The whole life of one connection, whose key was found good.

        Raises what its handshake is refused for.
        """
        self._check_origin(exchange)
        if self._open >= self._bounds.connections:
            raise Overloaded("The gateway is at its limit of open WebSockets.", retry_after=1)
        session_id = parsing.session_header(exchange.header(b"x-session-id"))
        channel = self._accepted(exchange)
        session = _Session(
            exchange, channel, self._serving, self._bounds, Memory(self._held), session_id=session_id
        )
        exchange.hand_over(channel)
        self._open += 1
        try:
            await session.hold()
        finally:
            self._open -= 1
            channel.close(1011)

    def _accepted(self, exchange: Exchange) -> Channel:
        """Raises InvalidRequest and WebSocketRequired."""
        headers = Headers()
        for name, value in exchange.scope["headers"]:
            headers[name.decode("latin-1")] = value.decode("latin-1")
        request = Request(exchange.path, headers, exchange.method)
        try:
            return Channel(request, self._manners, [("x-request-id", exchange.request_id)])
        except BadHandshake as bad:
            exchange.add_header(b"sec-websocket-version", b"13")
            if bad.is_upgrade:
                raise InvalidRequest(
                    f"This is no handshake of a WebSocket: {bad}.", code="invalid_http_request"
                ) from None
            raise WebSocketRequired("Open a WebSocket here, or send POST requests over HTTP.") from None

    def _check_origin(self, exchange: Exchange) -> None:
        """Browsers say which page opens a WebSocket, and let any. Raises OriginRefused."""
        origin = (exchange.header(b"origin") or b"").decode("latin-1")
        if not origin or origin in self._bounds.origins:
            return
        host = (exchange.header(b"host") or b"").decode("latin-1")
        if urlsplit(origin).netloc != host:
            raise OriginRefused(
                "Web pages of this origin may not open a WebSocket here; 'websocket.origins' can allow it."
            )


class _Session:
    """One open connection. `session_id` is that of its handshake."""

    def __init__(
        self,
        exchange: Exchange,
        channel: Channel,
        serving: Serving,
        bounds: SocketBounds,
        memory: Memory,
        *,
        session_id: str | None,
    ) -> None:
        self._exchange = exchange
        self._channel = channel
        self._serving = serving
        self._lifetime = bounds.lifetime
        self._memory = memory
        self._session_id = session_id
        self._lanes = Lanes(self._answer, self._go_if_done, memory, bounds.lanes)
        self._leaving: tuple[AntiphonError, int] | None = None

    async def hold(self) -> None:
        """Until the connection is closed, by whomever."""
        loop = asyncio.get_running_loop()
        expiry = loop.call_later(self._lifetime, self._expire)
        self._channel.on_leave = self._drain
        try:
            with suppress(ChannelClosed):
                while (message := await self._channel.receive()) is not None:
                    await self._hear(message)
        finally:
            expiry.cancel()
            await self._lanes.stop()
            self._memory.forget_all()
            self._channel.on_leave = None  # which holds this object
        if self._lanes.bug is not None:
            raise self._lanes.bug

    async def _hear(self, message: bytes) -> None:
        lane = None
        try:
            event = parsing.json_object(message, self._serving.limits)
            lane = client_events.lane_of(event)
            if event.get("type") == client_events.STEER:
                await self._say(client_events.steering_refused(event), lane)
                return
            wish = Wish(lane, len(message), event, self._refusal(event))
        except InvalidRequest as error:
            if not _is_text(message):
                self._channel.close(1007, "the message is not UTF-8")
                return
            wish = Wish(None, len(message), {}, error)
        try:
            self._lanes.add(wish)
        except StreamLimitReached as error:
            await self._say(error_message(error), lane)

    def _refusal(self, event: JSON) -> AntiphonError | None:
        if self._leaving is not None:
            return self._leaving[0]
        kind = event.get("type")
        return None if kind == client_events.CREATE else client_events.unknown(kind)

    async def _answer(self, wish: Wish) -> None:
        """With events or with an error. Raises ChannelClosed."""
        began = time.perf_counter()
        previous = wish.event.get("previous_response_id")
        try:
            completed = await self._create(wish)
            status = 200
        except AntiphonError as error:
            completed, status = False, status_of(error)
            error.__traceback__ = None  # whose frames hold the run, as the run its failure
            await self._say(error_message(error), wish.lane)
            if isinstance(error, Unauthenticated):
                self._leave(error, 1008)
        if not completed and isinstance(previous, str):
            self._memory.forget(previous)
        taken = (time.perf_counter() - began) * 1000
        exchange = self._exchange
        self._serving.access.request(exchange.request_id, "WEBSOCKET", exchange.path, status, taken)

    async def _create(self, wish: Wish) -> bool:
        """False if the response failed after something was said of it. Raises AntiphonError before."""
        serving, memory = self._serving, self._memory
        if wish.refusal is not None:
            raise wish.refusal
        caller = await caller_of(self._exchange, serving.authenticator)
        event = wish.event
        if event.get("prompt") is not None:
            event = await serving.prompts.fill(caller, event)
        request = client_events.create_request(event, serving.limits, self._session_id)
        continues_held = memory.holds(request.previous_response_id)
        run = await serving.service.create(caller, request, lambda previous: memory.find(caller, previous))
        with reading(run, serving.on_disconnect):
            padded = client_events.padded(request)
            end = await relay(self._channel, run, wish.lane, heartbeat=serving.heartbeat, padded=padded)
        if end == "response.failed":
            return False
        if continues_held or not run.response["store"]:
            memory.keep(wish.lane, caller, run.response_id, run.transcript)
        else:
            memory.forget_lane(wish.lane)
        return True

    async def _say(self, message: JSON, lane: str | None) -> None:
        await self._channel.send([_of_lane(message, lane)])

    # Going

    def _drain(self) -> None:
        self._leave(ShuttingDown("The gateway is shutting down.", retry_after=1), 1012)

    def _expire(self) -> None:
        error = ConnectionLimitReached(
            f"This connection is {self._lifetime / 60:g} minutes old, which is the limit: open another one."
        )
        self._leave(error, 1001)

    def _leave(self, error: AntiphonError, code: int) -> None:
        if self._leaving is None:
            self._leaving = (error, code)
        self._go_if_done()

    def _go_if_done(self) -> None:
        """Close, if this connection is leaving and has answered everything, or if something went wrong."""
        if self._lanes.bug is not None:
            self._channel.close(1011, "server_error")
        if self._leaving is None or not self._lanes.are_idle:
            return
        error, code = self._leaving
        if code == 1001:
            self._channel.write([_of_lane(error_message(error), None)])
        self._channel.close(code, error.code or "")


def _of_lane(message: JSON, lane: str | None) -> bytes:
    return encode(message if lane is None else {**message, "stream_id": lane})


def _is_text(message: bytes) -> bool:
    """Whether it is UTF-8; looked at in pieces, for as text it may be four times as large."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(message), _STRETCH):
            decoder.decode(message[start : start + _STRETCH])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
