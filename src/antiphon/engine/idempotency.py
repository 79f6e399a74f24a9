"""Idempotency: a request that carries a key is done once, however often it is sent.

    first           claimed, done, its answer kept for a day
    again, later    the kept answer
    again, now      waits for the first; after a while 409, to come back later
    another body    409: the key stands for something else

A claim is a lease: it is renewed while the work lasts, and one whose process died is taken over by the next
request with the key. What is refused before anything is done leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Protocol

from antiphon.core.records import Answer, AnswerKey
from antiphon.observe.clock import NewId
from antiphon.protocol.errors import GatewayError, IdempotencyConflict, RequestInFlight
from antiphon.protocol.json import MalformedJSON, decode, encode_sorted

_LEASE = 30.0
_PATIENCE = 25.0  # clients and what is between give up waiting for a first byte at 30 or 60
_LOOK = (0.02, 0.5)  # after which another look is taken: at first, and at last


class AnswerStore(Protocol):
    """Where answers are kept. Leases in milliseconds. Raises nothing but GatewayError."""

    async def claim(self, key: AnswerKey, fingerprint: bytes, token: str, lease: int) -> Answer | None:
        """None: it was claimed; else what there is."""
        ...

    async def renew(self, key: AnswerKey, token: str, lease: int) -> bool: ...

    async def save(self, key: AnswerKey, token: str, answer: Answer) -> bool: ...

    async def release(self, key: AnswerKey, token: str) -> None: ...


class Claim:
    """The right, and the duty, to answer."""

    def __init__(self, store: AnswerStore, key: AnswerKey, token: str, fingerprint: bytes) -> None:
        self._store = store
        self._key = key
        self._token = token
        self._fingerprint = fingerprint
        self._renewing = asyncio.get_running_loop().create_task(self._renew())

    async def save(self, status: int, content_type: str, body: bytes, subject: str | None) -> None:
        """Keep the answer; it is committed when this returns. Raises GatewayError."""
        self._renewing.cancel()
        answer = Answer(self._fingerprint, status, content_type, body, subject)
        await self._store.save(self._key, self._token, answer)

    async def release(self) -> None:
        """Nothing was done."""
        self._renewing.cancel()
        await self._store.release(self._key, self._token)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_LEASE / 3)
            try:
                if not await self._store.renew(self._key, self._token, _milliseconds(_LEASE)):
                    return
            except GatewayError:
                continue  # there is time for another try


class Idempotency:
    """The keys of all requests."""

    def __init__(
        self,
        store: AnswerStore,
        new_id: NewId,
        *,
        conflict: type[IdempotencyConflict] = IdempotencyConflict,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._new_id = new_id
        self._conflict = conflict
        self._sleep = sleep

    async def begin(self, key: AnswerKey, body: bytes) -> Claim | Answer:
        """The claim to answer, or the answer that was given.

        Raises IdempotencyConflict, RequestInFlight; GatewayError.
        """
        fingerprint = fingerprint_of(body)
        token, waited, pause = self._new_id("claim"), 0.0, _LOOK[0]
        while True:
            answer = await self._store.claim(key, fingerprint, token, _milliseconds(_LEASE))
            if answer is None:
                return Claim(self._store, key, token, fingerprint)
            if answer.fingerprint != fingerprint:
                raise self._conflict()
            if answer.status is not None:
                return answer
            if waited >= _PATIENCE:
                raise RequestInFlight()
            await self._sleep(pause)
            waited, pause = waited + pause, min(_LOOK[1], pause * 1.5)


def fingerprint_of(body: bytes) -> bytes:
    """SHA-256 of the body, whatever the order of its keys and the blanks between."""
    with contextlib.suppress(MalformedJSON):  # which will be refused
        body = encode_sorted(decode(body))
    return sha256(body).digest()


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
