"""A strict shape holds whoever answers: what completes is valid, and what fails says what is wrong."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core import deltas as d
from antiphon.core.adaptations import Adaptation
from antiphon.core.fold import fold
from antiphon.core.records import Target
from antiphon.protocol.errors import (
    ClientGone,
    InvalidRequest,
    StaleReasoning,
    UnfitAnswer,
    UpstreamDisconnected,
)
from antiphon.protocol.events import LIFECYCLE
from antiphon.protocol.json import JSON
from tests.engine.stand_ins import CALLER, ListStore, ScriptedSpeaker, Step, request, sealing, service
from tests.engine.test_run import events_of

IN_WORDS = (Adaptation("text.format", "emulated", "asked for in words"),)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer", "minimum": 0}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
STRICT = {"format": {"type": "json_schema", "name": "city", "schema": SCHEMA, "strict": True}}
LENIENT = {"format": {"type": "json_schema", "name": "city", "schema": SCHEMA}}
ANY_OBJECT = {"format": {"type": "json_object"}}
FIT = '{"city": "Rome", "people": 3}'
PROSE = "Rome has three people."


def said(*texts: str, reason: d.StopReason = "stop") -> list[Step]:
    return [*(d.Text("0", text) for text in texts), d.Usage(3, 1), d.Stop(reason)]


def speaker_of(*scripts: list[Step], told: tuple[Adaptation, ...] = IN_WORDS) -> ScriptedSpeaker:
    return ScriptedSpeaker(list(scripts), adaptations=[told] * len(scripts))


async def asked(speaker: ScriptedSpeaker, *, text: Any = STRICT, store: ListStore | None = None) -> JSON:
    """The response."""
    run = await service(speaker, store or ListStore()).create(CALLER, request(text=text))
    return fold(await events_of(run))


def texts(response: JSON) -> list[str]:
    messages = [item for item in response["output"] if item["type"] == "message"]
    return [part.get("text", part.get("refusal")) for item in messages for part in item["content"]]


async def test_a_fit_answer_leaves_in_the_pieces_in_which_it_was_said() -> None:
    speaker = speaker_of(said('{"city": "Ro', 'me", "peo', 'ple": 3}'))
    events = await events_of(await service(speaker, ListStore()).create(CALLER, request(text=STRICT)))
    pieces = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert pieces == ['{"city": "Ro', 'me", "peo', 'ple": 3}']
    assert fold(events)["status"] == "completed"
    assert [told["detail"] for told in fold(events)["adaptations"]] == ["asked for in words"]


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{FIT}\n```",
        f"Here you are: {FIT} I hope that it helps.",
        f"\n{FIT}\n\n```",
    ],
)
async def test_prose_and_a_fence_around_one_value_are_cut_off(text: str) -> None:
    response = await asked(speaker_of(said(*text)))
    assert (response["status"], texts(response)) == ("completed", [FIT])


async def test_space_around_the_value_stays() -> None:
    assert texts(await asked(speaker_of(said(f"\n{FIT}\n")))) == [f"\n{FIT}\n"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (PROSE, "not one JSON value"),
        (f"{FIT} or {FIT}", "not one JSON value"),
        ('{"city": "Rome", "people": 3', "not one JSON value"),
        ('{"city": "Rome", "people": NaN}', "not one JSON value"),
        ('{"city": "Rome"}', "'required': [\"people\"]"),
        ('{"city": "Rome", "people": -1}', "at /people it does not meet 'minimum': 0"),
        ('{"city": "Rome", "people": 1e999}', "not one JSON value"),
        ('{"city": "Rome", "people": 3, "more": 1}', "at /more"),
        ("   ", "it is empty"),
        ("[" * 100_000, "not one JSON value"),
        (json.dumps({"city": FIT}), "people"),
    ],
)
async def test_an_unfit_answer_is_asked_for_again_with_what_is_wrong(text: str, wrong: str) -> None:
    speaker = speaker_of(said(text), said(FIT))
    response = await asked(speaker)
    assert (response["status"], texts(response)) == ("completed", [FIT])
    first, second = speaker.turns
    *shown, complaint = second.items[len(first.items) :]
    assert wrong in complaint["content"][0]["text"]
    assert [item["content"][0]["text"] for item in shown] == [text] * bool(text.strip())
    assert [item["role"] for item in (*shown, complaint)] == ["assistant", "user"][-1 - len(shown) :]


async def test_every_answer_that_was_paid_for_is_counted_and_told() -> None:
    response = await asked(speaker_of(said(PROSE), said("{}"), said(FIT)))
    assert response["usage"]["total_tokens"] == 12
    assert [told["detail"] for told in response["adaptations"]] == [
        "asked for in words",
        "the model was asked again 2 times: its answer did not fit",
    ]


async def test_what_never_fits_fails_and_says_nothing_of_it() -> None:
    speaker, store = speaker_of(said(PROSE), said("{}"), said("[]")), ListStore()
    run = await service(speaker, store).create(CALLER, request(text=STRICT, stream=True))
    events = await events_of(run)
    response = fold(events)
    assert (response["status"], response["output"]) == ("failed", [])
    assert response["error"]["code"] == "server_error"
    assert "'text.format'" in response["error"]["message"]
    assert response["usage"]["total_tokens"] == 12
    assert isinstance(run.journal.failure, UnfitAnswer)
    assert run.journal.failure.code == "invalid_structured_output"
    assert PROSE not in json.dumps(events)
    assert (len(speaker.turns), store.records) == (3, [])


async def test_nothing_is_said_before_the_answer_is_judged() -> None:
    script = [d.Reasoning("r", "hm"), d.Hosted("h", {"type": "web_search_call"}), *said(FIT)]
    speaker = speaker_of([*script, 0.05], said(FIT))
    run = await service(speaker, ListStore()).create(CALLER, request(text=STRICT, stream=True))
    early = await run.journal.read()
    await asyncio.sleep(0.02)
    assert all(event["type"] in LIFECYCLE for event in early)
    response = fold([*early, *await events_of(run)])
    assert [item["type"] for item in response["output"]] == ["reasoning", "web_search_call", "message"]


async def test_what_was_used_is_known_even_of_an_answer_that_broke_off() -> None:
    response = await asked(speaker_of([d.Usage(3, 1), d.Text("0", FIT), UpstreamDisconnected("gone")]))
    assert (response["status"], response["output"]) == ("failed", [])
    assert response["usage"]["total_tokens"] == 4


async def test_who_goes_away_while_it_is_held_closes_the_upstream() -> None:
    speaker = speaker_of([d.Text("0", "{"), 60.0])
    run = await service(speaker, ListStore()).create(CALLER, request(text=STRICT))
    await asyncio.sleep(0.01)
    assert speaker.open == 1
    run.cancel(ClientGone("gone"))
    await asyncio.wait_for(events_of(run), 1)
    assert speaker.open == 0


# What is no answer


@pytest.mark.parametrize(("reason", "why"), [("length", "max_output_tokens"), ("content_filter",) * 2])
async def test_what_was_cut_short_is_incomplete_and_not_asked_for_again(reason: Any, why: str) -> None:
    response = await asked(speaker_of(said('{"city": "Ro', reason=reason)))
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": why})
    assert texts(response) == ['{"city": "Ro']


async def test_a_refusal_is_a_refusal() -> None:
    response = await asked(speaker_of([d.Refusal("0", "I will not."), d.Stop("stop")]))
    assert (response["status"], texts(response)) == ("completed", ["I will not."])


@pytest.mark.parametrize(("text", "kept"), [(PROSE, []), (FIT, [FIT]), (f"So: {FIT}", [FIT])])
async def test_beside_calls_stands_a_fit_answer_or_none(text: str, kept: list[str]) -> None:
    call: list[Step] = [d.Call("1", "c", "look"), d.Arguments("1", "{}"), d.Stop("tool_calls")]
    response = await asked(speaker_of([d.Text("0", text), d.Citation("0", {"type": "url_citation"}), *call]))
    assert response["status"] == "completed"
    assert texts(response) == kept
    assert [item["type"] for item in response["output"]][-1] == "function_call"


async def test_the_text_of_a_paused_turn_is_not_the_answer() -> None:
    paused: list[Step] = [
        d.Text("0", "Let me look."),
        d.Hosted("h", {"type": "web_search_call"}),
        d.Stop("pause"),
    ]
    speaker = speaker_of(paused, said(PROSE), said(FIT))
    response = await asked(speaker)
    assert texts(response) == [FIT]
    assert [item["type"] for item in speaker.turns[2].items][1:] == ["web_search_call", "message", "message"]


async def test_a_turn_that_pauses_after_a_correction_is_shown_everything_once() -> None:
    paused: list[Step] = [d.Hosted("h", {"type": "web_search_call"}), d.Stop("pause")]
    speaker = speaker_of(said(PROSE), paused, said(FIT))
    assert texts(await asked(speaker)) == [FIT]
    kinds = [item.get("role") or item["type"] for item in speaker.turns[2].items]
    assert kinds == ["user", "assistant", "user", "web_search_call"]


async def test_thoughts_that_have_become_stale_are_forgotten_in_a_correction_too() -> None:
    seals = sealing()
    envelope = seals.seal("anthropic:blob", CALLER.project_id, Target("anthropic", "model"))
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": envelope}
    items = [thought, {"role": "user", "content": "hi"}]
    speaker = speaker_of(said(PROSE), [StaleReasoning("too old")], said(FIT))
    made = service(speaker, ListStore(), seals=seals)
    run = await made.create(CALLER, request(model="anthropic/model", input=items, text=STRICT))
    assert texts(fold(await events_of(run))) == [FIT]
    kinds = [item.get("role") or item["type"] for item in speaker.turns[2].items]
    assert kinds == ["user", "assistant", "user"]


# In several pieces


async def test_an_answer_around_something_else_is_one_message() -> None:
    script: list[Step] = [
        d.Text("0", '{"city": "Rome",'),
        d.Hosted("h", {"type": "web_search_call"}),
        d.Text("1", ' "people": 3}'),
        d.Stop("stop"),
    ]
    assert texts(await asked(speaker_of(script))) == [FIT]


async def test_notes_on_a_text_that_was_cut_are_on_the_whole_of_it() -> None:
    note = {"type": "url_citation", "url": "https://example.com", "start_index": 9, "end_index": 12}
    script = [d.Text("0", "So: "), d.Text("1", FIT), d.Citation("0", note), d.Citation("1", note)]
    response = await asked(speaker_of([*script, d.Stop("stop")]))
    (part,) = response["output"][0]["content"]
    (told,) = part["annotations"]
    assert (part["text"], told["start_index"], told["end_index"]) == (FIT, 0, len(FIT))


# Who is held


@pytest.mark.parametrize("text", [LENIENT, {"format": {"type": "text"}}, None])
async def test_what_is_not_strict_is_not_held(text: Any) -> None:
    assert texts(await asked(speaker_of(said(PROSE)), text=text)) == [PROSE]


async def test_a_provider_that_holds_the_model_itself_is_left_alone() -> None:
    dropped = (Adaptation("text.format.description", "dropped", "not offered"),)
    speaker = speaker_of([d.Text("0", "{"), 60.0], told=dropped)
    run = await service(speaker, ListStore()).create(CALLER, request(text=STRICT, stream=True))
    await asyncio.sleep(0.01)
    assert any(event["type"] == "response.output_text.delta" for event in await run.journal.read())
    run.cancel(ClientGone("gone"))
    await events_of(run)


async def test_an_object_is_one_json_object() -> None:
    speaker = speaker_of(said("[1]"), said(PROSE), said('{"any": "thing"}'))
    assert texts(await asked(speaker, text=ANY_OBJECT)) == ['{"any": "thing"}']
    assert len(speaker.turns) == 3


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "https://example.com/schema"}, "outside of the schema"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "points to nothing"),
        ({"items": {"pattern": "(?i)b"}}, "a flag"),
        ({"unevaluatedProperties": False}, "unevaluatedProperties"),
    ],
)
async def test_a_schema_that_cannot_be_checked_is_refused_before_anything_is_sent(
    schema: JSON, why: str
) -> None:
    strict = {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True}}
    with pytest.raises(InvalidRequest, match=why) as refused:
        await asked(speaker_of(said(FIT)), text=strict)
    assert refused.value.param == "text.format.schema"


async def test_a_schema_made_to_be_costly_ends_in_a_failure_and_not_in_a_halt() -> None:
    costly = {"type": "string", "pattern": "^((a?)*b?)*(.*.*.*)*x$"}
    strict = {"format": {"type": "json_schema", "name": "n", "schema": costly, "strict": True}}
    script = said(json.dumps("a" * 20_000))
    response = await asyncio.wait_for(asked(speaker_of(script, script, script), text=strict), 30)
    assert "too large" in response["error"]["message"]


PIECES = st.sampled_from(
    [*"{}[]:, \n", '"city"', '"Rome"', '"people"', "3", "-1", "```", "json", PROSE, FIT, FIT]
)
SAID: st.SearchStrategy[Any] = st.one_of(
    st.builds(d.Text, st.sampled_from("01"), PIECES),
    st.builds(d.Text, st.just("0"), st.text(max_size=5)),
    st.builds(d.Reasoning, st.just("r"), PIECES),
    st.just(d.Hosted("h", {"type": "web_search_call"})),
    st.just(d.Citation("0", {"type": "url_citation", "start_index": 0, "end_index": 1})),
    st.builds(d.Stop, st.sampled_from(["stop", "tool_calls", "pause"])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(SAID, max_size=6), min_size=3, max_size=3))
def test_whatever_is_said_a_strict_answer_that_completes_is_valid(scripts: list[list[Step]]) -> None:
    speaker = speaker_of(*scripts, *[[d.Stop("stop")]] * 12)
    response = asyncio.run(asked(speaker))
    if response["status"] == "completed":
        (text,) = texts(response)
        value = json.loads(text)
        assert value.keys() == {"city", "people"}
        assert isinstance(value["city"], str)
        assert value["people"] >= 0
    else:
        assert texts(response) == []
