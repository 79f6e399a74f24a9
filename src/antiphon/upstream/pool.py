"""The pool of connections to providers: the one that was used last is used next.

aiohttp takes the one that has been idle for longest. After a rush of 256 calls it would go round 256 cold
connections for ever (10 % of a request, by measurement), none of them ever idle for long enough to be given
up; and each would be the one that its provider is most likely to have closed.
"""

from __future__ import annotations

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace


class Pool(aiohttp.TCPConnector):
    """Overrides what aiohttp does not offer; `tests/upstream/test_pool.py` sees that it still does."""

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        if idle := self._conns.get(key):
            idle.rotate(1)  # the last to the front, where it is taken
        return await super()._get(key, traces)
