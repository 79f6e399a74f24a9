"""Deliveries, over every driver: written with the end of the job, held by one, told until they have ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from antiphon.core.records import Batch, Delivery, Job, ResponseRecord, Webhook
from antiphon.observe.clock import Ids
from antiphon.stores.deliveries import Deliveries, Outbox
from antiphon.stores.drivers.base import Driver
from antiphon.stores.jobs import Jobs
from antiphon.stores.schema import deliveries as table
from tests.conformance.test_jobs_store import claimed, enqueue, queued

LONG = 60.0
ALL = frozenset({"response.completed", "response.failed", "response.incomplete", "response.cancelled"})
FIRST = Webhook("mine", "hook_1", ALL)
SECOND = Webhook("mine", "hook_2", frozenset({"response.failed"}))
THEIRS = Webhook("theirs", "hook_1", ALL)
LAST = Batch(2, 2, b"{}")


@pytest.fixture
def jobs(driver: Driver) -> Jobs:
    return Jobs(driver, Outbox(driver, [FIRST, SECOND, THEIRS], Ids()))


@pytest.fixture
def deliveries(driver: Driver) -> Deliveries:
    return Deliveries(driver)


def as_it_ended(job: Job, status: str) -> ResponseRecord:
    record = queued(job.response_id, job.project_id)
    return replace(record, body={**record.body, "status": status})


async def end(jobs: Jobs, id: str, status: str = "completed", project: str = "mine") -> None:
    assert await enqueue(jobs, id, project)
    job = await claimed(jobs, project)
    assert await jobs.finish(job, as_it_ended(job, status), LAST)


async def one(deliveries: Deliveries, webhook: Webhook = FIRST, lease: float = LONG) -> Delivery:
    (taken,) = await deliveries.claim(webhook, lease=lease, most=1)
    return taken


async def outcomes(driver: Driver) -> Sequence[tuple[str, str | None, bool]]:
    rows = await driver.read(
        driver.compile(select(table.c.response_id, table.c.outcome, table.c.due_at.is_(None))), {}
    )
    return sorted((id, outcome, bool(ended)) for id, outcome, ended in rows)


async def test_the_end_of_a_job_is_told_to_whom_it_concerns(jobs: Jobs, deliveries: Deliveries) -> None:
    await end(jobs, "resp_1", "failed")
    await end(jobs, "resp_2", "cancelled")
    told = await deliveries.claim(FIRST, lease=LONG, most=10)
    assert [(each.response_id, each.type, each.attempts) for each in told] == [
        ("resp_1", "response.failed", 1),
        ("resp_2", "response.cancelled", 1),
    ]
    (second,) = await deliveries.claim(SECOND, lease=LONG, most=10)
    assert second == replace(told[0], webhook="hook_2", age=second.age)
    assert second.event_id.startswith("evt_") and told[0].event_id != told[1].event_id
    assert abs(told[0].created_at - time.time()) < 60 and 0 <= told[0].age < 60
    assert await deliveries.claim(THEIRS, lease=LONG, most=10) == []
    await end(jobs, "resp_1", "completed", "theirs")
    assert (await one(deliveries, THEIRS)).project_id == "theirs"
    assert await deliveries.claim(FIRST, lease=LONG, most=10) == []


async def test_who_does_not_hold_the_job_tells_nobody_and_one_end_is_told_once(
    jobs: Jobs, deliveries: Deliveries
) -> None:
    assert await enqueue(jobs, "resp_1")
    late = await claimed(jobs)
    job = await jobs.seize("mine", "resp_1", lease=LONG)
    assert job is not None
    assert not await jobs.finish(late, as_it_ended(late, "completed"), LAST)
    assert await deliveries.claim(FIRST, lease=LONG, most=10) == []
    assert await jobs.finish(job, as_it_ended(job, "cancelled"), LAST)
    assert not await jobs.finish(job, as_it_ended(job, "cancelled"), Batch(3, 3, b"{}"))
    told = await deliveries.claim(FIRST, lease=LONG, most=10)
    assert [each.type for each in told] == ["response.cancelled"]


async def test_without_webhooks_nothing_is_written(driver: Driver) -> None:
    for jobs in (Jobs(driver), Jobs(driver, Outbox(driver, [], Ids()))):
        await end(jobs, f"resp_{id(jobs)}")
    assert await outcomes(driver) == []


async def test_each_is_held_by_one_and_the_oldest_is_taken_first(jobs: Jobs, deliveries: Deliveries) -> None:
    for number in range(6):
        await end(jobs, f"resp_{number}")
        await asyncio.sleep(0.005)
    assert [each.response_id for each in await deliveries.claim(FIRST, lease=LONG, most=2)] == [
        "resp_0",
        "resp_1",
    ]
    taken = await asyncio.gather(*(deliveries.claim(FIRST, lease=LONG, most=3) for _ in range(4)))
    ids = [each.response_id for some in taken for each in some]
    assert sorted(ids) == [f"resp_{number}" for number in range(2, 6)]
    assert await deliveries.claim(FIRST, lease=LONG, most=3) == []


async def test_what_is_postponed_comes_again_and_what_has_ended_does_not(
    driver: Driver, jobs: Jobs, deliveries: Deliveries
) -> None:
    await end(jobs, "resp_1")
    first = await one(deliveries)
    assert await deliveries.postponed(first, delay=LONG)
    assert await deliveries.claim(FIRST, lease=LONG, most=1) == []
    assert not await deliveries.postponed(replace(first, attempts=7), delay=0)
    assert await deliveries.postponed(first, delay=0), "nobody has taken it since"
    again = await one(deliveries)
    assert (again.event_id, again.created_at) == (first.event_id, first.created_at)
    assert again.attempts == 2 and again.age >= first.age
    assert await deliveries.delivered(again)
    assert not await deliveries.postponed(again, delay=0)
    await end(jobs, "resp_2")
    assert await deliveries.given_up(await one(deliveries))
    assert await deliveries.claim(FIRST, lease=LONG, most=1) == []
    assert await outcomes(driver) == [("resp_1", "delivered", True), ("resp_2", "given_up", True)]


async def test_who_is_too_slow_changes_nothing_more(
    driver: Driver, jobs: Jobs, deliveries: Deliveries
) -> None:
    await end(jobs, "resp_1")
    slow = await one(deliveries, lease=0)
    quick = await one(deliveries)
    assert quick.event_id == slow.event_id
    assert not await deliveries.postponed(slow, delay=0)
    assert not await deliveries.given_up(slow)
    assert await deliveries.delivered(quick)
    assert not await deliveries.delivered(slow)
    assert await outcomes(driver) == [("resp_1", "delivered", True)]


async def test_what_has_ended_is_forgotten_a_few_at_a_time_and_what_waits_is_not(
    driver: Driver, jobs: Jobs, deliveries: Deliveries
) -> None:
    for number in range(4):
        await end(jobs, f"resp_{number}")
    for each in await deliveries.claim(FIRST, lease=LONG, most=3):
        assert await deliveries.delivered(each)
    assert await deliveries.trim(after=LONG, most=10) == 0
    assert [await deliveries.trim(after=0, most=2) for _ in range(3)] == [2, 1, 0]
    assert await outcomes(driver) == [("resp_3", None, False)]
    assert await deliveries.trim(after=-29 * 86_400, most=10) == 0
    assert await deliveries.trim(after=-31 * 86_400, most=10) == 1, "nobody takes it any more"
