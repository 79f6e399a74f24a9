"""What is good for a while only: fetched once for all who need it, and again before it ends.

    nothing ──fetch──▶ good ──EARLY before its end──▶ due ──LAST before its end──▶ nothing
                        ▲                              │
                        └────fetched in the meantime───┘

Whoever finds nothing waits for the fetch, which is one for all, and shares its failure. While the next one is
due, the old one is used; a fetch that failed is then tried again after RETRY.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from antiphon.protocol.errors import UpstreamUnauthorized
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Ask, Outgoing

EARLY: Final = 300
"""Seconds before its end at which the next one is fetched."""

LAST: Final = 30
"""Seconds before its end at which it is no longer used: a call may take as long to reach its provider."""

RETRY: Final = 30
"""Seconds between two fetches while there still is one that is good."""

_TOKEN = re.compile(r"[\x21-\x7e]+")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lease(Generic[T]):
    """A value, and the end of its time in seconds since 1970."""

    value: T
    expires: float


class Kept(Generic[T]):
    """Keeps one lease. Used on one event loop."""

    __slots__ = ("_due", "_fetching", "_held")

    def __init__(self) -> None:
        self._held: Lease[T] | None = None
        self._due = 0.0  # seconds since 1970
        self._fetching: asyncio.Task[T] | None = None

    @property
    def held(self) -> T | None:
        """The latest value, if there was one."""
        return self._held.value if self._held is not None else None

    async def get(self, now: float, fetch: Callable[[], Awaitable[Lease[T]]]) -> T:
        """The value; `now` in seconds since 1970. Raises what `fetch` raises."""
        held = self._held if self._held is not None and now < self._held.expires - LAST else None
        if held is not None and now < self._due:
            return held.value
        if self._fetching is None:
            # A task, so that who leaves takes it from nobody else.
            self._fetching = asyncio.create_task(self._renewed(now, fetch))
            self._fetching.add_done_callback(self._done)
        return held.value if held is not None else await asyncio.shield(self._fetching)

    async def _renewed(self, now: float, fetch: Callable[[], Awaitable[Lease[T]]]) -> T:
        self._due = now + RETRY
        self._held = lease = await fetch()
        self._due = max(lease.expires - EARLY, self._due)
        return lease.value

    def _done(self, task: asyncio.Task[T]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits any more


class LeasedHeaders:
    """An Authorizer whose headers are good for a while, as a token is."""

    __slots__ = ("_fetch", "_kept")

    def __init__(self, fetch: Callable[[float, Ask], Awaitable[Lease[Mapping[str, str]]]]) -> None:
        """`fetch` gets the time, in seconds since 1970. It raises ProviderError."""
        self._fetch = fetch
        self._kept: Kept[Mapping[str, str]] = Kept()

    async def headers(self, outgoing: Outgoing, now: float, ask: Ask) -> Mapping[str, str]:
        return await self._kept.get(now, lambda: self._fetch(now, ask))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The tokens: what stands behind a scheme (`Bearer`)."""
        values = (self._kept.held or {}).values()
        return tuple(token for value in values if (token := value.partition(" ")[2]))


def bearer(answer: JSON, now: float) -> Lease[Mapping[str, str]]:
    """The token of an answer (RFC 6749, 5.1) as a header. Raises UpstreamUnauthorized where there is none.

    Servers inside Azure write numbers as text, and some say `expires_on`, in seconds since 1970.
    """
    token, lives, expires = answer.get("access_token"), answer.get("expires_in"), answer.get("expires_on")
    end = _seconds(expires) if lives is None else now + (_seconds(lives) or 0)
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or not end or end <= now:
        raise UpstreamUnauthorized("The gateway was given no token for the provider.")
    return Lease({"Authorization": f"Bearer {token}"}, end)


def _seconds(value: Any) -> float | None:
    if isinstance(value, str) and value.isdecimal():
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
