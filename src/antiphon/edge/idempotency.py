"""The header `Idempotency-Key`, on every POST that makes something.

The handler behind it works as it does without: what it sends is written down on its way out, and an answer
that is one piece leaves after it was kept. A client that goes away does not stop it, for it will come back
and ask again. Kept are the answer's status, type and body; of a stream the events, without heartbeats.

Not kept is what was refused before a provider was asked, and what is asked to come back later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog
from starlette.types import Message

from antiphon.core.records import Answer, AnswerKey, Caller
from antiphon.edge.errors import envelope, status_of
from antiphon.edge.exchange import ConnectionLost, Exchange
from antiphon.engine.idempotency import Claim, Idempotency
from antiphon.protocol.errors import (
    AntiphonError,
    GatewayError,
    InvalidRequest,
    ProviderError,
    RateLimited,
)
from antiphon.protocol.json import encode

KeyedHandler: TypeAlias = Callable[[Exchange, Caller], Awaitable[None]]

log = structlog.get_logger()

_HEADER = b"idempotency-key"
_LONGEST_KEY = 255
_LARGEST = 64 * 1024 * 1024  # bytes of an answer; a larger one is not kept
_JSON = "application/json"


class Once:
    """Makes handlers do a request with a key once. `body_bytes`: the cap of bodies."""

    def __init__(self, idempotency: Idempotency, body_bytes: int) -> None:
        self._idempotency = idempotency
        self._body_bytes = body_bytes

    def __call__(self, handler: KeyedHandler) -> KeyedHandler:
        async def handle(exchange: Exchange, caller: Caller) -> None:
            given = exchange.header(_HEADER)
            if given is None:
                await handler(exchange, caller)
            else:
                await self._once(handler, exchange, caller, _key(given))

        return handle

    async def _once(self, handler: KeyedHandler, exchange: Exchange, caller: Caller, key: str) -> None:
        body = await exchange.body(self._body_bytes)
        place = AnswerKey(caller.project_id, f"{exchange.method} {exchange.path}", key)
        begun = await self._idempotency.begin(place, body)
        if isinstance(begun, Answer):
            await _replay(exchange, begun)
            return
        recorder = Recorder(exchange, body, begun)
        try:
            await handler(exchange, caller)
        except AntiphonError as error:
            await recorder.failed(error)
            raise
        finally:
            await recorder.close()


class Recorder:
    """Stands between an exchange and its connection, and writes down what is answered."""

    def __init__(self, exchange: Exchange, body: bytes, claim: Claim) -> None:
        self._exchange = exchange
        self._claim = claim
        self._body: bytes | None = body  # until the handler has read it again
        self._send, self._receive = exchange.send, exchange.receive
        exchange.send, exchange.receive = self.send, self.receive
        self._head: Message | None = None
        self._type = ""
        self._status = 0
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_over = False
        self._is_gone = False

    async def receive(self) -> Message:
        """The body; then whatever the client sends, but never that it has gone."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        while (message := await self._receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        await asyncio.get_running_loop().create_future()  # for ever: nobody is told
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._type = dict(message["headers"]).get(b"content-type", b"").decode("latin-1")
            self._head = message
            if self._type != _JSON:
                await self._pass_head()
            return
        piece, last = message.get("body", b""), not message.get("more_body")
        self._note(piece)
        if last:
            await self._keep()
        if self._head is not None:
            await self._pass_head()
        await self._pass(message)

    async def failed(self, error: AntiphonError) -> None:
        """What the client is told of a provider that failed is an answer, too."""
        if isinstance(error, ProviderError) and not isinstance(error, RateLimited) and not self._status:
            self._status, self._type = status_of(error), _JSON
            self._pieces = [encode(envelope(error))]
            await self._keep()

    async def close(self) -> None:
        """Whatever is said from now on is not written down."""
        self._exchange.send, self._exchange.receive = self._send, self._receive
        if not self._is_over:
            await self._claim.release()

    def _note(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= _LARGEST and not piece.startswith(b":"):  # a heartbeat
            self._pieces.append(piece)

    async def _keep(self) -> None:
        """What was done is delivered even if it cannot be kept."""
        if self._is_over or self._size > _LARGEST:
            return
        self._is_over = True
        try:
            await self._claim.save(self._status, self._type, b"".join(self._pieces), self._exchange.subject)
        except GatewayError as error:
            log.error("answer_not_kept", request_id=self._exchange.request_id, reason=str(error))

    async def _pass_head(self) -> None:
        head, self._head = self._head, None
        assert head is not None
        await self._pass(head)

    async def _pass(self, message: Message) -> None:
        if self._is_gone:
            return
        try:
            await self._send(message)
        except ConnectionLost:
            self._is_gone = True


async def _replay(exchange: Exchange, answer: Answer) -> None:
    exchange.add_header(b"idempotent-replayed", b"true")
    content_type = (answer.content_type or _JSON).encode("latin-1")
    await exchange.answer(answer.status or 200, answer.body or b"", [(b"content-type", content_type)])


def _key(given: bytes) -> str:
    """Raises InvalidRequest."""
    key = given.decode("latin-1")
    if not 0 < len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InvalidRequest(
            f"Invalid 'Idempotency-Key': it is 1 to {_LONGEST_KEY} printable ASCII characters.",
            code="invalid_value",
            param="Idempotency-Key",
        )
    return key
