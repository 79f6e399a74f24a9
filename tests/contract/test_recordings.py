"""What providers really said, as clients are told it: valid by both specifications.

Each recorded answer goes through its dialect and the assembler. Of each kind of event the first and the
last are checked, which is where they differ. Hosted tools of providers that speak Responses are items of
theirs that Open Responses has not; those answers are checked with OpenAI's specification alone.
"""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.assembler import Assembler
from antiphon.core.deltas import Delta
from antiphon.protocol.errors import AntiphonError
from antiphon.protocol.events import Event
from antiphon.protocol.request import Limits, create_response
from antiphon.protocol.response import begun
from tests.contract import specifications
from tests.play import DIALECTS, answer_deltas, counting_ids, stream_deltas
from tests.recordings import Recording, needs_recordings, recordings

pytestmark = [needs_recordings, specifications.needed]

# What OpenAI and others send beyond the specification, relayed as it came.
UNDOCUMENTED = "response.apply_patch_call_operation_diff."
OWN_TIER = "openrouter.responses--rig--openai-responses-raw-response-accepts-service-ti--d9a1d900"

ANSWERED = [row for row in recordings(*DIALECTS) if row.status == 200]
PLAIN = {"message", "reasoning", "function_call", "custom_tool_call"}


def events_of(recording: Recording) -> list[Event]:
    """All events of the response, as the gateway makes it."""
    request = create_response({"model": "provider/model", "input": "x"}, Limits())
    response = begun(request, response_id="resp_1", created_at=1, provider="provider", model="provider/model")
    assembler = Assembler(response, new_id=counting_ids(), reveal_sealed=True)
    events = [*assembler.begin()]
    try:
        for delta in deltas_of(recording):
            events += assembler.apply(delta)
        events += assembler.end_turn()[1]
        return events + assembler.finish(2)
    except AntiphonError as error:
        return events + assembler.fail(error.code or "", error.message, error_code="server_error")


def deltas_of(recording: Recording) -> list[Delta]:
    dialect = DIALECTS[recording.family]
    if recording.streamed:
        return list(stream_deltas(dialect, [recording.wire]))
    return list(answer_deltas(dialect, recording.wire))


def first_and_last_of_each_kind(events: list[Event]) -> list[Event]:
    kinds: dict[Any, Event] = {}
    last: dict[Any, Event] = {}
    for event in events:
        kind = (event["type"], event.get("item", event.get("part", {})).get("type"))
        kinds.setdefault(kind, event)
        last[kind] = event
    return [*kinds.values(), *last.values()]


@pytest.mark.parametrize("recording", ANSWERED, ids=str)
def test_what_a_provider_said_is_told_in_valid_events(recording: Recording) -> None:
    events = events_of(recording)
    final = events[-1]["response"]
    if recording.id == OWN_TIER:
        assert final["service_tier"] == "provisioned"
        final["service_tier"] = "auto"
    plain = all(item["type"] in PLAIN for item in final["output"]) and "file_citation" not in str(final)
    for event in first_and_last_of_each_kind(events):
        if event["type"].startswith(UNDOCUMENTED):
            continue
        specifications.openai().check_event(event)
        if plain:
            specifications.open_responses().check_event(event)
