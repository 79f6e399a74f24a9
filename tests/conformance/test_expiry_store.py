"""Old responses, over every driver: they go with all that is theirs, a few at a time."""

from __future__ import annotations

import time
from typing import Any

from antiphon.core.records import Batch, ResponseRecord
from antiphon.stores.drivers.base import Driver
from antiphon.stores.expiry import Expiry
from antiphon.stores.jobs import Jobs
from antiphon.stores.journals import Journals
from antiphon.stores.responses import Responses
from antiphon.stores.schema import DEFAULT_PROJECT

DAY = 86_400


def made(id: str, age: float, status: str = "completed") -> ResponseRecord:
    return ResponseRecord(
        id=id,
        project_id=DEFAULT_PROJECT,
        previous_response_id=None,
        created_at=int(time.time() - age),
        body={"status": status, "model": "sim/echo"},
        input=[{"type": "message", "id": f"msg_{id}"}],
        output=[],
    )


async def test_what_is_old_goes_the_oldest_first(driver: Driver) -> None:
    responses, expiry = Responses(driver), Expiry(driver)
    for number, age in enumerate((10 * DAY, 5 * DAY, 3 * DAY, DAY)):
        await responses.save(made(f"resp_{number}", age))
    assert await expiry.projects() == [DEFAULT_PROJECT]
    assert await expiry.delete("theirs", after=0, most=10) == 0
    assert await expiry.delete(DEFAULT_PROJECT, after=2 * DAY, most=2) == 2
    left = [await responses.get(DEFAULT_PROJECT, f"resp_{number}") for number in range(4)]
    assert [record is not None for record in left] == [False, False, True, True]
    assert await expiry.delete(DEFAULT_PROJECT, after=2 * DAY, most=2) == 1
    assert await expiry.delete(DEFAULT_PROJECT, after=2 * DAY, most=2) == 0
    assert await responses.items(DEFAULT_PROJECT, ["msg_resp_0", "msg_resp_3"]) == {
        "msg_resp_3": {"type": "message", "id": "msg_resp_3"}
    }


async def test_what_is_still_to_be_made_is_left_and_then_goes_with_its_journal(driver: Driver) -> None:
    responses, expiry, jobs = Responses(driver), Expiry(driver), Jobs(driver)
    bounds: Any = {"of_project": 10, "in_all": 10}
    record = made("resp_1", 10 * DAY, "queued")
    assert await jobs.enqueue(record, "key", b"{}", Batch(0, 0, b"{}"), **bounds)
    assert await expiry.delete(DEFAULT_PROJECT, after=DAY, most=10) == 0
    job = await jobs.claim(DEFAULT_PROJECT, lease=60)
    assert job is not None
    assert await jobs.finish(job, made("resp_1", 10 * DAY), Batch(1, 1, b"{}"))
    assert await expiry.delete(DEFAULT_PROJECT, after=DAY, most=10) == 1
    assert await jobs.state(DEFAULT_PROJECT, "resp_1") is None
    assert await Journals(driver).read(DEFAULT_PROJECT, "resp_1", after=-1) == []
    assert await responses.get(DEFAULT_PROJECT, "resp_1") is None
