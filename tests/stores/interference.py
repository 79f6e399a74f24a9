"""What can stand between a gateway and its PostgreSQL: a wire that is cut, refuses or freezes on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit, urlunsplit


class Wire:
    """A relay on a TCP port, in front of a server."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._flows = asyncio.Event()
        self._flows.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.opened = 0  # connections so far
        self.cuts: Callable[[bytes], bool] = lambda _: False
        """Looks at what a client sends; True: the connection is cut, and the server never hears of it."""

    async def open(self) -> None:
        """Be there, at the same port as before."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Cut all connections and accept none."""
        assert self._server is not None
        self._server.close()
        self.cut()
        if self._relays:
            await asyncio.wait(self._relays)

    def cut(self) -> None:
        for end in list(self._ends):
            end.transport.abort()

    def freeze(self) -> None:
        """Nothing arrives any more; nothing is closed."""
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        relay = asyncio.create_task(self._joined(reader, writer))
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upward, server = await self._connected()
        ends = {writer, server}
        self._ends |= ends
        try:
            pumps = [
                asyncio.create_task(self._pump(reader, server, True)),
                asyncio.create_task(self._pump(upward, writer, False)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)
        finally:
            self._ends -= ends
            for end in ends:
                end.transport.abort()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = self._parts.port or 5432
        folder = parse_qs(self._parts.query).get("host")
        if folder:
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{port}")
        return await asyncio.open_connection(self._parts.hostname, port)

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, from_client: bool
    ) -> None:
        with suppress(OSError):
            while piece := await source.read(65536):
                await self._flows.wait()
                if from_client and self.cuts(piece):
                    return
                target.write(piece)
                await target.drain()


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the server of the URL, and the URL through it."""
    relay, parts = Wire(url), urlsplit(url)
    await relay.open()
    credentials = parts.netloc.rpartition("@")[0] or "postgres"
    try:
        yield relay, urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{relay.port}", query=""))
    finally:
        relay.thaw()
        await relay.refuse()
