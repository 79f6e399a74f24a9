"""Jobs in conversations, over every driver: the lock is the job's from the queue to its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from antiphon.core.records import Batch, ConversationLock, ConversationRecord, Job, ResponseRecord
from antiphon.stores.conversations import Conversations
from antiphon.stores.drivers.base import Driver
from antiphon.stores.jobs import Jobs
from antiphon.stores.responses import Responses
from tests.conformance.test_responses_store import P, ids, item, turn

BEGUN, LAST = Batch(0, 1, b'{"n":0}\n{"n":1}'), Batch(2, 3, b'{"n":2}\n{"n":3}')
MOMENT = 0.1  # seconds


class Place:
    def __init__(self, driver: Driver) -> None:
        self.jobs, self.kept, self.responses = Jobs(driver), Conversations(driver), Responses(driver)

    async def queue(self, name: str = "r", *, in_all: int = 10) -> bool:
        """A response in the conversation, claimed for it for a moment."""
        lock = await self.kept.claim(P, "c", name, seconds=MOMENT)
        assert lock is not None
        record = answer(name, "queued", lock)
        return await self.jobs.enqueue(record, "key", b"{}", BEGUN, of_project=10, in_all=in_all)

    async def taken(self, lease: float = 60) -> Job:
        job = await self.jobs.claim(P, lease=lease)
        assert job is not None
        return job

    async def said(self) -> list[str] | None:
        return ids(await self.kept.history(P, "c"))

    async def is_free(self) -> bool:
        return await self.kept.claim(P, "c", "look", seconds=0) is not None


def answer(name: str, status: str, lock: ConversationLock | None = None) -> ResponseRecord:
    made = turn(name)
    body: dict[str, Any] = {**made.body, "status": status, "conversation": {"id": "c"}}
    return replace(made, body=body, output=[] if status == "queued" else made.output, conversation=lock)


@pytest.fixture
async def place(driver: Driver) -> Place:
    place = Place(driver)
    first = ConversationRecord(id="c", project_id=P, created_at=7, metadata={})
    await place.kept.create(first, [item("x")])
    return place


@pytest.mark.parametrize("status", ["completed", "incomplete"])
async def test_what_was_asked_and_said_is_added_when_the_job_ends(place: Place, status: str) -> None:
    assert await place.queue()
    await asyncio.sleep(2 * MOMENT)
    assert not await place.is_free()
    assert await place.jobs.finish(await place.taken(), answer("r", status), LAST)
    assert await place.said() == ["x", "r1", "r2", "R"]
    lock = await place.kept.claim(P, "c", "next", seconds=60)
    assert lock is not None
    assert lock.position == 4
    assert ids(await place.responses.history(P, "r")) == ["x", "r1", "r2", "R"]


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_without_an_answer_nothing_is_added(place: Place, status: str) -> None:
    await place.queue()
    assert await place.jobs.finish(await place.taken(), answer("r", status), LAST)
    assert await place.said() == ["x"]
    assert await place.is_free()


async def test_who_does_not_hold_the_job_any_more_changes_nothing(place: Place) -> None:
    await place.queue()
    asleep = await place.taken(lease=0)
    awake = await place.taken()
    for status in ("completed", "failed"):
        assert not await place.jobs.finish(asleep, answer("r", status), LAST)
        assert await place.said() == ["x"]
        assert not await place.is_free()
    assert await place.jobs.finish(awake, answer("r", "completed"), LAST)
    assert not await place.jobs.finish(asleep, answer("r", "completed"), LAST)
    assert await place.said() == ["x", "r1", "r2", "R"]


async def test_what_found_no_room_in_the_queue_holds_nothing(place: Place) -> None:
    assert not await place.queue(in_all=0)
    await asyncio.sleep(2 * MOMENT)
    assert await place.is_free()


async def test_a_deleted_conversation_does_not_stop_the_job(place: Place) -> None:
    await place.queue()
    job = await place.taken()
    await place.kept.delete(P, "c")
    assert await place.jobs.finish(job, answer("r", "completed"), LAST)
    stored = await place.responses.get(P, "r")
    assert stored is not None
    assert ids([*stored.input, *stored.output]) == ["r1", "r2", "R"]
