"""`continuation: true` over sockets: each dialect cut after each of its events, and each that goes on.

What a client sees of it holds to both specifications, but for the one event that announces it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from antiphon.core.fold import fold
from antiphon.fake_upstream.answers import DEFAULT_TEXT
from antiphon.fake_upstream.faults import Fault
from antiphon.fake_upstream.script import Step
from tests.contract.specifications import needed, open_responses, openai
from tests.contract.wire import ask
from tests.faults.place import DIALECTS, Place, made_place
from tests.running import running_gateway

EVENTS = 14
"""More than any dialect has for this answer."""

REST = " And that is the end of it."
EXTENSION = "antiphon:continuation"
MODELS = {
    **{f"cut-{number}": [Step(fault=Fault(after_events=number, then="reset"))] for number in range(EVENTS)},
    "garbled": [Step(fault=Fault(after_events=6, then="garbage"))],
    **{name: [Step(fault=Fault(after_events=7, then="reset"))] for name in ("cut-thought", "cut-seen")},
    "rest": [Step(say=REST)],
    "thinks": [Step(think="So.", say=REST)],
    "again": [Step()],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with made_place(tmp_path_factory.mktemp("continuation"), MODELS) as made:
        yield made


def events_of(place: Place, model: str, next_model: str, **fields: Any) -> list[dict[str, Any]]:
    body = {"model": model, "fallbacks": [next_model], "input": "Hi", "stream": True, "continuation": True}
    answered = ask(place.gateway, "POST", "/v1/responses", {**body, **fields})
    assert answered.status == 200, answered.body
    return answered.events


def text_of(response: dict[str, Any]) -> str:
    return "".join(
        part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"]
    )


def outcomes(place: Place, response_id: str) -> list[Any]:
    """Of its rows of the ledger, which are written with it."""
    file = place.gateway.settings.database.removeprefix("sqlite:///")
    asked = "SELECT provider, outcome FROM attempts WHERE response_id = ? ORDER BY number"
    with closing(apsw.Connection(file, flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return list(connection.execute(asked, (response_id,)))


@pytest.mark.parametrize("number", range(EVENTS))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_cut_after_any_event_the_answer_is_gone_on_with(place: Place, dialect: str, number: int) -> None:
    """The second is of the next dialect, so that each is asked."""
    other = DIALECTS[(DIALECTS.index(dialect) + 1) % len(DIALECTS)]
    events = events_of(place, f"patient-{dialect}/cut-{number}", f"spare-{other}/rest")
    response = fold(events)
    assert response["status"] == "completed"
    said = text_of(response)
    announced = [event for event in events if event["type"] == EXTENSION]
    if said == DEFAULT_TEXT:  # all was said before it was cut
        assert announced == []
        return
    assert announced or number < 7, "by then every dialect has said something"
    begun = DEFAULT_TEXT[: announced[0]["characters"]] if announced else ""
    assert said == begun + (REST.lstrip() if begun.endswith(" ") else REST)
    assert response["provider"] == f"spare-{other}"
    messages = [item for item in response["output"] if item["type"] == "message"]
    assert (len(messages), {item["status"] for item in messages}) == (1, {"completed"})
    assert outcomes(place, response["id"]) == [
        (f"patient-{dialect}", "failed"),
        (f"spare-{other}", "ok"),
    ]
    assert [each["param"] for each in response["adaptations"] if announced][:1] == (
        ["continuation"] if announced else []
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_garbage_in_the_middle_is_no_end_either(place: Place, dialect: str) -> None:
    response = fold(events_of(place, f"patient-{dialect}/garbled", "spare-chat/rest"))
    assert (response["status"], text_of(response).endswith(REST.lstrip())) == ("completed", True)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_who_goes_on_may_think_first(place: Place, dialect: str) -> None:
    events = events_of(place, f"patient-{dialect}/cut-thought", f"spare-{dialect}/thinks")
    response = fold(events)
    assert any(event["type"] == EXTENSION for event in events)
    assert (response["status"], text_of(response).endswith(REST.lstrip())) == ("completed", True)


@needed
def test_what_the_client_sees_is_valid(place: Place) -> None:
    events = events_of(place, "patient-chat/cut-seen", "spare-anthropic/rest")
    assert any(event["type"] == EXTENSION for event in events)
    for event in events:
        if event["type"] != EXTENSION:
            open_responses().check_event(event)
            openai().check_event(event)


def test_a_whole_answer_is_asked_of_the_next_from_the_beginning(place: Place) -> None:
    body = {"model": "patient-chat/cut-3", "fallbacks": ["spare-chat/again"], "input": "Hi"}
    answered = ask(place.gateway, "POST", "/v1/responses", {**body, "continuation": True})
    assert text_of(answered.json()) == DEFAULT_TEXT


def test_simulated_models_say_what_is_left_of_the_same_answer(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("- if: one two\n  do: [{text: one two, fail: disconnect}]\n")
    with running_gateway(tmp_path / "data", simulated={"script": script}) as gateway:
        body = {"model": "sim/script", "fallbacks": ["sim/echo"], "input": "one two three four"}
        asked = {**body, "stream": True, "continuation": True}
        events = ask(gateway, "POST", "/v1/responses", asked).events
    assert [event["by"] for event in events if event["type"] == EXTENSION] == ["sim/echo"]
    assert text_of(fold(events)) == "one two three four"
