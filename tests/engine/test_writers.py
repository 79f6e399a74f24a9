"""Writers of conversations: the lock of a run lasts as long as the run; with a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.records import ConversationRecord
from antiphon.engine.run import Run
from antiphon.engine.service import Service
from antiphon.engine.writers import Writers
from antiphon.protocol.errors import ClientGone, ConversationLocked, NotFound, StorageUnavailable
from antiphon.stores.conversations import Conversations
from antiphon.stores.drivers.sqlite import SQLite
from antiphon.stores.responses import Responses
from tests.engine.stand_ins import CALLER, ScriptedSpeaker, Step, request, service

ANSWER: list[Step] = [d.Text("0", "yes"), d.Stop("stop")]
SLOW: list[Step] = [d.Text("0", "y"), 1.0, d.Text("0", "es"), d.Stop("stop")]
P, C = CALLER.project_id, "conv_1"


class Place:
    """One database with one conversation, and services upon it as of several processes."""

    def __init__(self, driver: SQLite) -> None:
        self.driver = driver
        self.kept = Conversations(driver)
        self.responses = Responses(driver)

    def service(self, *scripts: list[Step], lease: float = 15) -> Service:
        speaker = ScriptedSpeaker([*scripts])
        store: Any = self.responses
        return service(speaker, store, conversations=self.kept, lease=lease)

    async def is_free(self) -> bool:
        lock = await self.kept.claim(P, C, "look", seconds=60)
        if lock is not None:
            await self.kept.release(lock)
        return lock is not None

    async def length(self) -> int:
        return len(await self.kept.history(P, C) or [])


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    driver = await SQLite.open(tmp_path / "antiphon.db")
    place = Place(driver)
    await place.kept.create(ConversationRecord(id=C, project_id=P, created_at=1, metadata={}), [])
    yield place
    await driver.close()


async def ended(run: Run) -> dict[str, Any]:
    return dict((await run.journal.end())["response"])


async def test_the_terminal_event_is_told_when_the_lock_is_free(place: Place) -> None:
    for script, status, length in ((ANSWER, "completed", 2), ([StorageUnavailable("x")], "failed", 2)):
        run = await place.service(script).create(CALLER, request(conversation=C))
        assert (await ended(run))["status"] == status
        assert await place.is_free()
        assert await place.length() == length


async def test_a_client_that_goes_lets_go(place: Place) -> None:
    run = await place.service(SLOW).create(CALLER, request(conversation=C, stream=True))
    await asyncio.sleep(0.05)
    assert not await place.is_free()
    run.cancel(ClientGone("gone"))
    assert (await ended(run))["status"] == "failed"
    assert await place.is_free()
    assert await place.length() == 0


async def test_a_long_run_keeps_the_lock_of_a_short_lease(place: Place) -> None:
    made = place.service(SLOW, lease=0.15)
    run = await made.create(CALLER, request(conversation=C))
    for _ in range(6):
        await asyncio.sleep(0.1)
        with pytest.raises(ConversationLocked):
            await place.service(ANSWER).create(CALLER, request(conversation=C))
    assert (await ended(run))["status"] == "completed"
    assert await place.length() == 2
    await made.drain(0)


async def test_the_lock_of_a_process_that_died_runs_out(place: Place) -> None:
    assert await place.kept.claim(P, C, "dead", seconds=0.1) is not None
    with pytest.raises(ConversationLocked):
        await place.service(ANSWER).create(CALLER, request(conversation=C))
    await asyncio.sleep(0.15)
    run = await place.service(ANSWER).create(CALLER, request(conversation=C))
    assert (await ended(run))["store"]


async def test_who_slept_too_long_keeps_nothing_and_says_so(place: Place) -> None:
    made = place.service([d.Text("0", "y"), 0.3, d.Stop("stop")], ANSWER)
    run = await made.create(CALLER, request(conversation=C))
    [lock] = made.writers.held
    await place.kept.renew(lock, seconds=0)  # as if the lease had run out
    other = await made.create(CALLER, request(conversation=C))
    assert (await ended(other))["store"]
    late = await ended(run)
    assert (late["status"], late["store"]) == ("completed", False)
    assert await place.responses.get(P, run.response_id) is None
    assert await place.length() == 2


async def test_what_is_refused_lets_go(place: Place) -> None:
    orphan = [{"type": "function_call_output", "call_id": "c", "output": "x"}]
    with pytest.raises(Exception, match="No tool call found"):
        await place.service().create(CALLER, request(conversation=C, input=orphan))
    assert await place.is_free()
    with pytest.raises(NotFound):
        await place.service().create(CALLER, request(conversation="conv_2"))


async def test_what_is_claimed_for_later_is_kept_unless_that_fails(place: Place) -> None:
    writers = Writers(place.kept, str)
    async with writers.claimed(P, C, "job") as lock:
        assert writers.held == {lock}
    assert not writers.held
    assert not await place.is_free()
    await place.kept.release(lock)
    with pytest.raises(KeyError):
        async with writers.claimed(P, C, "job"):
            raise KeyError
    assert not writers.held
    assert await place.is_free()


async def test_a_run_that_ends_without_an_end_is_renewed_no_more(place: Place) -> None:
    made, before = place.service(SLOW), asyncio.all_tasks()
    await made.create(CALLER, request(conversation=C))
    assert len(made.writers.held) == 1
    [task] = asyncio.all_tasks() - before
    task.cancel()
    await asyncio.wait([task])
    assert not made.writers.held
