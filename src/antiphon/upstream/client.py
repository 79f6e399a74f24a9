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

A request is sent once. The one exception: a connection may have been closed by the provider just as it was
chosen. If that was before the first byte of the request was handed to it, another is taken, once, because
then nobody can have read it.

The texts of aiohttp's exceptions hold URLs; none of them goes into an error.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Final

import aiohttp
import structlog
from aiohttp.http_exceptions import HttpProcessingError
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
from antiphon.upstream.endpoint import Endpoint, check
from antiphon.upstream.incoming import Incoming
from antiphon.upstream.pool import Pool
from antiphon.upstream.retry_after import retry_after
from antiphon.upstream.stale import recognised
from antiphon.upstream.stream import STUMBLES, DeltaStream, answer
from antiphon.upstream.wire import WIRES

log = structlog.get_logger()

CONNECTIONS: Final = 1024
"""Calls in progress in one process; one more is refused as Overloaded, not queued."""

BODY_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of a whole JSON answer after decompression."""

ERROR_LIMIT: Final = 64 * 1024
"""Bytes that are read of an error's body."""

_KEEP_ALIVE = 30.0  # seconds; providers keep theirs longer, and say so when they do not
_DNS_KEPT = 60  # seconds
_TOKEN_TIMEOUT = aiohttp.ClientTimeout(total=10)  # seconds

