"""The one place that opens a connection to a model.

    connect ──▶ headers ──▶ first event ──▶ event … event ──▶ end of the answer
    └─connect─┘                            └───idle───┘
    └────────────first event──────────────┘
    └───────────────────────────total───────────────────────────┘

Deadlines (Timeouts) are counted in parsed events: comments and bytes that do not complete an event are no
sign of life. Time in which the reader of the deltas is slow is not held against the provider, except in
`total`. Once all was said and only the end marker is missing, idle is a second, and its end that of the
answer. A turn that is not streamed shows nothing until it is whole, so only connect and total hold for it.

What is not done: redirects are not followed, proxies and netrc of the environment are not used, cookies
are not kept. An answer is read in pieces of bounded size and held back when nobody reads; decompression is
aiohttp's, which stops at its buffer's bound, and every sum of decoded bytes has a cap.

A request is sent once. The one exception: a kept-alive connection may have been closed by the provider just
as it was chosen. aiohttp never repeats a POST; we do, once, if the connection was closed before the first
byte of the request was handed to it, because then nobody can have read it.

The texts of aiohttp's exceptions hold URLs; none of them goes into an error.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final

import aiohttp
from msgspec import Struct
from yarl import URL

from antiphon.core.deltas import Delta
from antiphon.protocol.errors import (
    Overloaded,
    ProtocolViolation,
    ProviderError,
    ShuttingDown,
    UpstreamDisconnected,
    UpstreamTimeout,
    UpstreamUnauthorized,
    UpstreamUnreachable,
)
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently
from antiphon.upstream.base import Dialect, Filter, Outgoing
from antiphon.upstream.endpoint import Endpoint
from antiphon.upstream.incoming import Incoming, RequestBody
from antiphon.upstream.pool import Pool
from antiphon.upstream.retry_after import retry_after
from antiphon.upstream.stale import recognised
from antiphon.upstream.stream import STUMBLES, DeltaStream, answer
from antiphon.upstream.wire import WIRES

CONNECTIONS: Final = 1024
"""Calls in progress in one process; one more is refused as Overloaded, not queued."""

BODY_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of a whole JSON answer after decompression."""

ERROR_LIMIT: Final = 64 * 1024
"""Bytes that are read of an error's body."""

_LINE_LIMIT, _HEADERS_LIMIT = 16 * 1024, 128  # bytes of a header, number of headers
_READ_BUFFER = 64 * 1024  # aiohttp stops reading from the socket at twice this
_KEEP_ALIVE = 30.0  # seconds; providers keep theirs longer, and say so when they do not
_DNS_KEPT = 60  # seconds
_TOKEN_TIMEOUT = aiohttp.ClientTimeout(total=10)  # seconds

_ANSWERS = ("application/json", "application/problem+json")
_UNSPECIFIC = ("", "text/plain", "application/octet-stream")  # taken for what was asked for


class Call(Struct, frozen=True):
    """A request ready to be sent. `body` is JSON; `streamed` says what is asked for, not what will come."""

    endpoint: Endpoint
    dialect: Dialect
    url: URL
    body: bytes
    headers: Mapping[str, str]
    streamed: bool
    filters: tuple[Callable[[], Filter], ...] = ()

    def __repr__(self) -> str:
        """Without the body, and without the headers, which hold the key."""
        return f"Call({self.endpoint.name})"


