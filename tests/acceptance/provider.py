"""A provider in this process for a gateway in another: one port, known before the gateway starts, behind
which each test puts a script of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.processes import KEYS, Process, gateway
from tests.contract.wire import Answer, ask
from tests.upstream.faults import KEY as PROVIDER_KEY
from tests.upstream.faults import FaultUpstream, Script

TIMEOUTS = {"connect": 0.5, "first_event": 1.0, "idle": 1.0, "total": 3.0}
MODEL = "faulty/model"
NOWHERE = "nowhere/model"
__all__ = ["MODEL", "NOWHERE", "PROVIDER_KEY", "Place", "asked", "made_with_provider"]


@dataclass
class Place:
    """A gateway, and the socket on which its provider listens."""

    gateway: Process
    folder: Path
    listening: socket.socket

    @asynccontextmanager
    async def speaking(self, script: Script) -> AsyncIterator[FaultUpstream]:
        """The provider follows this script, one run of it for each connection."""
        upstream = FaultUpstream(script)
        server = await asyncio.start_server(upstream.visit, sock=self.listening.dup())
        try:
            yield upstream
        finally:
            server.close()
            upstream.cut()
            await asyncio.sleep(0)


@contextmanager
def made_with_provider(folder: Path, timeouts: Any = None, **settings: Any) -> Iterator[Place]:
    """A gateway with a provider that is there, and one that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))  # bound, and not listening
        providers = {
            name: {
                "dialect": "chat",
                "base_url": f"http://127.0.0.1:{port}/v1",
                "api_key": PROVIDER_KEY,
                "headers": {"X-Secret": PROVIDER_KEY},
                "query": {"token": PROVIDER_KEY},
                "timeouts": timeouts or TIMEOUTS,
            }
            for name, port in (
                ("faulty", listening.getsockname()[1]),
                ("nowhere", refusing.getsockname()[1]),
            )
        }
        whole = {"keys": KEYS, "providers": providers, "log": {"level": "debug"}, **settings}
        with gateway(folder, whole) as process:
            yield Place(process, folder, listening)


async def asked(place: Place, input: Any = "hello", **fields: Any) -> Answer:
    """A request, while the provider goes on in this loop."""
    body = {"model": MODEL, "input": input, **fields}
    return await asyncio.to_thread(ask, place.gateway, "POST", "/v1/responses", body)
