"""One HTTP exchange: a request to read, an answer to give. A thin hand on ASGI."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from antiphon.edge.channel import Channel
from antiphon.observe.metrics import OTHER
from antiphon.protocol.errors import BodyTooLarge, ClientGone, InvalidRequest, UpgradeRequired
from antiphon.protocol.json import encode

Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")  # answers belong to one key; no cache between may keep them
_LINGER = 30.0  # seconds


class ConnectionLost(Exception):
    """The client is gone, or does not take what it is sent; nobody can be told."""


class Exchange:
    """What a handler works with. `request_id` is ours; `answered` says whether the head is out."""

    __slots__ = (
        "_body_is_read",
        "_extra",
        "answered",
        "path_params",
        "receive",
        "request_id",
        "route",
        "scope",
        "send",
        "status",
        "subject",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.request_id = request_id
        self.route = OTHER
        self.path_params: dict[str, Any] = {}
        self.answered = False
        self.status = 0
        self.subject: str | None = None  # the id of what the answer is about
        self._extra: Headers = [(b"x-request-id", request_id.encode())]
        self._body_is_read = False

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    def header(self, name: bytes) -> bytes | None:
        """The first header of this (lower-case) name."""
        for key, value in self.scope["headers"]:
            if key == name:
                return bytes(value)
        return None

    def query(self) -> dict[str, list[str]]:
        """The query's parameters. Raises InvalidRequest for one that is no UTF-8 or has too many fields."""
        try:
            pairs = parse_qsl(
                self.scope["query_string"].decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=100,
            )
        except ValueError:
            raise InvalidRequest("The query string cannot be read.") from None
        parameters: dict[str, list[str]] = {}
        for name, value in pairs:
            parameters.setdefault(name, []).append(value)
        return parameters

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises BodyTooLarge over `limit` bytes, unread when it says its length."""
        length = self.header(b"content-length")
        if length is not None and length.isdigit() and int(length) > limit:
            raise self._too_large(limit)
        if self.header(b"content-encoding") not in (None, b"identity"):
            raise InvalidRequest("Compressed request bodies are not accepted.", code="unsupported_encoding")
        message = await self.receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            self._body_is_read = True
            return bytes(message.get("body", b""))  # the common case: one piece
        pieces: list[bytes] = []
        size = 0
        while message["type"] == "http.request":
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > limit:
                raise self._too_large(limit)
            if not message.get("more_body"):
                self._body_is_read = True
                return b"".join(pieces)
            message = await self.receive()
        raise ClientGone("The client closed the connection before its body was complete.")

    def _too_large(self, limit: int) -> BodyTooLarge:
        return BodyTooLarge(f"The request body is larger than {limit} bytes.")

    def _leaves_body(self) -> bool:
        """Whether the answer comes before the body was read: then the connection ends with it."""
        if self._body_is_read:
            return False
        return self.header(b"content-length") not in (None, b"0") or (
            self.header(b"transfer-encoding") is not None
        )

    def add_header(self, name: bytes, value: bytes) -> None:
        """A header for whatever answer this exchange will get."""
        self._extra.append((name, value))

    async def answer_json(self, status: int, value: Any) -> None:
        await self.answer(status, encode(value), (_JSON,))

    async def answer(self, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """The whole answer."""
        early = self._leaves_body()
        if early:
            self.add_header(b"connection", b"close")
        await self.begin(status, (*headers, (b"content-length", b"%d" % len(body))))
        await self.write(b"" if self.method == "HEAD" else body, last=not early)
        if early:
            await self._linger()
            await self.write(b"", last=True)

    async def _linger(self) -> None:
        """Read on and forget: a connection closed while its client still sends is reset, and most clients
        then never see the answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while (await self.receive()).get("more_body"):
                    pass

    async def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """The head of an answer whose body follows piece by piece."""
        self.answered = True
        self.status = status
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, _NO_STORE, *self._extra],
            }
        )

    def abort(self) -> None:
        """Cut the connection, whatever waits to be sent, where the server can do so."""
        if (cut := self.scope.get("state", {}).get("abort")) is not None:
            cut()

    def hand_over(self, channel: Channel) -> None:
        """The connection is the channel's, and this exchange is over; no other answer can be given.

        Raises UpgradeRequired where the server, or this request, does not allow it; InvalidRequest and
        ClientGone as the client behaves.
        """
        take = self.scope.get("state", {}).pop("hand_over", None)
        if take is None:
            raise UpgradeRequired(
                "No WebSocket can be opened on this connection; send POST requests over HTTP."
            )
        take(channel)
        self.answered = True
        self.status = 101

    async def write(self, piece: bytes, *, last: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": piece, "more_body": not last})
