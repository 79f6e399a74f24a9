"""A call that completes has an input of its tool's grammar, whoever answers; all else streams as it did."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core import deltas as d
from antiphon.core.fold import fold
from antiphon.core.records import Target
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ClientGone, InvalidRequest, UnfitCall
from antiphon.protocol.events import TERMINAL
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Speech
from antiphon.upstream.emulation import Adapted, adapt
from tests.engine.stand_ins import CALLER, ListStore, ScriptedSpeaker, ScriptedSpeech, Step, request, service
from tests.engine.test_run import events_of

GRAMMAR = 'start: "add " NAME ("," NAME)*\n%import common.WORD -> NAME'
EDIT = {
    "type": "custom",
    "name": "edit",
    "format": {"type": "grammar", "syntax": "lark", "definition": GRAMMAR},
}
DATE = {
    "type": "custom",
    "name": "date",
    "format": {"type": "grammar", "syntax": "regex", "definition": r"\d{4}-\d\d"},
}
FREE = {"type": "custom", "name": "free"}
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}}
FIT, UNFIT = "add one,two", "add one two"


@dataclass
class EmulatedSpeech:
    """A script of a model that knows only functions, as the client is told it."""

    spoken: ScriptedSpeech
    adapted: Adapted

    @property
    def adaptations(self) -> Any:
        return self.adapted.adaptations

    @property
    def grammars(self) -> Any:
        return self.adapted.grammars

    async def deltas(self) -> AsyncGenerator[list[d.Delta], None]:
        filters = [make() for make in self.adapted.filters]
        async for batch in self.spoken.deltas():
            for each in filters:
                batch = [told for delta in batch for told in each.feed(delta)]
            yield batch


class EmulatingSpeaker(ScriptedSpeaker):
    def prepare(self, target: Target, turn: Turn) -> Speech:
        return EmulatedSpeech(super().prepare(target, turn), adapt(turn, frozenset({"function"})))


def called(name: str, written: Any, part: str = "0") -> list[Step]:
    """In pieces; a text is the input of a custom tool, all else is arguments."""
    text = json.dumps({"input": written} if isinstance(written, str) else written)
    pieces = [d.Arguments(part, text[at : at + 4]) for at in range(0, len(text), 4)]
    return [d.Call(part, f"call_{part}_{name}", name), *pieces, d.End(part)]


def turn(*parts: list[Step] | Step, reason: d.StopReason = "tool_calls") -> list[Step]:
    steps = [step for part in parts for step in (part if isinstance(part, list) else [part])]
    return [*steps, d.Usage(3, 1), d.Stop(reason)]


async def asked(*scripts: list[Step], tools: Any = (EDIT, DATE, FREE, LOOK), **fields: Any) -> Any:
    """The response, the events and the turns."""
    speaker = EmulatingSpeaker(list(scripts))
    made = request(tools=list(tools), **fields)
    run = await service(speaker, ListStore()).create(CALLER, made)
    events = await events_of(run)
    holds(events)
    return fold(events), events, speaker.turns


def holds(events: list[Any]) -> None:
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    ends = [event for event in events if event["type"] in TERMINAL]
    assert ends == events[-1:]
    assert fold(events) == events[-1]["response"]
    indexes = [event["output_index"] for event in events if event["type"] == "response.output_item.added"]
    assert indexes == list(range(len(indexes)))


def said(response: JSON) -> list[Any]:
    """What each item says."""
    return [
        item.get("input", item.get("arguments")) or item["content"][0]["text"] for item in response["output"]
    ]


async def test_a_fit_call_leaves_in_the_pieces_in_which_it_was_written() -> None:
    response, events, turns = await asked(turn(d.Text("t", "Look: "), called("edit", FIT)))
    assert (response["status"], said(response), len(turns)) == ("completed", ["Look: ", FIT], 1)
    pieces = [event["delta"] for event in events if event["type"] == "response.custom_tool_call_input.delta"]
    assert len(pieces) > 2
    assert {told["param"] for told in response["adaptations"]} == {
        *("tools[0]", "tools[0].format", "tools[1]", "tools[1].format", "tools[2]")
    }


async def test_an_unfit_call_is_never_seen_and_the_model_is_told_where_it_is_wrong() -> None:
    response, events, turns = await asked(turn(called("edit", UNFIT)), turn(called("edit", FIT)))
    assert (response["status"], said(response)) == ("completed", [FIT])
    assert UNFIT not in json.dumps(events)
    call, output = turns[1].items[1:]
    assert call == {"type": "custom_tool_call", "call_id": "call_0_edit", "name": "edit", "input": UNFIT}
    assert (output["type"], output["call_id"]) == ("custom_tool_call_output", "call_0_edit")
    assert 'at line 1, column 8, expected ","' in output["output"]


async def test_all_turns_are_counted_and_told() -> None:
    bad = turn(called("edit", UNFIT))
    response, _, _ = await asked(bad, turn(called("date", "2026-1")), turn(called("edit", FIT)))
    assert response["usage"]["total_tokens"] == 12
    told = {each["param"]: each["detail"] for each in response["adaptations"] if "again" in each["detail"]}
    assert told == {
        "tools[0].format": "the model was asked again once: its call did not fit",
        "tools[1].format": "the model was asked again once: its call did not fit",
    }


async def test_what_is_never_of_the_grammar_fails_naming_the_tool_and_the_place() -> None:
    speaker = EmulatingSpeaker([turn(called("edit", UNFIT))] * 3)
    run = await service(speaker, ListStore()).create(CALLER, request(tools=[EDIT]))
    response = fold(await events_of(run))
    assert (response["status"], response["output"], len(speaker.turns)) == ("failed", [], 3)
    assert "'edit'" in response["error"]["message"]
    assert "line 1, column 8" in response["error"]["message"]
    assert response["usage"]["total_tokens"] == 12
    assert isinstance(run.journal.failure, UnfitCall)
    assert run.journal.failure.code == "invalid_structured_output"


async def test_text_before_the_call_has_left_and_stays() -> None:
    first = turn(d.Text("t", "I edit."), called("edit", UNFIT), d.Text("t", "Done!"))
    response, _, turns = await asked(first, turn(called("edit", FIT)))
    assert said(response) == ["I edit.", FIT]
    kinds = [item.get("role") or item["type"] for item in turns[1].items]
    assert kinds == ["user", "assistant", "custom_tool_call", "custom_tool_call_output"]


async def test_only_what_is_behind_a_call_waits_for_it() -> None:
    script = turn(d.Text("t", "First."), called("look", {"a": 1}), called("edit", FIT, "1")[:-1], 60.0)
    run = await service(EmulatingSpeaker([script]), ListStore()).create(
        CALLER, request(tools=[EDIT, LOOK], stream=True)
    )
    await asyncio.sleep(0.02)
    seen = json.dumps(await run.journal.read())
    assert "First." in seen
    assert "function_call_arguments.delta" in seen
    assert (
        "custom_tool_call" in seen
    )  # its JSON is closed: it was judged, and is not held to the end of the turn


async def test_a_call_that_is_still_being_written_is_not_seen() -> None:
    script = [*called("edit", FIT)[:-4], d.Text("t", "behind"), 60.0]
    run = await service(EmulatingSpeaker([script]), ListStore()).create(
        CALLER, request(tools=[EDIT], stream=True)
    )
    await asyncio.sleep(0.02)
    seen = json.dumps(await run.journal.read())
    assert "custom_tool_call" not in seen
    assert "behind" not in seen


async def test_a_call_that_the_client_has_seen_is_not_asked_for_again() -> None:
    first = turn(called("look", {"a": 1}), called("edit", FIT, "1"), called("date", "May", "2"))
    response, _, turns = await asked(first, turn(called("date", "2026-05", "3")))
    assert said(response) == ['{"a": 1}', FIT, "2026-05"]
    *_, look, edit, date, looked, edited, dated = turns[1].items
    assert [item["type"] for item in (look, edit, date)] == [
        *("function_call", "custom_tool_call", "custom_tool_call")
    ]
    assert [look["call_id"], edit["call_id"]] == [looked["call_id"], edited["call_id"]]
    assert looked["type"] == "function_call_output"
    assert "Do not repeat" in looked["output"]
    assert "Error" in dated["output"]


async def test_arguments_of_a_call_that_was_begun_before_are_not_torn() -> None:
    look, edit = called("look", {"a": "b" * 9}), called("edit", UNFIT, "1")
    mixed = [*look[:2], *edit[:3], *look[2:-2], *edit[3:], *look[-2:]]
    response, _, _ = await asked(turn(mixed), turn(called("edit", FIT)))
    assert said(response) == [json.dumps({"a": "b" * 9}), FIT]


async def test_where_a_call_waits_for_what_only_the_client_can_give_the_response_fails() -> None:
    shell = called("shell", {"commands": ["ls"]})
    tools = [EDIT, {"type": "shell", "environment": {"type": "local"}}]
    response, _, turns = await asked(turn(shell, called("edit", UNFIT, "1")), tools=tools)
    assert (response["status"], len(turns)) == ("failed", 1)
    assert [item["type"] for item in response["output"]] == ["shell_call"]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_call_that_was_cut_is_incomplete_and_not_judged(reason: Any) -> None:
    response, _, _ = await asked(turn(called("edit", UNFIT)[:-4], reason=reason))
    assert (response["status"], response["output"][0]["status"]) == ("incomplete", "incomplete")


async def test_an_unfit_call_of_a_turn_that_was_cut_is_left_out() -> None:
    script = turn(called("edit", UNFIT), called("edit", FIT, "1")[:-3], reason="length")
    response, _, turns = await asked(script)
    assert (response["status"], response["output"], len(turns)) == ("incomplete", [], 1)


async def test_a_whole_call_behind_one_that_was_cut_is_judged() -> None:
    torn, unfit = called("edit", FIT)[:-4], called("date", "May", "1")
    response, _, _ = await asked(turn(torn, unfit, reason="length"))
    assert [item["status"] for item in response["output"]] == ["incomplete"]


async def test_other_tools_are_not_held() -> None:
    script = [*called("free", UNFIT)[:-4], 60.0]
    run = await service(EmulatingSpeaker([script]), ListStore()).create(
        CALLER, request(tools=[EDIT, FREE], stream=True)
    )
    await asyncio.sleep(0.02)
    assert "custom_tool_call_input.delta" in json.dumps(await run.journal.read())


async def test_tools_in_a_namespace_are_held_under_both_names() -> None:
    tools = [{"type": "namespace", "name": "files", "tools": [EDIT]}, {**FREE, "name": "edit"}]
    free = turn(called("files__edit", UNFIT), called("edit", UNFIT, "1"))
    response, _, turns = await asked(
        free, turn(called("edit", UNFIT), called("files__edit", FIT, "1")), tools=tools
    )
    assert said(response) == [UNFIT, FIT]
    assert turns[1].items[1]["namespace"] == "files"
    assert response["adaptations"][-1]["param"] == "tools[0].tools[0].format"


async def test_an_answer_and_its_calls_are_held_to_both_shapes() -> None:
    strict = {"format": {"type": "json_object"}}
    first = turn(d.Text("t", "{}"), called("edit", UNFIT))
    response, _, turns = await asked(first, turn(called("edit", FIT)), text=strict)
    assert said(response)[-1] == FIT
    assert len(turns) == 2


async def test_strict_adaptation_refuses_naming_what_cannot_be_checked() -> None:
    broken = {**EDIT, "format": {"type": "grammar", "syntax": "lark", "definition": "start: nothing"}}
    with pytest.raises(InvalidRequest) as refused:
        await asked(turn(), tools=[broken], adaptation="strict")
    assert "tools[0].format.definition: emulated" in refused.value.message
    assert "line 1 names what is not defined" in refused.value.message


async def test_who_goes_away_while_a_call_is_held_closes_the_upstream() -> None:
    speaker = EmulatingSpeaker([[*called("edit", FIT)[:-4], 60.0]])
    run = await service(speaker, ListStore()).create(CALLER, request(tools=[EDIT]))
    await asyncio.sleep(0.01)
    assert speaker.open == 1
    run.cancel(ClientGone("gone"))
    await asyncio.wait_for(events_of(run), 1)
    assert speaker.open == 0


NAMES = count()
SAID: st.SearchStrategy[list[Step]] = st.one_of(
    st.sampled_from(
        [[d.Text("t", "words")], [d.Reasoning("r", "hm")], [d.Hosted("h", {"type": "web_search_call"})]]
    ),
    st.builds(
        lambda name, text, cut: called(name, text, f"p{next(NAMES)}")[: -cut or None],
        st.sampled_from(["edit", "date", "free"]),
        st.sampled_from([FIT, UNFIT, "2026-05", "May", ""]),
        st.sampled_from([0, 0, 0, 1, 4]),
    ),
    st.builds(lambda: called("look", {"a": 1}, f"p{next(NAMES)}")),
)
REASONS: st.SearchStrategy[Any] = st.sampled_from(["stop", "tool_calls", "length", "pause"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(lambda parts, reason: turn(*parts, reason=reason), st.lists(SAID, max_size=5), REASONS),
        min_size=3,
        max_size=3,
    )
)
def test_whatever_is_called_what_completes_is_of_its_grammar(scripts: list[list[Step]]) -> None:
    response, _, _ = asyncio.run(asked(*scripts, *[[d.Stop("stop")]] * 12))
    fit = {"edit": FIT, "date": "2026-05"}
    for item in response["output"]:
        if item["type"] == "custom_tool_call" and item["status"] == "completed":
            assert item["input"] == fit.get(item["name"], item["input"])
