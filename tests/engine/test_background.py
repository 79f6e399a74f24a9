"""Background responses keep their word, whoever makes, reads, cancels or loses them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from antiphon.core.fold import fold
from antiphon.core.records import Caller
from antiphon.engine.signals import LocalSignals
from antiphon.protocol.errors import Gone, InvalidRequest, NotFound, QueueFull, RateLimited, ShuttingDown
from tests.engine.backstage import (
    HELLO,
    SILENT,
    SLOW,
    Place,
    Repeating,
    ended,
    events_of,
    opened,
    queued,
    until,
)
from tests.engine.stand_ins import CALLER, request

OTHER = Caller("other", "key")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(tmp_path) as made:
        yield made


def text_of(response: dict) -> str:
    return "".join(item["content"][0]["text"] for item in response["output"])


async def test_it_is_queued_made_and_kept_with_what_it_cost(place: Place) -> None:
    signals = LocalSignals()
    background = place.background(signals)
    response_id = await queued(background, metadata={"a": "b"})
    waiting = await background.retrieve(CALLER, response_id, ())
    assert (waiting["status"], waiting["background"], waiting["output"]) == ("queued", True, [])
    place.worker(signals, Repeating([HELLO]))
    response = await ended(background, response_id)
    assert (response["status"], text_of(response), response["metadata"]) == ("completed", "hello", {"a": "b"})
    assert response["cost"] == pytest.approx(1.6e-05)
    assert len(await place.ledger.of_response("project", response_id)) == 1
    events = await events_of(background, response_id)
    assert [event["type"] for event in events[:3]] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    assert fold(events) == response
    page = await place.responses.input_items("project", response_id, limit=10, order="asc", after=None)
    assert page is not None
    assert [item["content"][0]["text"] for item in page.data] == ["hi"]


async def test_it_is_read_from_every_number_while_it_is_made_and_after(place: Place) -> None:
    signals = LocalSignals()
    background = place.background(signals)
    response_id = await queued(background)
    live = [asyncio.create_task(events_of(background, response_id, after)) for after in range(-1, 8)]
    deaf = asyncio.create_task(events_of(place.background(LocalSignals()), response_id))
    place.worker(signals, Repeating([HELLO]))
    whole = await deaf
    assert [event["sequence_number"] for event in whole] == list(range(len(whole)))
    for after, reading in enumerate(live, -1):
        assert await reading == whole[after + 1 :]
    for after in range(-1, len(whole) + 2):
        assert await events_of(background, response_id, after) == whole[after + 1 :]


async def test_what_cannot_be_made_is_refused_before_anything_is_kept(place: Place) -> None:
    background = place.background(LocalSignals())
    with pytest.raises(InvalidRequest):
        await background.create(CALLER, request(background=True, model="nobody/model"))
    with pytest.raises(InvalidRequest):
        await background.create(CALLER, request(background=True, previous_response_id="resp_none"))
    assert await place.jobs.next_project("") is None


async def test_a_full_queue_refuses_and_another_project_is_not_concerned(place: Place) -> None:
    background = place.background(LocalSignals(), of_project=1)
    await queued(background)
    with pytest.raises(QueueFull):
        await queued(background)
    await queued(background, OTHER)


async def test_projects_take_turns(place: Place) -> None:
    signals = LocalSignals()
    background = place.background(signals)
    flood = [await queued(background) for _ in range(8)]
    single = await queued(background, OTHER)
    place.worker(signals, Repeating([[0.05, *HELLO]]), runs=1)
    await ended(background, single, OTHER)
    done = [(await background.retrieve(CALLER, each, ()))["status"] for each in flood]
    assert done.count("completed") <= 2, done


async def test_a_response_that_is_not_made_yet_cannot_be_continued_or_deleted(place: Place) -> None:
    signals = LocalSignals()
    background = place.background(signals)
    response_id = await queued(background)
    with pytest.raises(InvalidRequest) as refused:
        await background.create(CALLER, request(background=True, previous_response_id=response_id))
    assert refused.value.code == "previous_response_in_progress"
    with pytest.raises(InvalidRequest, match="in-flight"):
        await background.delete(CALLER, response_id)
    place.worker(signals, Repeating([HELLO]))
    await ended(background, response_id)
    following = await queued(background, previous_response_id=response_id)
    assert (await ended(background, following))["status"] == "completed"
    await background.delete(CALLER, response_id)
    with pytest.raises(NotFound):
        await background.retrieve(CALLER, response_id, ())


async def test_what_it_refers_to_may_be_deleted_meanwhile(place: Place) -> None:
    signals = LocalSignals()
    speaker = Repeating([HELLO])
    background = place.background(signals)
    worker = place.worker(signals, speaker)
    first = await queued(background)
    said = (await ended(background, first))["output"][0]
    await worker.drain(1)
    second = await queued(background, input=[{"type": "item_reference", "id": said["id"]}])
    await background.delete(CALLER, first)
    place.worker(signals, speaker)
    assert (await ended(background, second))["status"] == "completed"
    assert speaker.turns[-1].items[0]["content"][0]["text"] == "hello"


async def test_one_that_fails_says_why_to_whoever_asks(place: Place) -> None:
    signals = LocalSignals()
    background = place.background(signals)
    place.worker(signals, Repeating([[RateLimited("slow down")]]))
    response_id = await queued(background)
    response = await ended(background, response_id)
    assert (response["status"], response["error"]["code"]) == ("failed", "rate_limit_exceeded")
    events = await events_of(background, response_id)
    assert fold(events) == response
    assert len(await place.ledger.of_response("project", response_id)) == 1


# Cancelling


async def test_one_that_waits_is_cancelled_at_once_and_never_made(place: Place) -> None:
    signals, speaker = LocalSignals(), Repeating([HELLO])
    background = place.background(signals)
    response_id = await queued(background)
    response = await background.cancel(CALLER, response_id)
    assert (response["status"], response["output"], response["error"]) == ("cancelled", [], None)
    place.worker(signals, speaker)
    await asyncio.sleep(0.1)
    assert speaker.begun == 0
    assert await background.cancel(CALLER, response_id) == response
    events = await events_of(background, response_id)
    assert [event["type"] for event in events] == ["response.created", "response.queued", "response.failed"]
    assert fold(events) == response


@pytest.mark.parametrize("is_elsewhere", [False, True])
async def test_one_that_is_made_is_cancelled_from_any_process_within_a_second(
    place: Place, is_elsewhere: bool
) -> None:
    signals, speaker = LocalSignals(), Repeating([SLOW])
    background = place.background(signals)
    place.worker(signals, speaker)
    response_id = await queued(background)
    reading = asyncio.create_task(events_of(background, response_id))
    await until(lambda: speaker.open)
    await asyncio.sleep(0.1)
    canceller = place.background(LocalSignals()) if is_elsewhere else background
    response = await canceller.cancel(CALLER, response_id)
    assert (response["status"], text_of(response)) == ("cancelled", "begun ")
    async with asyncio.timeout(1):
        await until(lambda: not speaker.open)
    events = await reading
    assert fold(events) == response
    assert await canceller.cancel(CALLER, response_id) == await background.retrieve(CALLER, response_id, ())
    await place.workers[0].drain(1)
    calls = await place.ledger.of_response("project", response_id)
    assert [call.outcome for call in calls] == ["cancelled"], "what was called has been paid for"


async def test_several_who_cancel_at_once_hear_the_same(place: Place) -> None:
    signals, speaker = LocalSignals(), Repeating([SLOW])
    background = place.background(signals)
    place.worker(signals, speaker)
    response_id = await queued(background)
    await until(lambda: speaker.open)
    told = await asyncio.gather(*(background.cancel(CALLER, response_id) for _ in range(5)))
    assert all(each == told[0] for each in told)
    assert told[0]["status"] == "cancelled"


async def test_cancelling_what_has_ended_changes_nothing(place: Place) -> None:
    signals = LocalSignals()
    background = place.background(signals)
    place.worker(signals, Repeating([HELLO]))
    response_id = await queued(background)
    response = await ended(background, response_id)
    assert await background.cancel(CALLER, response_id) == response
    for caller, unknown in ((OTHER, response_id), (CALLER, "resp_none")):
        with pytest.raises(NotFound):
            await background.cancel(caller, unknown)


async def test_one_in_the_foreground_is_not_cancelled(place: Place) -> None:
    background = place.background(LocalSignals(), Repeating([[0.2, *HELLO]]))
    run = await background._service.create(CALLER, request())
    with pytest.raises(InvalidRequest, match="Cannot cancel a synchronous response"):
        await background.cancel(CALLER, run.response_id)
    await run.journal.end()
    with pytest.raises(InvalidRequest, match="Cannot cancel a synchronous response"):
        await background.cancel(CALLER, run.response_id)


# Workers that go away


async def test_one_of_which_nothing_was_said_is_made_again_by_another(place: Place) -> None:
    signals = LocalSignals()
    background = place.background(signals)
    response_id = await queued(background)
    dead = await place.jobs.claim("project", lease=0.1)
    assert dead is not None
    place.worker(LocalSignals(), Repeating([HELLO]))
    response = await ended(background, response_id)
    assert (response["status"], text_of(response)) == ("completed", "hello")
    assert not await place.journals.append(
        dead, (await place.journals.read("project", response_id, after=-1))[0]
    )


async def test_one_of_which_something_was_said_fails_with_what_there_was(place: Place) -> None:
    signals, first, second = LocalSignals(), Repeating([SLOW]), Repeating([HELLO])
    background = place.background(signals)
    place.worker(signals, first, lease=3600.0)
    response_id = await queued(background)
    await until(lambda: first.open)
    await asyncio.sleep(0.1)
    await place.jobs.release(place.workers[0]._making.copy().popitem()[1].job)  # as if its lease were over
    place.worker(LocalSignals(), second)
    response = await ended(background, response_id)
    assert (response["status"], text_of(response)) == ("failed", "begun ")
    assert second.begun == 0
    events = await events_of(background, response_id)
    assert fold(events) == response
    assert events[-2]["code"] == "worker_lost"
    await until(lambda: not first.open)


async def test_one_that_ends_each_worker_is_given_up(place: Place) -> None:
    background = place.background(LocalSignals())
    response_id = await queued(background)
    for _ in range(3):
        await place.jobs.claim("project", lease=0.001)
        await asyncio.sleep(0.02)
    speaker = Repeating([HELLO])
    place.worker(LocalSignals(), speaker)
    response = await ended(background, response_id)
    assert response["status"] == "failed"
    assert speaker.begun == 0


async def test_a_lease_is_renewed_as_long_as_it_takes(place: Place) -> None:
    signals, speaker = LocalSignals(), Repeating([[1.2, *HELLO]])
    background = place.background(signals)
    for _ in range(2):
        place.worker(signals, speaker, lease=0.9)
    response_id = await queued(background)
    assert (await ended(background, response_id))["status"] == "completed"
    assert speaker.begun == 1


async def test_who_goes_away_leaves_to_others_what_has_not_begun_to_speak(place: Place) -> None:
    signals, silent, speaking = LocalSignals(), Repeating([SILENT]), Repeating([SLOW])
    background = place.background(signals)
    worker = place.worker(signals, silent)
    response_id = await queued(background)
    await until(lambda: silent.open)
    await worker.drain(0.05)
    assert silent.open == 0
    assert (await background.retrieve(CALLER, response_id, ()))["status"] == "in_progress"
    place.worker(signals, Repeating([HELLO]))
    assert (await ended(background, response_id))["status"] == "completed"
    await place.workers[-1].drain(1)

    worker = place.worker(signals, speaking)
    response_id = await queued(background)
    await until(lambda: speaking.open)
    await asyncio.sleep(0.1)
    await worker.drain(0.05)
    response = await background.retrieve(CALLER, response_id, ())
    assert (response["status"], text_of(response)) == ("failed", "begun ")


async def test_who_reads_from_a_gateway_that_goes_away_is_sent_elsewhere(place: Place) -> None:
    signals = LocalSignals()
    background = place.background(signals)
    response_id = await queued(background)
    reading = asyncio.create_task(events_of(background, response_id))
    await asyncio.sleep(0.05)
    await background.drain(0.05)
    with pytest.raises(ShuttingDown):
        await reading
    place.worker(signals, Repeating([HELLO]))
    assert (await events_of(place.background(signals), response_id, 1))[-1]["type"] == "response.completed"


async def test_a_reader_that_comes_to_the_end_in_time_is_let_finish(place: Place) -> None:
    signals = LocalSignals()
    background = place.background(signals)
    response_id = await queued(background)
    reading = asyncio.create_task(events_of(background, response_id))
    await asyncio.sleep(0.05)
    draining = asyncio.create_task(background.drain(20))
    place.worker(signals, Repeating([HELLO]))
    assert (await reading)[-1]["type"] == "response.completed"
    await draining


# What is kept


async def test_events_that_are_not_kept_any_more_are_gone_and_say_so(place: Place) -> None:
    signals = LocalSignals()
    background = place.background(signals)
    place.worker(signals, Repeating([HELLO]))
    response_id = await queued(background)
    response = await ended(background, response_id)
    await background.check_followed(CALLER, response_id)
    assert await place.jobs.trim(after=0, most=10) == 1
    with pytest.raises(Gone) as gone:
        await background.check_followed(CALLER, response_id)
    assert gone.value.code == "stream_replay_unavailable"
    with pytest.raises(NotFound):
        await background.check_followed(OTHER, response_id)
    assert await background.retrieve(CALLER, response_id, ()) == response
    assert await background.cancel(CALLER, response_id) == response
