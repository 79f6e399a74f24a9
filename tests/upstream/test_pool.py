"""After a rush the pool goes on with the connection that was used last, so that the others may grow old."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web

from antiphon.upstream.pool import Pool

RUSH = 6


async def test_the_connection_that_was_used_last_is_used_next() -> None:
    connections: list[object] = []
    everybody_is_there = asyncio.Barrier(RUSH)

    async def rush(request: web.Request) -> web.Response:
        await everybody_is_there.wait()
        return web.Response()

    async def calm(request: web.Request) -> web.Response:
        connections.append(request.transport)
        return web.Response()

    application = web.Application()
    application.add_routes([web.get("/rush", rush), web.get("/calm", calm)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    async with aiohttp.ClientSession(f"http://{host}:{port}", connector=Pool()) as session:

        async def get(path: str) -> None:
            async with session.get(path) as answer:
                await answer.read()

        await asyncio.gather(*(get("/rush") for _ in range(RUSH)))
        for _ in range(RUSH):
            await get("/calm")
    await runner.cleanup()
    assert len(connections) == RUSH
    assert len(set(map(id, connections))) == 1
