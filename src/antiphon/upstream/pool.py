"""The pool of connections to providers: the one that was used last is used next.

aiohttp takes the one that has been idle for longest. After a rush of 256 calls it would go round 256 cold
connections for ever (10 % of a request, by measurement), none of them ever idle for long enough to be given
up; and each would be the one that its provider is most likely to have closed.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

_Place: TypeAlias = tuple[aiohttp.ClientRequest, aiohttp.ClientTimeout]


class Pool(aiohttp.TCPConnector):
    """Overrides what aiohttp does not offer; `tests/upstream/test_pool.py` sees that it still does."""

    def __init__(self, **options: Any) -> None:
        """With the options of aiohttp's connector."""
        super().__init__(**options)
        self._places: dict[tuple[str, str | None, int | None, float], _Place] = {}

    async def reach(self, url: URL, seconds: float) -> Connection:
        """A connection to where `url` leads. Raises TimeoutError after `seconds`, and what aiohttp does."""
        key = (url.scheme, url.raw_host, url.port, seconds)
        place = self._places.get(key)
        if place is None:  # as many as there are providers
            request = aiohttp.ClientRequest("POST", url.origin(), loop=self._loop)
            place = request, aiohttp.ClientTimeout(connect=seconds, ceil_threshold=3600)
            self._places[key] = place
        return await self.connect(place[0], [], place[1])

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        if idle := self._conns.get(key):
            idle.rotate(1)  # the last to the front, where it is taken
        return await super()._get(key, traces)
