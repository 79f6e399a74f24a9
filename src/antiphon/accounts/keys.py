"""Gateway keys: how they look, what is kept of them, and who presents one.

    sk-gateway-<64 hexadecimal digits>      256 random bits; lower case

Hexadecimal, because a double click selects it whole and nothing in it needs escaping anywhere. A key is
shown once. Kept is its digest, HMAC-SHA256 under the pepper of this installation, so that a copy of the
database alone says nothing about the keys, and its first characters, to tell keys apart in a list. A fast
hash is enough: nobody guesses 256 random bits.

A presented key is refused by its looks before any I/O. Then its digest is looked for among the static
keys, in the caches, and in the store:

    known     5 s: a revocation is seen within that time
              60 s while the store cannot answer: an outage of the store is not one of the gateway
    unknown   5 s: one wrong key in a loop does not become a load on the store

When the store cannot answer, the error is StorageUnavailable, never Unauthenticated.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from antiphon.core.records import Caller
from antiphon.protocol.errors import GatewayError, Unauthenticated

PREFIX = "sk-gateway-"
SECRET_BYTES = 32
_DIGITS = "0123456789abcdef"
_LENGTH = len(PREFIX) + 2 * SECRET_BYTES
_SHOWN = len(PREFIX) + 6

FRESH = 5.0  # seconds
STALE = 60.0  # seconds
CACHED = 10_000  # keys in each cache


def generate(random_bytes: Callable[[int], bytes]) -> str:
    """A new key. `random_bytes(n)` gives n bytes nobody can guess, as `secrets.token_bytes` does."""
    return PREFIX + random_bytes(SECRET_BYTES).hex()


def has_shape(presented: str) -> bool:
    """Whether this could be a key of ours at all."""
    # strip() of all digits leaves nothing if and only if there is nothing else
    return (
        len(presented) == _LENGTH
        and presented.startswith(PREFIX)
        and not presented[len(PREFIX) :].strip(_DIGITS)
    )


def digest(pepper: bytes, key: str) -> bytes:
    """What is stored and compared: HMAC-SHA256, 32 bytes."""
    return hmac.digest(pepper, key.encode(), "sha256")


def display_prefix(key: str) -> str:
    """The beginning of the key, safe to show: 24 of its 256 bits."""
    return key[:_SHOWN]


class _Seen(NamedTuple):
    caller: Caller | None
    at: float


class Authenticator:
    """Tells who presents a key. Lives on one event loop."""

    def __init__(
        self,
        *,
        pepper: bytes,
        find: Callable[[bytes], Awaitable[Caller | None]],
        now: Callable[[], float],
        static: Mapping[bytes, Caller] | None = None,
    ) -> None:
        """`find` asks the store for a digest; `now` is a monotonic clock in seconds.

        `static` holds the digests of the keys that the configuration names.
        """
        self._begun = hmac.new(pepper, digestmod="sha256")
        self._find = find
        self._now = now
        self._static = dict(static or {})
        self._known: dict[bytes, _Seen] = {}
        self._unknown: dict[bytes, _Seen] = {}
        self._under_way: dict[bytes, asyncio.Task[Caller | None]] = {}

    @property
    def held(self) -> list[tuple[str, int, int]]:
        """See antiphon.measures."""
        return [("known keys", len(self._known), CACHED), ("unknown keys", len(self._unknown), CACHED)]

    async def authenticate(self, presented: str) -> Caller:
        """The caller whose key this is. Raises Unauthenticated, StorageUnavailable, Overloaded."""
        shaped = has_shape(presented)
        if not shaped and not self._static:
            raise _refused()
        hashed = self._digest(presented)
        caller = self._static.get(hashed)  # a key from the configuration may have any shape
        if caller is None and shaped:
            seen = self._known.get(hashed) or self._unknown.get(hashed)
            if seen is not None and self._now() - seen.at < FRESH:
                caller = seen.caller
            else:
                caller = await self._ask(hashed, seen)
        if caller is None:
            raise _refused()
        return caller

    def _digest(self, presented: str) -> bytes:
        """As `digest`; the pepper is worked in already, which halves the time."""
        begun = self._begun.copy()
        begun.update(presented.encode())
        return begun.digest()

    async def _ask(self, hashed: bytes, seen: _Seen | None) -> Caller | None:
        try:
            caller = await self._look_up(hashed)
        except GatewayError:
            if seen is not None and seen.caller is not None and self._now() - seen.at < STALE:
                return seen.caller
            raise
        return caller

    async def _look_up(self, hashed: bytes) -> Caller | None:
        """One question to the store at a time for each key, whoever waits for the answer."""
        task = self._under_way.get(hashed)
        if task is None:
            task = asyncio.create_task(self._find_and_remember(hashed))
            self._under_way[hashed] = task
            task.add_done_callback(lambda done: self._answered(hashed, done))
        return await asyncio.shield(task)

    async def _find_and_remember(self, hashed: bytes) -> Caller | None:
        asked_at = self._now()  # not later: what the store said may be as old as the question
        caller = await self._find(hashed)
        self._known.pop(hashed, None)
        self._unknown.pop(hashed, None)
        cache = self._unknown if caller is None else self._known
        cache[hashed] = _Seen(caller, asked_at)
        if len(cache) > CACHED:
            del cache[next(iter(cache))]  # the oldest answer
        return caller

    def _answered(self, hashed: bytes, done: asyncio.Task[Caller | None]) -> None:
        del self._under_way[hashed]
        if not done.cancelled():
            done.exception()  # heard, also when everybody who waited has gone


def _refused() -> Unauthenticated:
    return Unauthenticated("Incorrect API key provided.")
