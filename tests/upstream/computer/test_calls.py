"""The calls of a model's own computer tool, as the items that the client asked for."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.computer.calls import ComputerCalls
from antiphon.upstream.dialects.gemini.computer import Computer
from antiphon.upstream.emulation import Adapted
from tests.upstream.emulation.conversing import Answer, answered

GEMINI = Computer("actions", "ENVIRONMENT_DESKTOP", (1000, 1000), True, frozenset({"look"}))


def heard(*deltas: d.Delta, several: bool = True, stop: d.StopReason | None = "tool_calls") -> Answer:
    """What the client is told; each event is one that OpenAI's specification knows."""
    adapted = Adapted(Turn(model="m", items=[]), (partial(ComputerCalls, GEMINI, several),))
    return answered(adapted, *deltas, stop=stop)


def call(part: str, name: str, arguments: str = "", **fields: Any) -> list[d.Delta]:
    pieces = [d.Arguments(part, arguments[:4]), d.Arguments(part, arguments[4:])] if arguments else []
    return [d.Call(part, f"call_{part}", name, **fields), *pieces, d.End(part)]


@pytest.mark.parametrize("several", [True, False])
def test_a_call_is_told_by_its_two_events(several: bool) -> None:
    answer = heard(*call("1", "click", '{"x":1,"y":2}'), several=several)
    assert answer.types == ["output_item.added", "output_item.done"]
    added, done = (event["item"] for event in answer.events[2:4])
    assert (added["status"], done["status"]) == ("in_progress", "completed")
    clicked = {"type": "click", "button": "left", "x": 1, "y": 2}
    assert (done["actions"] if several else [done["action"]]) == [clicked]


def test_counts_go_by_and_words_end_a_row() -> None:
    counted, word = d.Usage(1, 2), d.Text("t", "Now:")
    answer = heard(*call("1", "take_screenshot"), counted, *call("2", "wait", '{"seconds":2}'), word)
    assert [item["type"] for item in answer.items] == ["reasoning", "computer_call", "message"]
    assert [action["type"] for action in answer.items[1]["actions"]] == ["screenshot", "wait"]
    assert answer.response["usage"]["output_tokens"] == 2


def test_the_client_s_own_functions_are_not_touched() -> None:
    look = call("2", "look", '{"x":1}')
    answer = heard(*call("1", "take_screenshot"), *look, *call("3", "take_screenshot"))
    assert [item["type"] for item in answer.items] == ["computer_call", "function_call", "computer_call"]
    assert answer.items[1]["arguments"] == '{"x":1}'


@pytest.mark.parametrize("stop", ["length", "content_filter", "tool_calls"])
def test_a_torn_call_is_incomplete_whatever_the_model_says_of_its_end(stop: d.StopReason) -> None:
    answer = heard(*call("1", "take_screenshot"), *call("2", "type", '{"text": "a'), stop=stop)
    assert (answer.item["status"], answer.item["actions"]) == ("incomplete", [])
    reason = "content_filter" if stop == "content_filter" else "max_output_tokens"
    assert answer.response["incomplete_details"] == {"reason": reason}


@pytest.mark.parametrize(("arguments", "status"), [("", "incomplete"), ("{}", "completed")])
def test_a_last_call_without_a_word_may_have_been_cut(arguments: str, status: str) -> None:
    assert heard(*call("1", "take_screenshot", arguments), stop="length").item["status"] == status
    assert heard(*call("1", "take_screenshot", arguments)).item["status"] == "completed"


def test_what_is_held_when_the_line_goes_dead_is_not_done() -> None:
    answer = heard(*call("1", "take_screenshot", '{"a":'), stop=None)
    assert (answer.response["status"], answer.item["status"]) == ("failed", "incomplete")
    whole: list[d.Delta] = []
    each = ComputerCalls(GEMINI, several=True)
    for delta in call("1", "take_screenshot", "{}"):
        whole += each.feed(delta)
    assert whole == []
    whole += each.finish()
    assert [type(delta) for delta in whole] == [d.Call, d.End]
    assert list(ComputerCalls(GEMINI, several=True).finish()) == []


def test_a_pending_check_is_as_openai_writes_it() -> None:
    decision: JSON = {"decision": "require_confirmation", "explanation": "It pays."}
    arguments = d.Arguments("1", '{"x":1,"y":2,"safety_decision":' + json.dumps(decision) + "}")
    answer = heard(d.Call("1", "c", "click"), arguments, d.End("1"))
    (check,) = answer.items[1]["pending_safety_checks"]
    assert check == {"id": "check_1", "code": "require_confirmation", "message": "It pays."}
