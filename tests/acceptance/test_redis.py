"""A gateway and a worker that wake one another over Redis, and do not need it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests import redis_server
from tests.acceptance.test_workers import Provider, made, text_of
from tests.upstream.faults import HELLO, Visit

PASSWORD = "s3cr3t-of-redis"
LEASE = 30.0  # seconds


async def test_redis_may_come_and_go_while_responses_are_made(tmp_path: Path) -> None:
    provider = Provider(once)
    with redis_server.own(tmp_path, PASSWORD) as server:
        server.kill()
        with made(tmp_path / "site", {"redis": server.url}, LEASE) as site, site.worker():
            log = site.folder / "log"
            async with site.speaking(provider.script):

                async def makes() -> None:
                    response = await site.ended(await site.queued())
                    assert (response["status"], text_of(response)) == ("completed", "Hello")

                await makes()  # it was not there at the start
                await asyncio.to_thread(server.start)
                await asyncio.to_thread(told, log, "signals_are_back", 2)
                for _ in range(5):
                    await makes()
                server.kill()
                await makes()
                await asyncio.to_thread(server.start)
                await asyncio.to_thread(told, log, "signals_are_back", 4)
                await makes()
        text = log.read_text()
    assert text.count("signals_only_by_polling") == 4
    assert PASSWORD not in text
    assert provider.calls == 8


async def once(visit: Visit) -> None:
    await visit.send(HELLO)


def told(log: Path, what: str, times: int) -> None:
    limit = time.monotonic() + 5
    while (count := log.read_text().count(what)) < times:
        assert time.monotonic() < limit, f"{count} of {times}: {log.read_text()}"
        time.sleep(0.05)
