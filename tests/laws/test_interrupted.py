"""What broke off anywhere comes to a proper end, held over every recording of every dialect."""

from __future__ import annotations

import random

import pytest

from antiphon.core import batches
from antiphon.core.fold import fold
from antiphon.engine.interrupted import cancelled, failed, is_visible
from antiphon.protocol.events import LIFECYCLE, Event
from tests.laws.test_laws import FAMILIES, answered, played
from tests.play import counting_ids
from tests.recordings import Recording, needs_recordings

pytestmark = needs_recordings

BREAKS = 12  # of each stream; the seed is the recording's id


def said_before(events: list[Event], number: int) -> list[Event]:
    """As a journal keeps it."""
    return batches.read([batches.written(events[:number])])


@answered(*FAMILIES)
def test_what_was_said_stays_said_and_what_was_open_is_closed(recording: Recording) -> None:
    events, _ = played(recording)
    chance = random.Random(recording.id)
    numbers = range(1, len(events))
    for number in chance.sample(numbers, min(BREAKS, len(numbers))):
        said = said_before(events, number)
        lost = failed(said, counting_ids(), "worker_lost", "It went away.")
        for end in (lost, cancelled(said, counting_ids())):
            whole = [*said, *end.events]
            assert fold(whole) == end.response
            assert end.response["output"] == end.output
            assert [event["sequence_number"] for event in whole] == list(range(len(whole)))
            done = [event["item"] for event in said if event["type"] == "response.output_item.done"]
            kept = {item["id"]: item for item in end.output}
            assert all(kept[item["id"]] == item for item in done)
            begun = [event for event in said if event["type"] == "response.output_item.added"]
            assert [item["id"] for item in end.output] == [event["item"]["id"] for event in begun]
        assert end.response["status"] == "cancelled"
        assert is_visible(said) == any(event["type"] not in LIFECYCLE for event in said)


@pytest.mark.parametrize("number", [1, 2])
def test_of_which_nothing_was_said_nothing_is_left(number: int) -> None:
    events = [
        {"type": kind, "sequence_number": at, "response": {"status": "queued", "output": []}}
        for at, kind in enumerate(("response.created", "response.queued"))
    ]
    end = cancelled(events[:number], counting_ids())
    assert ([event["type"] for event in end.events], end.output) == (["response.failed"], [])