class Client:
    """One pool of connections for all providers. Made before, used in and closed on one event loop."""

    def __init__(self, connections: int = CONNECTIONS) -> None:
        self._connections = connections
        self._incoming: set[Incoming] = set()
        self._closed = False
        self._session: aiohttp.ClientSession | None = None
        self._connect_timeouts: dict[float, aiohttp.ClientTimeout] = {}

    @property
    def open(self) -> int:
        """Calls in progress."""
        return len(self._incoming)

    async def deltas(self, call: Call) -> AsyncGenerator[list[Delta], None]:
        """Sends the request; yields the deltas of what comes back, never an empty list.

        Raises ProviderError, and Overloaded when all connections are in use. Leaving early closes the
        connection at once.
        """
        incoming = self._admit(call)
        try:
            response = await self._send(call, incoming)
            if not _comes_as_stream(response, call):
                if deltas := answer(call.dialect, await self._json(incoming), call.filters):
                    yield deltas
                return
            stream = DeltaStream(call.dialect.decoder(), call.filters, call.dialect.framing)
            while data := await incoming.read():
                batch = stream.feed(data)
                incoming.heard(stream.events, answered=stream.answered)
                if batch:
                    incoming.hold()
                    yield batch
                    incoming.resume()
                if stream.ended or stream.error:
                    break
            if stream.error is None and (batch := stream.finish()):
                incoming.hold()
                yield batch
                incoming.resume()
            if stream.error is not None:
                raise incoming.verdict(stream.error)
            await incoming.drain()
        except ProviderError as error:
            raise call.endpoint.redaction.clean(recognised(error)) from None
        finally:
            self._incoming.discard(incoming)
            incoming.close()

    async def ask(self, call: Call) -> JSON:
        """Sends the request; returns the JSON object that comes back. Raises as `deltas` does."""
        incoming = self._admit(call)
        try:
            response = await self._send(call, incoming)
            if _comes_as_stream(response, call):
                raise ProtocolViolation("The provider sent a stream for a question that has one answer.")
            return await self._json(incoming)
        except ProviderError as error:
            raise call.endpoint.redaction.clean(recognised(error)) from None
        finally:
            self._incoming.discard(incoming)
            incoming.close()

    async def aclose(self) -> None:
        """Close all connections; calls in progress end with UpstreamDisconnected."""
        self._closed = True
        for incoming in self._incoming:
            incoming.break_off()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _admit(self, call: Call) -> Incoming:
        if len(self._incoming) >= self._connections:
            raise Overloaded("The gateway is at its limit of calls to providers.", retry_after=1)
        incoming = Incoming(call.endpoint.timeouts, call.streamed)
        self._incoming.add(incoming)
        return incoming

    async def _send(self, call: Call, incoming: Incoming) -> aiohttp.ClientResponse:
        """The head of the answer, if it is a good one. Raises ProviderError."""
        body = RequestBody(call.body)
        try:
            response = await self._request(call, incoming, body)
        except UpstreamDisconnected:
            if body.handed_over:
                raise
            response = await self._request(call, incoming, RequestBody(call.body))
        status = response.status
        if status >= 400:
            raise await self._refusal(call, incoming, response)
        if not 200 <= status < 300:
            what = "a redirect, which is not followed" if status >= 300 else "a change of protocol"
            raise ProtocolViolation(f"The provider answered with {what} (status {status}).", status=status)
        return response

    async def _request(self, call: Call, incoming: Incoming, body: RequestBody) -> aiohttp.ClientResponse:
        session = self._session or self._begin()
        incoming.begin(body)
        try:
            response = await session.request(
                "POST",
                call.url,
                data=body,
                headers=call.headers if call.endpoint.authorizer is None else await self._authorized(call),
                allow_redirects=False,
                timeout=self._connect_timeout(min(incoming.timeouts.connect, incoming.patience)),
            )
        except (aiohttp.ClientError, OSError) as error:
            raise incoming.verdict(_failure(error, incoming)) from None
        incoming.answered(response)
        return response

    async def _authorized(self, call: Call) -> Mapping[str, str]:
        authorizer = call.endpoint.authorizer
        assert authorizer is not None
        outgoing = Outgoing(str(call.url), call.headers, call.body)
        return {**call.headers, **await authorizer.headers(outgoing, time.time(), self._post)}

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> JSON:
        """For a token, which is asked of another server than the call itself."""
        session = self._session or self._begin()
        async with session.post(
            URL(url), data=body, headers=headers, allow_redirects=False, timeout=_TOKEN_TIMEOUT
        ) as response:
            answer = await response.content.read(ERROR_LIMIT)
        if response.status >= 500:
            raise UpstreamUnreachable("The server that gives out the provider's tokens has failed.")
        try:
            value = decode_leniently(answer)
        except MalformedJSON:
            value = None
        if response.status != 200 or not isinstance(value, dict):
            raise UpstreamUnauthorized("The gateway was refused a token for the provider.")
        return value

    async def _refusal(
        self, call: Call, incoming: Incoming, response: aiohttp.ClientResponse
    ) -> ProviderError:
        status = response.status
        body = await incoming.body(ERROR_LIMIT, cut=True)
        try:
            error = call.dialect.error(status, body)
        except STUMBLES:
            error = ProtocolViolation(f"The provider answered with status {status}.", status=status)
        if status in (401, 403) and not isinstance(error, UpstreamUnauthorized):
            error = UpstreamUnauthorized("The provider does not accept the gateway's key.", status=status)
        if error.retry_after is None and (status == 429 or status >= 500):
            error.retry_after = retry_after(response.headers, time.time())
        return error

    async def _json(self, incoming: Incoming) -> JSON:
        try:
            value = decode_leniently(await incoming.body(BODY_LIMIT))
        except MalformedJSON:
            raise ProtocolViolation("The provider's answer is not JSON.") from None
        if not isinstance(value, dict):
            raise ProtocolViolation("The provider's answer is not a JSON object.")
        return value

    def _begin(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ShuttingDown("The gateway is shutting down.")
        self._session = aiohttp.ClientSession(
            connector=Pool(
                limit=self._connections,
                keepalive_timeout=_KEEP_ALIVE,
                ttl_dns_cache=_DNS_KEPT,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            read_bufsize=_READ_BUFFER,
            max_line_size=_LINE_LIMIT,
            max_field_size=_LINE_LIMIT,
            max_headers=_HEADERS_LIMIT,
        )
        return self._session

    def _connect_timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        timeout = self._connect_timeouts.get(seconds)
        if timeout is None:  # as many as there are providers
            timeout = aiohttp.ClientTimeout(connect=seconds, ceil_threshold=3600)
            self._connect_timeouts[seconds] = timeout
        return timeout


def _comes_as_stream(response: aiohttp.ClientResponse, call: Call) -> bool:
    """What the answer is, by its content type: a stream, or one JSON body. Raises ProtocolViolation."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == WIRES[call.dialect.framing].content_type:
        return True
    if kind in _ANSWERS:
        return False
    if kind in _UNSPECIFIC:
        return call.streamed
    what = "a web page" if kind == "text/html" else "another content type than asked for"
    raise ProtocolViolation(f"The provider answered with {what}.", status=response.status)


def _failure(error: Exception, incoming: Incoming) -> ProviderError:
    """What it means that no head of an answer came."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            seconds = min(incoming.timeouts.connect, incoming.patience)
            return UpstreamTimeout(f"The provider did not accept a connection within {seconds:g} s.")
        case aiohttp.ClientSSLError():
            return UpstreamUnreachable("No trusted TLS connection to the provider could be made.")
        case aiohttp.ClientConnectorDNSError():
            return UpstreamUnreachable("The provider's host name could not be resolved.")
        case aiohttp.ClientConnectorError():
            return UpstreamUnreachable("The provider refused the connection.")
        case aiohttp.ClientResponseError():
            return ProtocolViolation("The head of the provider's answer is not HTTP, or too large.")
        case _:
            return UpstreamDisconnected("The provider closed the connection without an answer.")
