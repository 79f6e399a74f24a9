"""Several keys of one provider: taken in turn, and left alone while they are of no use.

    ready ──asked to wait──▶ resting, as long as it was asked to ───────────────────────▶ ready
      └─────not accepted───▶ resting: a minute, then two, … until it is accepted again ─▶ ready

A key that rests is taken only when all do: then the one that is ready first. An error of a call with one
key says whether the same can be asked at once with another (`ProviderError.another_key`). What is known of
keys is known by one process.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager

import structlog
from msgspec.structs import replace
from multidict import CIMultiDict

from antiphon.core.deltas import Delta
from antiphon.protocol.errors import ProviderError, RateLimited, UpstreamUnauthorized
from antiphon.protocol.json import JSON
from antiphon.upstream.client import Call, Client

log = structlog.get_logger()

_WAIT = 1.0  # seconds, for who asks to wait and does not say how long
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 3600.0  # seconds
_EMPTY = "insufficient_quota"  # the account's money is gone: no limit that passes by itself


class Key:
    """One of them. `number` counts from 1; it rests until `ready_at`, and for `pause` seconds if refused."""

    __slots__ = ("_header", "number", "pause", "ready_at")

    def __init__(self, number: int, header: Mapping[str, str]) -> None:
        self.number = number
        self.pause = 0.0
        self.ready_at = 0.0
        self._header = header

    def on(self, call: Call) -> Call:
        """The call, with this key."""
        headers = CIMultiDict(call.headers)
        headers.update(self._header)
        return replace(call, headers=headers)


class Keys:
    """Of one provider. `headers`: of each key, that in which it goes out. `now` only goes forward."""

    def __init__(
        self, provider: str, headers: Sequence[Mapping[str, str]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._provider = provider
        self._keys = [Key(number, header) for number, header in enumerate(headers, 1)]
        self._last = -1
        self._now = now

    def __len__(self) -> int:
        return len(self._keys)

    @contextmanager
    def taken(self) -> Iterator[Key]:
        """The next key, for a call: it hears what became of that."""
        key = self._next()
        try:
            yield key
        except ProviderError as error:
            self._failed(key, error)
            raise
        key.pause = 0.0

    def _next(self) -> Key:
        count, now = len(self._keys), self._now()
        for step in range(1, count + 1):
            at = (self._last + step) % count
            if self._keys[at].ready_at <= now:
                self._last = at
                return self._keys[at]
        return min(self._keys, key=lambda key: key.ready_at)

    def _failed(self, key: Key, error: ProviderError) -> None:
        now = self._now()
        if isinstance(error, UpstreamUnauthorized) or error.code == _EMPTY:
            self._put_aside(key, error, now)
        elif isinstance(error, RateLimited):
            key.ready_at = max(key.ready_at, now + (error.retry_after or _WAIT))
        else:
            return
        soonest = min(each.ready_at for each in self._keys)
        error.another_key = soonest <= now
        if error.retry_after is not None and not error.another_key:
            error.retry_after = min(error.retry_after, soonest - now)

    def _put_aside(self, key: Key, error: ProviderError, now: float) -> None:
        if key.pause and now < key.ready_at:
            return  # a call that was under way: it says nothing new
        key.pause = min(key.pause * 2, _LONGEST_PAUSE) or _FIRST_PAUSE
        key.ready_at = now + key.pause
        log.warning(
            "key_refused",
            provider=self._provider,
            key=key.number,
            status=error.status,
            code=error.code,
            aside_for=key.pause,
        )


class KeyedTurns:
    """A client for a provider with several keys. Raises as the client does."""

    __slots__ = ("_client", "_keys")

    def __init__(self, client: Client, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def deltas(self, call: Call) -> AsyncGenerator[list[Delta], None]:
        with self._keys.taken() as key:
            async with aclosing(self._client.deltas(key.on(call))) as batches:
                async for batch in batches:
                    yield batch

    async def ask(self, call: Call) -> JSON:
        """With one key after another, where that is of use."""
        for _ in range(len(self._keys) - 1):
            try:
                return await self._once(call)
            except ProviderError as error:
                if not error.another_key:
                    raise
        return await self._once(call)

    async def _once(self, call: Call) -> JSON:
        with self._keys.taken() as key:
            return await self._client.ask(key.on(call))
