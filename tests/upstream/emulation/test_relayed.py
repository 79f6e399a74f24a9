"""A model behind the Responses API that knows nothing but functions: its calls become what was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.fold import fold
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.emulation import Adapted, adapt
from antiphon.upstream.emulation.relayed import CallsApart
from tests.play import play

DIALECT = Responses(lacks=("custom", "apply_patch", "shell", "namespace"))
SQL = {"type": "custom", "name": "sql"}
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}}
CRM = {"type": "namespace", "name": "crm", "tools": [{**LOOK, "name": "find"}]}


def adapted(*tools: JSON) -> Adapted:
    turn = Turn(model="m", items=[], tools=list(tools))
    return adapt(turn, DIALECT.native_tools(turn), DIALECT.own_fields)


def call(name: str, arguments: Any, index: int, **fields: Any) -> JSON:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    about = {"type": "function_call", "id": f"fc_{index}", "call_id": f"call_{index}", "name": name}
    return {**about, "arguments": text, "status": "completed", **fields}


def words(text: str, index: int) -> JSON:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "type": "message",
        "id": f"msg_{index}",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def response(*items: JSON, status: str = "completed", **fields: Any) -> JSON:
    return {"status": status, "output": list(items), "incomplete_details": None, **fields}


def streamed(*items: JSON, end: JSON | None = None, ids_change: bool = False) -> list[JSON]:
    """The events of a stream in which these items come; the arguments in pieces of four characters."""
    events: list[JSON] = [{"type": "response.created", "response": response(status="in_progress")}]
    for at, item in enumerate(items):
        blank = {**item, "arguments": ""} if "arguments" in item else {**item, "content": []}
        events.append({"type": "response.output_item.added", "output_index": at, "item": blank})
        said = {"output_index": at, "item_id": f"other_{at}" if ids_change else item["id"]}
        text = item.get("arguments", "")
        kind = "response.function_call_arguments"
        pieces = [text[start : start + 4] for start in range(0, len(text), 4)]
        events += ({"type": f"{kind}.delta", **said, "delta": piece} for piece in pieces)
        if text:
            events.append({"type": f"{kind}.done", **said, "arguments": text})
        events.append({"type": "response.output_item.done", "output_index": at, "item": item})
    ended = end or response(*items)
    return [*events, {"type": f"response.{ended['status']}", "response": ended}]


def heard(turn: Adapted, events: list[JSON]) -> list[d.Delta]:
    decoder = DIALECT.decoder()
    frames = (Frame(None, json.dumps(event).encode()) for event in events)
    deltas = [delta for frame in frames for delta in decoder.feed(frame)]
    return filtered(turn, [*deltas, *decoder.finish()])


def whole(turn: Adapted, body: JSON) -> list[d.Delta]:
    return filtered(turn, list(DIALECT.answer(json.loads(json.dumps(body)))))


def filtered(turn: Adapted, deltas: list[d.Delta]) -> list[d.Delta]:
    for make in turn.filters:
        each = make()
        deltas = [*(passed for delta in deltas for passed in each.feed(delta)), *each.finish()]
    return deltas


def told(deltas: list[d.Delta]) -> tuple[list[JSON], list[str], JSON]:
    """The items without their ids, the types of the events, the response."""
    events, assembler = play(deltas)
    assert fold(events) == assembler.response
    items = [{k: v for k, v in item.items() if k != "id"} for item in assembler.response["output"]]
    return items, [event["type"].removeprefix("response.") for event in events], assembler.response


ITEMS = [
    words("Look:", 0),
    call("sql", {"input": "select 1"}, 1),
    call("look", {"at": 1}, 2),
    words("So.", 3),
]


@pytest.mark.parametrize("ids_change", [False, True])
def test_the_call_of_a_function_is_the_item_that_was_asked_for(ids_change: bool) -> None:
    items, kinds, _ = told(heard(adapted(SQL, LOOK), streamed(*ITEMS, ids_change=ids_change)))
    assert [item["type"] for item in items] == ["message", "custom_tool_call", "function_call", "message"]
    assert items[1] == {
        "type": "custom_tool_call",
        "call_id": "call_1",
        "name": "sql",
        "input": "select 1",
        "status": "completed",
    }
    assert (items[2]["name"], items[2]["arguments"]) == ("look", '{"at": 1}')
    assert kinds.count("custom_tool_call_input.delta") > 1
    assert kinds.count("custom_tool_call_input.done") == 1
    assert kinds.count("function_call_arguments.done") == 1
    assert kinds[-1] == "completed"


def test_a_whole_answer_says_the_same_in_the_same_order() -> None:
    turn = adapted(SQL, LOOK)
    items, _, _ = told(whole(turn, response(*ITEMS)))
    assert items == told(heard(turn, streamed(*ITEMS)))[0]


def test_what_an_upstream_forgot_to_stream_is_said_at_its_end_in_order() -> None:
    events = streamed(end=response(*ITEMS))
    items, _, _ = told(heard(adapted(SQL, LOOK), events))
    assert [item["type"] for item in items] == ["message", "custom_tool_call", "function_call", "message"]


def test_an_item_that_came_with_its_end_alone_is_whole() -> None:
    events = [
        event
        for event in streamed(*ITEMS)
        if "arguments" not in event["type"] and "added" not in event["type"]
    ]
    items, _, _ = told(heard(adapted(SQL, LOOK), events))
    assert items[1]["input"] == "select 1"


def test_a_call_in_a_namespace_has_both_names() -> None:
    turn = adapted(CRM)
    (tool,) = turn.turn.tools
    items, _, _ = told(heard(turn, streamed(call(tool["name"], {}, 0))))
    assert (items[0]["type"], items[0]["namespace"], items[0]["name"]) == ("function_call", "crm", "find")


def test_a_call_that_was_cut_is_incomplete_and_so_is_the_response() -> None:
    cut = call("sql", '{"input": "sel', 0, status="incomplete")
    end = response(cut, status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    items, _, ended = told(heard(adapted(SQL), streamed(cut, end=end)))
    assert (items[0]["input"], items[0]["status"]) == ("sel", "incomplete")
    assert (ended["status"], ended["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})


def test_what_the_finished_response_says_besides_is_kept() -> None:
    end = response(*ITEMS, usage={"input_tokens": 3, "output_tokens": 4}, content_filters=[{"a": 1}])
    *_, ended = told(heard(adapted(SQL), streamed(*ITEMS, end=end)))
    assert ended["usage"]["input_tokens"] == 3
    assert ended["content_filters"] == [{"a": 1}]


def test_where_nothing_stands_for_another_tool_events_pass_as_they_are() -> None:
    assert adapted(LOOK).filters == ()
    apart = CallsApart({"sql"})
    for event in streamed(words("Hi.", 0), call("look", {}, 1)):
        assert list(apart.feed(d.Relayed(event))) == [d.Relayed(event)]
    assert list(apart.feed(d.Stop("stop"))) == [d.Stop("stop")]
    assert list(apart.finish()) == []


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.completed"},
        {"type": "response.completed", "response": {"output": [None, 3, {"type": "function_call"}]}},
        {"type": "response.output_item.added", "item": 5},
        {"type": "response.function_call_arguments.delta"},
        {},
    ],
)
def test_odd_events_pass_as_they_are(event: JSON) -> None:
    assert list(CallsApart({"sql"}).feed(d.Relayed(event))) == [d.Relayed(event)]


def test_odd_pieces_of_a_call_say_nothing() -> None:
    apart = CallsApart({"sql"})
    begun = {"type": "response.output_item.added", "output_index": 0, "item": call("sql", "", 0)}
    assert list(apart.feed(d.Relayed(begun))) == [d.Call("relayed:0", "call_0", "sql")]
    for odd in ({"delta": 3}, {"delta": None}, {}):
        event = {"type": "response.function_call_arguments.delta", "output_index": 0, **odd}
        assert list(apart.feed(d.Relayed(event))) == []
