"""Jobs and journals, over every driver: who holds a job alone may write, and only until it is taken."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from antiphon.core.records import Attempt, Batch, Job, JobState, ResponseRecord, Target
from antiphon.stores.drivers.base import Driver
from antiphon.stores.jobs import Jobs
from antiphon.stores.journals import Journals
from antiphon.stores.ledger import Ledger
from antiphon.stores.responses import Responses

LONG = 60.0
SAID = [{"type": "message", "id": "msg_2", "role": "assistant", "content": []}]
BEGUN = Batch(0, 1, b'{"n":0}\n{"n":1}')


def queued(id: str, project: str = "mine") -> ResponseRecord:
    return ResponseRecord(
        id=id,
        project_id=project,
        previous_response_id=None,
        created_at=1,
        body={"id": id, "status": "queued", "model": "sim/echo"},
        input=[{"type": "message", "id": "msg_1", "role": "user", "content": "\0 hello"}],
        output=[],
    )


def completed(job: Job) -> ResponseRecord:
    record = queued(job.response_id, job.project_id)
    attempt = Attempt(
        project_id=job.project_id,
        key_id=job.key_id,
        response_id=job.response_id,
        number=1,
        target=Target("sim", "echo"),
        began_at=1.0,
        seconds=1.0,
        outcome="ok",
    )
    return replace(record, body={**record.body, "status": "completed"}, output=SAID, attempts=[attempt])


@pytest.fixture
def jobs(driver: Driver) -> Jobs:
    return Jobs(driver)


@pytest.fixture
def journals(driver: Driver) -> Journals:
    return Journals(driver)


@pytest.fixture
def responses(driver: Driver) -> Responses:
    return Responses(driver)


async def enqueue(jobs: Jobs, id: str, project: str = "mine", **bounds: int) -> bool:
    chosen: Any = {"of_project": 10, "in_all": 10, **bounds}
    return await jobs.enqueue(queued(id, project), "key_1", b'{"model":"sim/echo"}', BEGUN, **chosen)


async def claimed(jobs: Jobs, project: str = "mine", lease: float = LONG) -> Job:
    job = await jobs.claim(project, lease=lease)
    assert job is not None
    return job


async def test_what_is_queued_is_there_at_once_with_its_input_and_its_first_events(
    jobs: Jobs, journals: Journals, responses: Responses
) -> None:
    assert await enqueue(jobs, "resp_1")
    record = await responses.get("mine", "resp_1")
    assert record == queued("resp_1")
    assert await journals.read("mine", "resp_1", after=-1) == [BEGUN]
    assert await jobs.state("mine", "resp_1") == JobState(0, False)
    for project, response in (("theirs", "resp_1"), ("mine", "resp_2")):
        assert await jobs.state(project, response) is None
        assert await journals.read(project, response, after=-1) == []


async def test_a_full_queue_takes_nothing_and_leaves_nothing(jobs: Jobs, responses: Responses) -> None:
    assert await enqueue(jobs, "resp_1", of_project=2)
    assert await enqueue(jobs, "resp_2", of_project=2)
    assert not await enqueue(jobs, "resp_3", of_project=2)
    assert await responses.get("mine", "resp_3") is None
    assert await enqueue(jobs, "resp_4", "theirs", of_project=2)
    assert not await enqueue(jobs, "resp_5", "others", in_all=3)
    assert await responses.get("others", "resp_5") is None
    job = await claimed(jobs)
    assert not await enqueue(jobs, "resp_6", of_project=2), "what is begun has not ended"
    assert await jobs.finish(job, completed(job), Batch(2, 2, b"{}"))
    assert await enqueue(jobs, "resp_6", of_project=2)


async def test_a_job_is_held_by_one_and_the_oldest_is_taken_first(jobs: Jobs) -> None:
    assert await jobs.claim("mine", lease=LONG) is None
    for number in range(3):
        await enqueue(jobs, f"resp_{number}")
        await asyncio.sleep(0.01)
    taken = await asyncio.gather(*(jobs.claim("mine", lease=LONG) for _ in range(5)))
    held = [job for job in taken if job is not None]
    assert sorted(job.response_id for job in held) == ["resp_0", "resp_1", "resp_2"]
    assert held[0] == Job(
        project_id="mine",
        response_id=held[0].response_id,
        key_id="key_1",
        request=b'{"model":"sim/echo"}',
        attempts=1,
        fence=1,
        cancel_requested=False,
    )
    assert await jobs.state("mine", "resp_0") == JobState(1, False)


async def test_projects_take_turns(jobs: Jobs) -> None:
    assert await jobs.next_project("") is None
    for project in ("c", "a", "b"):
        await enqueue(jobs, f"resp_{project}", project)
    assert [await jobs.next_project(after) for after in ("", "a", "b", "c", "d")] == ["a", "b", "c", "a", "a"]
    await claimed(jobs, "b")
    assert [await jobs.next_project(after) for after in ("a", "c")] == ["c", "a"]


async def test_a_lease_that_is_over_lets_another_take_it_and_the_first_writes_nothing_more(
    jobs: Jobs, journals: Journals, responses: Responses, driver: Driver
) -> None:
    await enqueue(jobs, "resp_1")
    first = await claimed(jobs, lease=0.05)
    assert await journals.append(first, Batch(2, 2, b'{"n":2}'))
    assert await jobs.claim("mine", lease=LONG) is None
    await asyncio.sleep(0.1)
    assert await journals.append(first, Batch(3, 3, b'{"n":3}')), "nobody else has it yet"
    second = await claimed(jobs)
    assert (second.fence, second.attempts) == (2, 2)
    assert not await journals.append(first, Batch(4, 4, b"{}"))
    assert await jobs.renew([first], lease=LONG) == set()
    assert not await jobs.release(first)
    assert not await jobs.finish(first, completed(first), Batch(4, 4, b"{}"))
    record = await responses.get("mine", "resp_1")
    assert record is not None
    assert (record.body["status"], record.output) == ("queued", [])
    assert await Ledger(driver).of_response("mine", "resp_1") == []
    assert await journals.append(second, Batch(4, 4, b"{}"))
    assert [batch.first for batch in await journals.read("mine", "resp_1", after=1)] == [2, 3, 4]


async def test_who_renews_keeps_it(jobs: Jobs) -> None:
    for number in range(2):
        await enqueue(jobs, f"resp_{number}")
    held = [await claimed(jobs, lease=0.2), await claimed(jobs, lease=0.2)]
    assert await jobs.renew(held, lease=LONG) == await jobs.still_held(held) == {"resp_0", "resp_1"}
    await asyncio.sleep(0.25)
    assert await jobs.claim("mine", lease=LONG) is None
    assert await jobs.renew([], lease=LONG) == await jobs.still_held([]) == set()


async def test_what_is_given_back_counts_as_not_begun(jobs: Jobs) -> None:
    await enqueue(jobs, "resp_1")
    job = await claimed(jobs)
    assert await jobs.release(job)
    assert await jobs.still_held([job]) == set()
    again = await claimed(jobs)
    assert (again.attempts, again.fence) == (1, 3)


async def test_the_end_is_all_of_it_at_once(
    jobs: Jobs, journals: Journals, responses: Responses, driver: Driver
) -> None:
    await enqueue(jobs, "resp_1")
    job = await claimed(jobs)
    wanted = completed(job)
    assert await jobs.finish(job, wanted, Batch(2, 3, b"{}\n{}"))
    assert await responses.get("mine", "resp_1") == replace(wanted, attempts=())
    assert await Ledger(driver).of_response("mine", "resp_1") == [
        replace(attempt, first_event=None) for attempt in wanted.attempts
    ]
    assert [batch.last for batch in await journals.read("mine", "resp_1", after=-1)] == [1, 3]
    assert await jobs.state("mine", "resp_1") == JobState(1, True)
    assert not await jobs.finish(job, wanted, Batch(4, 4, b"{}")), "there is one end"
    assert not await journals.append(job, Batch(4, 4, b"{}"))
    assert await jobs.claim("mine", lease=LONG) is None


async def test_who_cancels_takes_it_from_its_holder(jobs: Jobs, journals: Journals) -> None:
    await enqueue(jobs, "resp_1")
    job = await claimed(jobs)
    assert await jobs.seize("theirs", "resp_1", lease=LONG) is None
    seized = await jobs.seize("mine", "resp_1", lease=0.05)
    assert seized is not None
    assert seized.cancel_requested and seized.fence == 2
    assert await jobs.still_held([job]) == set()
    assert not await journals.append(job, Batch(2, 2, b"{}"))
    await asyncio.sleep(0.1)
    assert (await claimed(jobs)).cancel_requested, "whoever comes when it was not ended knows"
    last = await jobs.seize("mine", "resp_1", lease=LONG)
    assert last is not None
    assert await jobs.finish(last, completed(last), Batch(2, 2, b"{}"))
    assert await jobs.seize("mine", "resp_1", lease=LONG) is None


async def test_a_batch_that_is_written_again_is_there_once(jobs: Jobs, journals: Journals) -> None:
    await enqueue(jobs, "resp_1")
    job = await claimed(jobs)
    assert await journals.append(job, Batch(2, 2, b"{}"))
    assert await journals.append(job, Batch(2, 2, b"{}"))
    assert await journals.read("mine", "resp_1", after=1) == [Batch(2, 2, b"{}")]


async def test_a_journal_is_read_from_any_number_on(jobs: Jobs, journals: Journals) -> None:
    await enqueue(jobs, "resp_1")
    job = await claimed(jobs)
    for first in range(2, 20, 3):
        await journals.append(job, Batch(first, first + 2, b"%d" % first))
    assert [batch.first for batch in await journals.read("mine", "resp_1", after=4)] == [5, 8, 11, 14, 17]
    assert [batch.first for batch in await journals.read("mine", "resp_1", after=5)] == [5, 8, 11, 14, 17]
    assert [batch.first for batch in await journals.read("mine", "resp_1", after=5, most=2)] == [5, 8]
    assert await journals.read("mine", "resp_1", after=19) == []


async def test_what_ended_is_forgotten_after_its_time_and_never_more_than_asked(
    jobs: Jobs, journals: Journals, responses: Responses
) -> None:
    for number in range(4):
        await enqueue(jobs, f"resp_{number}")
    for _ in range(3):
        job = await claimed(jobs)
        await jobs.finish(job, completed(job), Batch(2, 2, b"{}"))
    assert await jobs.trim(after=LONG, most=10) == 0
    assert await jobs.trim(after=0, most=2) == 2
    assert await jobs.trim(after=0, most=2) == 1
    assert await jobs.trim(after=0, most=2) == 0
    assert await jobs.state("mine", "resp_0") is None
    assert await journals.read("mine", "resp_0", after=-1) == []
    assert await responses.get("mine", "resp_0") is not None
    assert await jobs.state("mine", "resp_3") == JobState(0, False), "what waits is not touched"


async def test_a_response_that_is_deleted_takes_its_job_along(
    jobs: Jobs, journals: Journals, responses: Responses
) -> None:
    await enqueue(jobs, "resp_1")
    assert await responses.delete("mine", "resp_1")
    assert await jobs.state("mine", "resp_1") is None
    assert await journals.read("mine", "resp_1", after=-1) == []
    assert await jobs.claim("mine", lease=LONG) is None
