"""What could not be sent as asked stands in the response, from its first event on."""

from __future__ import annotations

import pytest

from antiphon.core import deltas as d
from antiphon.core.adaptations import Adaptation
from antiphon.core.fold import fold
from antiphon.protocol.errors import InvalidRequest
from tests.engine.stand_ins import CALLER, ListStore, ScriptedSpeaker, request, service
from tests.engine.test_run import HELLO, events_of

CLAMPED = Adaptation("temperature", "clamped", "1")
LEFT_OUT = Adaptation("input[1]", "dropped", "no")


def told(adaptation: Adaptation, **fields: str) -> dict[str, str]:
    return {"param": adaptation.param, "action": adaptation.action, "detail": adaptation.detail} | fields


async def test_they_are_in_the_first_snapshot_and_the_last_and_in_what_is_stored() -> None:
    speaker, store = ScriptedSpeaker([HELLO], [(CLAMPED,)]), ListStore()
    made_service = service(speaker, store)
    events = await events_of(await made_service.create(CALLER, request()))
    assert events[0]["response"]["adaptations"] == [told(CLAMPED)]
    response = fold(events)
    assert response["adaptations"] == [told(CLAMPED)]
    assert (await made_service.retrieve(CALLER, response["id"], ()))["adaptations"] == [told(CLAMPED)]


async def test_where_nothing_was_adapted_the_list_is_empty() -> None:
    events = await events_of(await service(ScriptedSpeaker([HELLO]), ListStore()).create(CALLER, request()))
    assert fold(events)["adaptations"] == []


async def test_a_paused_turn_that_goes_on_may_add_to_them() -> None:
    pause = [d.Text("0", "a"), d.Stop("pause")]
    speaker = ScriptedSpeaker([pause, HELLO], [(CLAMPED,), (CLAMPED, LEFT_OUT)])
    events = await events_of(await service(speaker, ListStore()).create(CALLER, request()))
    assert events[0]["response"]["adaptations"] == [told(CLAMPED)]
    assert fold(events)["adaptations"] == [told(CLAMPED), told(LEFT_OUT, param="output[0]")]


async def test_what_is_told_of_the_history_names_the_response_before() -> None:
    store = ListStore()
    made_service = service(ScriptedSpeaker([HELLO, HELLO], [(), (LEFT_OUT,)]), store)
    first = fold(await events_of(await made_service.create(CALLER, request())))
    going_on = request(previous_response_id=first["id"])
    second = fold(await events_of(await made_service.create(CALLER, going_on)))
    assert second["adaptations"] == [told(LEFT_OUT, param="previous_response_id")]


async def test_who_asks_strictly_is_refused_before_anything_is_sent() -> None:
    speaker = ScriptedSpeaker([HELLO], [(CLAMPED, Adaptation("instructions", "dropped", "no"))])
    with pytest.raises(InvalidRequest, match="temperature: clamped, 1; instructions: dropped, no") as refused:
        await service(speaker, ListStore()).create(CALLER, request(adaptation="strict"))
    assert (refused.value.code, refused.value.param) == ("adaptation_required", "temperature")
    assert speaker.open == 0


async def test_what_is_asked_exactly_is_served_to_who_asks_strictly() -> None:
    run = await service(ScriptedSpeaker([HELLO]), ListStore()).create(CALLER, request(adaptation="strict"))
    assert fold(await events_of(run))["status"] == "completed"


async def test_what_could_not_be_told_stands_behind_what_could_not_be_asked() -> None:
    pause = [d.Text("0", "a"), d.Untold("a hologram", "dropped"), d.Stop("pause")]
    speaker, store = ScriptedSpeaker([pause, HELLO], [(CLAMPED,), (CLAMPED,)]), ListStore()
    made_service = service(speaker, store)
    run = await made_service.create(CALLER, request())
    response = fold(await events_of(run))
    untold = Adaptation("output", "dropped", "a hologram")
    assert response["adaptations"] == [told(CLAMPED), told(untold)]
    assert run.adaptations == (CLAMPED, untold)
    assert (await made_service.retrieve(CALLER, response["id"], ()))["adaptations"] == response["adaptations"]
