"""Background responses over two processes: with signals between them nobody waits for the next look.

Here a look takes so long that only who is woken is in time.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from antiphon.engine import background, worker
from antiphon.engine.signals import SharedSignals
from antiphon.stores.drivers.bus import Bus
from antiphon.stores.drivers.postgres_bus import PostgresBus
from antiphon.stores.drivers.redis import RedisBus
from tests.engine.backstage import HELLO, SLOW, Place, Repeating, events_of, opened, queued
from tests.engine.stand_ins import CALLER

POLL = 30.0  # seconds
SOON = 5.0


@pytest.fixture(params=["postgres", "redis"])
def new_bus(request: pytest.FixtureRequest) -> Callable[[], Bus]:
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_database")
        return lambda: PostgresBus(url, secrets.token_hex(8))
    url, prefix = request.getfixturevalue("redis_url"), f"test-{secrets.token_hex(8)}"
    return lambda: RedisBus(url, secrets.token_hex(8), prefix=prefix)


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(background, "POLL", POLL)
    monkeypatch.setattr(worker, "POLL", POLL)
    async with opened(tmp_path) as ready:
        yield ready


@asynccontextmanager
async def two(new_bus: Callable[[], Bus], place: Place) -> AsyncIterator[tuple[SharedSignals, SharedSignals]]:
    signals = SharedSignals(new_bus()), SharedSignals(new_bus())
    for each in signals:
        each.start()
    await asyncio.sleep(0.3)
    yield signals
    for working in place.workers:
        await working.drain(0)
    for each in signals:
        await each.close()


async def test_what_is_queued_here_is_made_there_and_followed_here(
    place: Place, new_bus: Callable[[], Bus]
) -> None:
    async with two(new_bus, place) as (here, there):
        asked = place.background(here)
        place.worker(there, Repeating([HELLO]))
        await asyncio.sleep(0.3)
        async with asyncio.timeout(SOON):
            response_id = await queued(asked)
            events = await events_of(asked, response_id)
        assert events[-1]["type"] == "response.completed"


async def test_what_is_cancelled_here_ends_there(place: Place, new_bus: Callable[[], Bus]) -> None:
    async with two(new_bus, place) as (here, there):
        asked = place.background(here)
        making = place.worker(there, Repeating([SLOW]))
        await asyncio.sleep(0.3)
        async with asyncio.timeout(SOON):
            response_id = await queued(asked)
            await at(making, 1)
            response = await asked.cancel(CALLER, response_id)
            await at(making, 0)
        assert response["status"] == "cancelled"


async def at(making: worker.Worker, jobs: int) -> None:
    limit = time.monotonic() + SOON
    while making.making != jobs:
        assert time.monotonic() < limit
        await asyncio.sleep(0.01)
