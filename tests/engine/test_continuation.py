"""`continuation: true`: where one broke off the next goes on, in the same item, and nothing is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.fold import fold
from antiphon.protocol.errors import UpstreamDisconnected, UpstreamFailed, UpstreamRejected
from tests.engine.stand_ins import Step
from tests.engine.test_route import Stage, outcomes

GONE = UpstreamDisconnected("gone")
FIRST: list[Step] = [d.Usage(100, 1), d.Text("0", "Hel"), GONE]
SECOND: list[Step] = [d.Text("0", "lo"), d.Text("0", " you"), d.Usage(90, 2), d.Stop("stop")]


def asked(**fields: Any) -> dict[str, Any]:
    return {"continuation": True, "stream": True, **fields}


def texts(response: dict[str, Any]) -> list[str]:
    return [
        part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"]
    ]


async def test_the_next_goes_on_in_the_same_item() -> None:
    stage = Stage(FIRST, SECOND)
    events = await stage.events(**asked())
    response = fold(events)
    assert (response["status"], response["provider"], texts(response)) == (
        "completed",
        "anthropic",
        ["Hello you"],
    )
    kinds = [event["type"] for event in events]
    assert kinds.count("response.output_item.added") == kinds.count("response.output_text.done") == 1
    assert [turn.begun for turn in stage.speaker.turns] == ["", "Hel"]


async def test_it_is_announced_and_listed() -> None:
    events = await Stage(FIRST, SECOND).events(**asked())
    (announced,) = [event for event in events if ":" in event["type"]]
    assert announced == {
        "type": "antiphon:continuation",
        "sequence_number": announced["sequence_number"],
        "after": "sim/a",
        "by": "anthropic/b",
        "characters": 3,
        "code": "upstream_disconnected",
    }
    assert fold(events)["adaptations"] == [
        {
            "param": "continuation",
            "action": "emulated",
            "detail": "sim/a broke off after 3 characters, anthropic/b went on",
        }
    ]


async def test_tokens_and_costs_are_those_of_both() -> None:
    stage = Stage(FIRST, SECOND)
    response = fold(await stage.events(**asked()))
    rows = await stage.rows()
    assert outcomes(rows) == [("sim", "failed"), ("anthropic", "ok")]
    assert (response["usage"]["input_tokens"], response["usage"]["output_tokens"]) == (190, 3)
    assert response["cost"] == sum(row.charge.total for row in rows if row.charge) / 1e9
    assert response["cost_details"]["attempts"] == 2


async def test_who_counts_nothing_is_charged_for_what_it_said_itself() -> None:
    long = "x" * 4000
    stage = Stage([d.Text("0", long), GONE], [d.Text("0", "y" * 400), d.Stop("stop")])
    await stage.events(**asked())
    first, second = await stage.rows()
    assert 1000 <= first.output_tokens < 1100
    assert 100 <= second.output_tokens < 200


@pytest.mark.parametrize("begins", [[], [d.Reasoning("t", "Hm."), d.Text("0", "")]])
async def test_thoughts_that_are_over_are_no_obstacle(begins: list[Step]) -> None:
    first = [d.Reasoning("t", "Let me see."), d.Sealed("t", "sim:blob"), d.Text("0", "Hel"), GONE]
    response = fold(await Stage([*begins, *first], SECOND).events(**asked()))
    assert (response["status"], texts(response)[-1]) == ("completed", "Hello you")


async def test_who_thinks_first_goes_on_in_a_message_of_its_own() -> None:
    second = [d.Reasoning("t", "So."), *SECOND]
    response = fold(await Stage(FIRST, second).events(**asked()))
    assert [item["type"] for item in response["output"]] == ["message", "reasoning", "message"]
    assert texts(response) == ["Hel", "lo you"]


async def test_a_third_goes_on_where_the_second_broke_off_or_said_nothing() -> None:
    fields = asked(fallbacks=["anthropic/b", "sim/c"])
    stage = Stage(FIRST, [d.Text("0", "lo"), GONE], [d.Text("0", "!"), d.Stop("stop")])
    response = fold(await stage.events(**fields))
    assert texts(response) == ["Hello!"]
    assert [turn.begun for turn in stage.speaker.turns] == ["", "Hel", "Hello"]
    assert [each["detail"].split()[0] for each in response["adaptations"]] == ["sim/a", "anthropic/b"]
    silent = Stage(FIRST, [UpstreamFailed("busy", status=503)], SECOND)
    assert texts(fold(await silent.events(**fields))) == ["Hello you"]
    assert [turn.begun for turn in silent.speaker.turns] == ["", "Hel", "Hel"]


CANNOT: dict[str, tuple[Sequence[Step], dict[str, Any]]] = {
    "not asked for": (FIRST, {"continuation": False}),
    "a call is open": ([d.Text("0", "Hel"), d.Call("1", "c", "f"), GONE], {}),
    "a call was said": (
        [d.Call("1", "c", "f"), d.Arguments("1", "{}"), d.End("1"), d.Text("0", "Hel"), GONE],
        {},
    ),
    "thoughts are open": ([d.Text("0", "Hel"), d.Reasoning("t", "Hm"), GONE], {}),
    "a refusal": ([d.Refusal("0", "I will"), GONE], {}),
    "a hosted tool": (
        [d.Hosted("h", {"type": "web_search_call", "status": "completed"}), d.Text("0", "Hel"), GONE],
        {},
    ),
    "a schema": (
        FIRST,
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}},
    ),
    "any JSON": (FIRST, {"text": {"format": {"type": "json_object"}}}),
    "it was refused": ([d.Text("0", "Hel"), UpstreamRejected("filtered", status=400)], {}),
    "nobody else": (FIRST, {"fallbacks": None}),
}


@pytest.mark.parametrize("case", CANNOT)
async def test_what_cannot_be_gone_on_with_fails_with_what_there_is(case: str) -> None:
    script, fields = CANNOT[case]
    stage = Stage(script, SECOND)
    events = await stage.events(**asked(**fields))
    response = fold(events)
    assert (response["status"], response["provider"]) == ("failed", "sim")
    assert len(stage.speaker.turns) == 1
    assert not any(":" in event["type"] for event in events)


async def test_where_nothing_was_said_yet_the_next_begins() -> None:
    stage = Stage([GONE], SECOND)
    events = await stage.events(**asked())
    assert fold(events)["adaptations"] == []
    assert not any(":" in event["type"] for event in events)


def relayed(*pieces: str) -> list[Step]:
    """As an upstream that speaks Responses says them."""
    place = {"output_index": 0, "item_id": "up_1"}
    message = {"type": "message", "id": "up_1", "role": "assistant", "content": [], "status": "in_progress"}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": message},
        {
            "type": "response.content_part.added",
            **place,
            "content_index": 0,
            "part": {"type": "output_text", "text": "", "annotations": []},
        },
        *(
            {"type": "response.output_text.delta", **place, "content_index": 0, "delta": piece}
            for piece in pieces
        ),
    ]
    return [d.Relayed(event) for event in events]


@pytest.mark.parametrize("cut", range(4))
async def test_so_it_is_after_any_event_of_an_upstream_that_speaks_responses(cut: int) -> None:
    said = relayed("Hel", "lo")
    response = fold(await Stage([*said[:cut], GONE], SECOND).events(**asked()))
    assert response["status"] == "completed"
    assert texts(response) == ["".join(["Hel"][: max(0, cut - 2)]) + "lo you"]


async def test_a_citation_counts_from_where_it_was_gone_on() -> None:
    cited = d.Citation("0", {"type": "url_citation", "url": "https://x", "start_index": 0, "end_index": 2})
    second = [d.Text("0", "lo"), cited, d.Stop("stop")]
    response = fold(await Stage(FIRST, second).events(**asked()))
    (annotation,) = response["output"][0]["content"][0]["annotations"]
    assert (annotation["start_index"], annotation["end_index"]) == (3, 5)


async def test_a_turn_that_pauses_after_it_went_on_is_shown_the_whole() -> None:
    paused: list[Step] = [d.Text("0", "lo"), d.Stop("pause")]
    stage = Stage(FIRST, paused, [d.Text("0", "!"), d.Stop("stop")])
    response = fold(await stage.events(**asked()))
    assert texts(response) == ["Hello", "!"]
    last = stage.speaker.turns[-1]
    assert (last.begun, last.items[-1]["content"][0]["text"]) == ("", "Hello")


async def test_errors_of_the_gateway_itself_are_not_gone_on_from() -> None:
    stage = Stage([d.Text("0", "Hel"), RuntimeError("a bug")], SECOND)
    assert fold(await stage.events(**asked()))["status"] == "failed"
    assert len(stage.speaker.turns) == 1