_ERROR_CODE = re.compile(r"[a-z_]{1,50}")

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
        self._pool: Pool | None = None
        self._session: aiohttp.ClientSession | None = None  # for tokens

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
            await self._send(call, incoming)
            if not _comes_as_stream(incoming, call):
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
            raise call.endpoint.clean(recognised(error)) from None
        finally:
            self._incoming.discard(incoming)
            incoming.close()

    async def ask(self, call: Call) -> JSON:
        """Sends the request; returns the JSON object that comes back. Raises as `deltas` does."""
        incoming = self._admit(call)
        try:
            await self._send(call, incoming)
            if _comes_as_stream(incoming, call):
                raise ProtocolViolation("The provider sent a stream for a question that has one answer.")
            return await self._json(incoming)
        except ProviderError as error:
            raise call.endpoint.clean(recognised(error)) from None
        finally:
            self._incoming.discard(incoming)
            incoming.close()

    async def aclose(self) -> None:
        """Close all connections; calls in progress end with UpstreamDisconnected."""
        self._closed = True
        for incoming in self._incoming:
            incoming.break_off()
        pool, self._pool, self._session = self._pool, None, None
        if pool is not None:
            await pool.close()

    def _admit(self, call: Call) -> Incoming:
        if len(self._incoming) >= self._connections:
            raise Overloaded("The gateway is at its limit of calls to providers.", retry_after=1)
        incoming = Incoming(call.endpoint.timeouts, call.streamed)
        self._incoming.add(incoming)
        return incoming

    async def _send(self, call: Call, incoming: Incoming) -> None:
        """Until the head of the answer is there, and a good one. Raises ProviderError."""
        incoming.begin()
        try:
            await self._request(call, incoming)
        except UpstreamDisconnected:
            if incoming.handed_over:
                raise
            await self._request(call, incoming)
        status = incoming.status
        if status >= 400:
            raise await self._refusal(call, incoming)
        if not 200 <= status < 300:
            what = "a redirect, which is not followed" if status >= 300 else "a change of protocol"
            raise ProtocolViolation(f"The provider answered with {what} (status {status}).", status=status)

    async def _request(self, call: Call, incoming: Incoming) -> None:
        pool = self._pool or self._begin()
        headers = call.headers if call.endpoint.authorizer is None else await self._authorized(call)
        seconds = min(incoming.timeouts.connect, incoming.patience)
        try:
            connection = await pool.reach(call.url, seconds)
            await incoming.send(connection, _written(call.url, headers, call.body))
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            raise incoming.verdict(_failure(error, seconds)) from None

    async def _authorized(self, call: Call) -> Mapping[str, str]:
        authorizer = call.endpoint.authorizer
        assert authorizer is not None
        outgoing = Outgoing(str(call.url), call.headers, call.body)
        added = await authorizer.headers(outgoing, time.time(), self._ask_for_token)
        try:
            check(added)
        except ValueError:
            raise UpstreamUnauthorized("The gateway's credentials cannot be sent in a header.") from None
        return {**call.headers, **added}

    async def _ask_for_token(self, url: str, headers: Mapping[str, str], body: bytes | None) -> JSON:
        """Of another server than that of the call itself. Raises UpstreamUnauthorized."""
        session, place = self._session_for_tokens(), URL(url, encoded=True)
        method = "GET" if body is None else "POST"
        try:
            async with session.request(
                method, place, data=body, headers=headers, allow_redirects=False, timeout=_TOKEN_TIMEOUT
            ) as response:
                status, answer = response.status, await _beginning(response.content)
        except (aiohttp.ClientError, OSError) as error:
            log.warning("no_token", host=place.host, reason=type(error).__name__)
            raise UpstreamUnauthorized("The server that gives out the provider's tokens is silent.") from None
        try:
            value = decode_leniently(answer)
        except MalformedJSON:
            value = None
        if status != 200 or not isinstance(value, dict):
            log.warning("no_token", host=place.host, status=status, **_reasons(value))
            raise UpstreamUnauthorized("The gateway was refused a token for the provider.")
        return value

    async def _refusal(self, call: Call, incoming: Incoming) -> ProviderError:
        status = incoming.status
        body = await incoming.body(ERROR_LIMIT, cut=True)
        try:
            error = call.dialect.error(status, body)
        except STUMBLES:
            error = ProtocolViolation(f"The provider answered with status {status}.", status=status)
        if status in (401, 403) and not isinstance(error, UpstreamUnauthorized):
            error = UpstreamUnauthorized("The provider does not accept the gateway's key.", status=status)
        if error.retry_after is None and (status == 429 or status >= 500):
            error.retry_after = retry_after(incoming.headers, time.time())
        return error

    async def _json(self, incoming: Incoming) -> JSON:
        try:
            value = decode_leniently(await incoming.body(BODY_LIMIT))
        except MalformedJSON:
            raise ProtocolViolation("The provider's answer is not JSON.") from None
        if not isinstance(value, dict):
            raise ProtocolViolation("The provider's answer is not a JSON object.")
        return value

    def _begin(self) -> Pool:
        if self._closed:
            raise ShuttingDown("The gateway is shutting down.")
        self._pool = Pool(limit=self._connections, keepalive_timeout=_KEEP_ALIVE, ttl_dns_cache=_DNS_KEPT)
        return self._pool

    def _session_for_tokens(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._pool or self._begin(), cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._session


def _written(url: URL, headers: Mapping[str, str], body: bytes) -> bytes:
    """The request as it goes over the wire. That a header is one was checked where it came from."""
    lines = [
        f"POST {url.raw_path_qs} HTTP/1.1",
        f"Host: {url.host_port_subcomponent}",
        *map(": ".join, headers.items()),
        f"Content-Length: {len(body)}\r\n\r\n",
    ]
    return "\r\n".join(lines).encode() + body


def _comes_as_stream(incoming: Incoming, call: Call) -> bool:
    """What the answer is, by its content type: a stream, or one JSON body. Raises ProtocolViolation."""
    kind = incoming.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == WIRES[call.dialect.framing].content_type:
        return True
    if kind in _ANSWERS:
        return False
    if kind in _UNSPECIFIC:
        return call.streamed
    what = "a web page" if kind == "text/html" else "another content type than asked for"
    raise ProtocolViolation(f"The provider answered with {what}.", status=incoming.status)


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    """All of it, or a little more than ERROR_LIMIT."""
    data = bytearray()
    while len(data) <= ERROR_LIMIT and (piece := await content.readany()):
        data += piece
    return bytes(data)


def _reasons(value: object) -> dict[str, str | int]:
    """Why there is no token, in the codes of RFC 6749, 5.2, and of Entra ID: no text, which may say more."""
    found = value if isinstance(value, dict) else {}
    error, codes = found.get("error"), found.get("error_codes")
    reasons: dict[str, str | int] = {}
    if isinstance(error, str) and _ERROR_CODE.fullmatch(error):
        reasons["error"] = error
    if isinstance(codes, list) and codes and isinstance(codes[0], int):
        reasons["code"] = codes[0]
    return reasons


def _failure(error: Exception, seconds: float) -> ProviderError:
    """What it means that no head of an answer came; `seconds` are those in which to connect."""
    match error:
        case TimeoutError():
            return UpstreamTimeout(f"The provider did not accept a connection within {seconds:g} s.")
        case aiohttp.ClientSSLError():
            return UpstreamUnreachable("No trusted TLS connection to the provider could be made.")
        case aiohttp.ClientConnectorDNSError():
            return UpstreamUnreachable("The provider's host name could not be resolved.")
        case aiohttp.ClientConnectorError():
            return UpstreamUnreachable("The provider refused the connection.")
        case HttpProcessingError():
            return ProtocolViolation("The head of the provider's answer is not HTTP, or too large.")
        case _:
            return UpstreamDisconnected("The provider closed the connection without an answer.")
