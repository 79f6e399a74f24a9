"""Fetches what a client's URL leads to.

    URL ──▶ a checked connection (upstream/checked.py) ──▶ head ──▶ data
     ▲                                                      │
     └────────────────── redirect, at most 3 ───────────────┘

What goes out is a GET with three headers and nothing of the client's request but the URL: no cookies, no
credentials, no referrer. Data comes as it is, without compression, in pieces, and is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from antiphon.protocol.errors import Overloaded
from antiphon.upstream.checked import PRIVATE, Checked, reason
from antiphon.upstream.media.addresses import is_public
from antiphon.upstream.media.kinds import Kind, Labelled, Media, accepted, media_of
from antiphon.upstream.media.parts import Missing
from antiphon.upstream.media.urls import (
    UNREACHABLE,
    NotFetched,
    host_in,
    name_of,
    not_fetched,
    parsed,
)

AT_ONCE: Final = 8
"""Downloads of one request at a time."""

MOST: Final = 100
"""Different URLs of one request."""

REQUESTS: Final = 128
"""Requests for which something is fetched at a time, in one process; one more is refused as Overloaded."""

log = structlog.get_logger()

_REDIRECTS: Final = 3
_MOVED = (301, 302, 303, 307, 308)
_ACCEPT: dict[Kind, str] = {"image": "image/*", "file": "*/*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is fetched, and how much. Sizes in bytes, times in seconds; `all` is for all URLs of a request."""

    max_bytes: int = 20 * 1024 * 1024
    max_request_bytes: int = 64 * 1024 * 1024
    ports: frozenset[int] = frozenset({80, 443})
    trusted: frozenset[str] = frozenset()  # hosts that may be at any address
    connect: float = 5.0
    whole: float = 20.0
    all: float = 60.0


class Fetcher:
    """Fetches what the URLs of a request lead to."""

    def __init__(
        self,
        bounds: Bounds,
        user_agent: str,
        *,
        may_reach: Callable[[str], bool] = is_public,
        resolver: Callable[[], AbstractResolver] = ThreadedResolver,
    ) -> None:
        self._bounds = bounds
        self._user_agent = user_agent
        self._checked = Checked(
            bounds.trusted, connect=bounds.connect, may_reach=may_reach, resolver=resolver
        )
        self._requests = 0

    async def fetch(self, wanted: Sequence[Missing]) -> list[tuple[Missing, Media]]:
        """All of them, or NotFetched for one that cannot be had. The same URL is fetched once."""
        if self._requests >= REQUESTS:
            raise Overloaded("The gateway is at its limit of requests with media to fetch.", retry_after=5)
        places: dict[tuple[Kind, str], Missing] = {}
        for place in wanted:
            places.setdefault((place.kind, place.url), place)
        if len(places) > MOST:
            raise _at(wanted[-1], not_fetched(f"A request may have {MOST} URLs that the gateway fetches."))
        self._requests += 1
        try:
            found = await self._all(places.values())
        finally:
            self._requests -= 1
        return [(place, found[place.kind, place.url]) for place in wanted]

    async def _all(self, places: Iterable[Missing]) -> dict[tuple[Kind, str], Media]:
        room, turns = _Room(self._bounds.max_request_bytes), asyncio.Semaphore(AT_ONCE)
        deadline = asyncio.get_running_loop().time() + self._bounds.all
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    (place.kind, place.url): group.create_task(self._one(place, room, turns, deadline))
                    for place in places
                }
        except ExceptionGroup as failures:  # the first, for which the others were given up
            raise failures.exceptions[0] from None
        return {key: task.result() for key, task in tasks.items()}

    async def _one(self, place: Missing, room: _Room, turns: asyncio.Semaphore, deadline: float) -> Media:
        try:
            async with asyncio.timeout_at(deadline), turns, asyncio.timeout(self._bounds.whole):
                return await self._media(place, room)
        except TimeoutError:
            raise _at(place, not_fetched("What this URL leads to took too long to come.")) from None
        except NotFetched as refusal:
            raise _at(place, refusal) from None

    async def _media(self, place: Missing, room: _Room) -> Media:
        url = parsed(place.url, self._bounds.ports)
        for _ in range(_REDIRECTS + 1):
            async with self._answer(url, place.kind) as answer:
                if answer.status in _MOVED:
                    url = self._next(url, answer)
                    continue
                if answer.status != 200:
                    raise not_fetched(f"The server of this URL answered with status {answer.status}.")
                label = Labelled(answer.headers.get("Content-Type", ""), name_of(place.url))
                accepted(place.kind, label)
                return media_of(place.kind, label, await self._data(answer, room))
        raise not_fetched(f"This URL redirects more than {_REDIRECTS} times.")

    @asynccontextmanager
    async def _answer(self, url: URL, kind: Kind) -> AsyncIterator[aiohttp.ClientResponse]:
        """Raises NotFetched."""
        headers = {"User-Agent": self._user_agent, "Accept": _ACCEPT[kind], "Accept-Encoding": "identity"}
        try:
            async with (
                self._checked.session(url) as session,
                session.get(url, headers=headers, allow_redirects=False) as answer,
            ):
                yield answer
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            raise not_fetched(UNREACHABLE, reason(error)) from None

    def _next(self, url: URL, answer: aiohttp.ClientResponse) -> URL:
        """Where a redirect leads. Where that is wrong, it is not told how: it is not the client's text."""
        try:
            return parsed(urljoin(str(url), answer.headers["Location"]), self._bounds.ports)
        except (KeyError, ValueError, NotFetched):
            raise not_fetched(UNREACHABLE, "a redirect to what is not fetched") from None

    async def _data(self, answer: aiohttp.ClientResponse, room: _Room) -> bytes:
        if answer.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise not_fetched("The server of this URL sends it compressed, although it was asked not to.")
        if (answer.content_length or 0) > self._bounds.max_bytes:
            raise self._too_large()
        data = bytearray()
        async for piece in answer.content.iter_any():
            data += piece
            if len(data) > self._bounds.max_bytes:
                raise self._too_large()
            room.take(len(piece))
        return bytes(data)

    def _too_large(self) -> NotFetched:
        return not_fetched(f"What this URL leads to is larger than {self._bounds.max_bytes} bytes.")


class _Room:
    """The bytes that the downloads of one request may still have."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size

    def take(self, count: int) -> None:
        """Raises NotFetched."""
        self._left -= count
        if self._left < 0:
            raise not_fetched(f"What the URLs of this request lead to is larger than {self._size} bytes.")


def _at(place: Missing, refusal: NotFetched) -> NotFetched:
    """Logged, without the rest of the URL, in which there may be secrets."""
    write = log.warning if refusal.reason == PRIVATE else log.info
    write("media_not_fetched", host=host_in(place.url), reason=refusal.reason)
    refusal.param = place.path
    return refusal
