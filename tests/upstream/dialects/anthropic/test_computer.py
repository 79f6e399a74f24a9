"""Anthropic's own computer tools: what the model is offered, what its calls become, and how they go back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.anthropic import Anthropic
from tests.play import answer_deltas, play, stream_deltas
from tests.recordings import needs_recordings, recordings
from tests.upstream.computer.screenshots import screenshot
from tests.upstream.dialects.anthropic.official import judge
from tests.upstream.dialects.anthropic.speaking import (
    START,
    STOP,
    begin,
    end,
    function,
    more,
    stopped,
    user,
)
from tests.upstream.dialects.saying import said_to

TOOLSET, OLDER, OLDEST = "claude-opus-5-5", "claude-opus-4-6", "claude-sonnet-4-5"
COMPUTER = {"type": "computer"}
PREVIEW = {
    "type": "computer_use_preview",
    "environment": "browser",
    "display_width": 1024,
    "display_height": 768,
}
AT = {"x": 30, "y": 40}
SAME: list[tuple[str, JSON, list[JSON]]] = [
    ("screenshot", {}, [{"type": "screenshot"}]),
    ("left_click", {"coordinate": [30, 40]}, [{"type": "click", "button": "left", **AT}]),
    (
        "left_click",
        {"coordinate": [30, 40], "text": "ctrl+shift"},
        [{"type": "click", "button": "left", **AT, "keys": ["CTRL", "SHIFT"]}],
    ),
    ("right_click", {"coordinate": [30, 40]}, [{"type": "click", "button": "right", **AT}]),
    ("middle_click", {"coordinate": [30, 40]}, [{"type": "click", "button": "wheel", **AT}]),
    ("double_click", {"coordinate": [30, 40]}, [{"type": "double_click", **AT, "keys": None}]),
    ("mouse_move", {"coordinate": [30, 40]}, [{"type": "move", **AT}]),
    (
        "left_click_drag",
        {"start_coordinate": [1, 2], "coordinate": [30, 40]},
        [{"type": "drag", "path": [{"x": 1, "y": 2}, AT]}],
    ),
    (
        "scroll",
        {"coordinate": [30, 40], "scroll_direction": "down", "scroll_amount": 3},
        [{"type": "scroll", **AT, "scroll_x": 0, "scroll_y": 300}],
    ),
    (
        "scroll",
        {"coordinate": [30, 40], "scroll_direction": "left", "scroll_amount": 1, "text": "alt"},
        [{"type": "scroll", **AT, "scroll_x": -100, "scroll_y": 0, "keys": ["ALT"]}],
    ),
    ("key", {"text": "ctrl+s"}, [{"type": "keypress", "keys": ["CTRL", "s"]}]),
    ("key", {"text": "Return"}, [{"type": "keypress", "keys": ["ENTER"]}]),
    ("type", {"text": "ä\n"}, [{"type": "type", "text": "ä\n"}]),
]
"""Members that say what one action says."""

MORE: list[tuple[str, JSON, list[JSON]]] = [
    ("wait", {"duration": 5}, [{"type": "wait"}]),
    ("key", {"text": "Tab", "repeat": 2}, [{"type": "keypress", "keys": ["TAB"]}] * 2),
    ("key", {"text": "enter"}, [{"type": "keypress", "keys": ["ENTER"]}]),
    ("hold_key", {"text": "w", "duration": 3}, [{"type": "keypress", "keys": ["w"]}]),
    (
        "triple_click",
        {"coordinate": [30, 40]},
        [{"type": "double_click", **AT, "keys": None}, {"type": "click", "button": "left", **AT}],
    ),
]
"""Members that say more, or something else."""

CANNOT: list[tuple[str, JSON]] = [
    ("cursor_position", {}),
    ("left_mouse_down", {}),
    ("zoom", {"region": [0, 0, 9, 9]}),
    ("fly", {}),
    ("left_click", {}),
    ("left_click", {"coordinate": [1]}),
    ("mouse_move", {"coordinate": "30,40"}),
    ("scroll", {"coordinate": [1, 2], "scroll_direction": "in", "scroll_amount": 1}),
    ("scroll", {"coordinate": [1, 2], "scroll_direction": "up"}),
    ("key", {"text": ""}),
    ("key", {"text": "a", "repeat": 1000}),
    ("type", {}),
]


def asked(model: str = TOOLSET, *items: JSON, tool: JSON = COMPUTER, **fields: Any) -> WireRequest:
    """The request; it is one that Anthropic's library knows."""
    given = {"tools": [tool], "items": [user("Go."), *items], **fields}
    request = said_to(Anthropic(), Turn(model=model, **given))
    judge(request.body)
    return request


def use(number: int, name: str, given: JSON, model: str = TOOLSET) -> JSON:
    """A call, as this model makes it."""
    if model == TOOLSET:
        named = {"name": name, "toolset_name": "computer", "input": given}
    else:
        named = {"name": "computer", "input": {"action": name, **given}}
    return {"type": "tool_use", "id": f"toolu_{number}", **named}


def streamed(*content: JSON, stop: str = "tool_use") -> bytes:
    events = [START]
    for index, block in enumerate(content):
        text = json.dumps(block["input"]) if block["type"] == "tool_use" else ""
        held = {"input": {}} if block["type"] == "tool_use" else {}
        events.append(begin(index, **{**block, **held}))
        if text != "{}":
            pieces = [text[:3], text[3:]] if text else []
            events += [more(index, type="input_json_delta", partial_json=piece) for piece in pieces]
        events.append(end(index))
    events += [stopped(stop), STOP]
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode()) for event in events
    )


def heard(request: WireRequest, *content: JSON, stop: str = "tool_use") -> JSON:
    """The response that the client gets, streamed and whole the same."""
    deltas = stream_deltas(Anthropic(), [streamed(*content, stop=stop)], request.filters)
    response = play(deltas)[1].response
    body = {**START["message"], "type": "message", "content": list(content), "stop_reason": stop}
    again = play(answer_deltas(Anthropic(), json.dumps(body).encode(), request.filters))[1].response
    assert response["output"] == again["output"]
    assert response["status"] == again["status"]
    return response


def calls_of(response: JSON) -> list[JSON]:
    return [item for item in response["output"] if item["type"] == "computer_call"]


def output(call: JSON, **fields: Any) -> JSON:
    return {
        "type": "computer_call_output",
        "call_id": call["call_id"],
        "output": {**screenshot(1024, 768), **fields},
    }


def first(model: str) -> WireRequest:
    """Of a conversation whose screen is known."""
    return asked(model, tool=PREVIEW if model != TOOLSET else COMPUTER)


def went_back(model: str, response: JSON, **fields: Any) -> tuple[list[JSON], list[JSON]]:
    """The blocks of the model's message and of the user's after it, when the response is answered."""
    outputs = [output(call) for call in calls_of(response)]
    request = asked(model, *response["output"], *outputs, **fields)
    _, spoken, answered = request.body["messages"]
    assert request.adaptations == ()
    return spoken["content"], answered["content"]


# What is offered


def test_the_toolset_is_offered_without_what_no_client_can_do() -> None:
    request = asked()
    (tool,) = request.body["tools"]
    assert tool["type"] == "computer_toolset_20260801"
    assert set(tool["configs"]) == {
        *("cursor_position", "hold_key", "left_mouse_down", "left_mouse_up", "triple_click", "zoom")
    }
    assert all(config == {"enabled": False} for config in tool["configs"].values())
    assert "anthropic-beta" not in request.headers
    assert request.adaptations == ()


@pytest.mark.parametrize(
    ("model", "kind", "beta"),
    [
        (OLDER, "computer_20251124", "computer-use-2025-11-24"),
        (OLDEST, "computer_20250124", "computer-use-2025-01-24"),
    ],
)
def test_an_older_tool_is_told_how_large_the_screen_is_and_needs_a_beta(
    model: str, kind: str, beta: str
) -> None:
    request = asked(model, tool=PREVIEW)
    size = {"display_width_px": 1024, "display_height_px": 768}
    assert request.body["tools"] == [{"type": kind, "name": "computer", **size}]
    assert request.headers["anthropic-beta"] == beta


@pytest.mark.parametrize(
    ("kind", "models"),
    [
        (
            "computer_toolset_20260801",
            ["claude-fable-5", "claude-mythos-5-1", "claude-opus-4-8", "claude-sonnet-5", "claude-haiku-5-5"],
        ),
        ("computer_20251124", ["claude-opus-4-5-20251101", "claude-opus-4-7", "claude-sonnet-4-6"]),
        (
            "computer_20250124",
            ["claude-3-7-sonnet-latest", "claude-opus-4-1", "claude-sonnet-4-0", "claude-haiku-4-5"],
        ),
    ],
)
def test_each_generation_has_its_tool(kind: str, models: list[str]) -> None:
    assert [asked(model, tool=PREVIEW).body["tools"][0]["type"] for model in models] == [kind] * len(models)


def test_thoughts_go_back_before_the_calls_that_they_led_to() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    response = heard(asked("claude-sonnet-5"), thought, use(1, "wait", {"duration": 3}))
    assert [item["type"] for item in response["output"]] == ["reasoning", "reasoning", "computer_call"]
    spoken, _ = went_back("claude-sonnet-5", response)
    assert spoken == [thought, use(1, "wait", {"duration": 3})]


def test_as_long_as_nobody_knows_the_screen_an_older_model_gets_a_function() -> None:
    request = asked(OLDER)
    (tool,) = request.body["tools"]
    assert "input_schema" in tool
    assert [(each.param, each.action) for each in request.adaptations] == [("tools[0]", "emulated")]
    call = {"type": "computer_call", "call_id": "c", "actions": [{"type": "screenshot"}]}
    later = asked(OLDER, call, output(call))
    assert later.body["tools"][0]["type"] == "computer_20251124"
    assert later.body["messages"][1]["content"][0]["input"] == {"action": "screenshot"}
    assert later.adaptations == ()


@pytest.mark.parametrize("model", ["claude-3-5-haiku-latest", "claude-haiku-4", "kimi-k2", "llama-3"])
def test_a_model_that_is_not_known_to_have_one_gets_a_function(model: str) -> None:
    assert "input_schema" in asked(model, tool=PREVIEW).body["tools"][0]


def test_an_upstream_can_do_without() -> None:
    turn = Turn(model=TOOLSET, items=[user("Go.")], tools=[COMPUTER])
    assert "input_schema" in said_to(Anthropic(computer=False), turn).body["tools"][0]
    assert "input_schema" not in said_to(Anthropic(platform="vertex"), turn).body["tools"][0]


def test_on_bedrock_there_is_no_toolset_yet() -> None:
    turn = Turn(model="anthropic.claude-opus-5-5", items=[user("Go.")], tools=[PREVIEW])
    body = said_to(Anthropic(platform="bedrock"), turn).body
    assert body["tools"][0]["type"] == "computer_20251124"
    assert "computer-use-2025-11-24" in body["anthropic_beta"]


def test_the_preview_is_used_once_at_a_time() -> None:
    assert asked(tool=PREVIEW).body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "tool_choice" not in asked().body


@pytest.mark.parametrize("kind", ["computer", "computer_use", "computer_use_preview"])
def test_it_is_demanded_by_being_the_only_tool(kind: str) -> None:
    request = asked("claude-sonnet-5", tools=[function("look"), COMPUTER], tool_choice={"type": kind})
    assert [tool["type"] for tool in request.body["tools"]] == ["computer_toolset_20260801"]
    assert request.body["tool_choice"] == {"type": "any"}
    with pytest.raises(UnsupportedParameter):
        asked(TOOLSET, tool_choice={"type": kind})


def test_a_list_of_allowed_tools_keeps_it_or_leaves_it_out() -> None:
    def offered(*allowed: JSON) -> list[Any]:
        choice = {"type": "allowed_tools", "mode": "auto", "tools": list(allowed)}
        tools = asked(tools=[function("look"), COMPUTER], tool_choice=choice).body["tools"]
        return [tool.get("name", tool.get("type")) for tool in tools]

    assert offered({"type": "computer_use"}) == ["computer_toolset_20260801"]
    assert offered({"type": "function", "name": "look"}) == ["look"]


def test_a_function_called_computer_goes_by_another_name_beside_it() -> None:
    request = asked(tools=[COMPUTER, function("computer")])
    name = request.body["tools"][1]["name"]
    assert name.startswith("computer_")
    assert asked(tools=[function("computer")]).body["tools"][0]["name"] == "computer"


def test_there_is_one_computer() -> None:
    request = asked(tools=[COMPUTER, PREVIEW])
    assert len(request.body["tools"]) == 1
    assert [(each.param, each.action) for each in request.adaptations] == [("tools[1]", "dropped")]


# What comes, and goes back


@pytest.mark.parametrize("model", [TOOLSET, OLDER])
@pytest.mark.parametrize(("name", "given", "actions"), SAME)
def test_a_call_is_an_action_and_an_action_is_that_call(
    name: str, given: JSON, actions: list[JSON], model: str
) -> None:
    tool = COMPUTER if model == TOOLSET else PREVIEW
    response = heard(first(model), use(1, name, given, model))
    (call,) = response["output"]
    assert (call["type"], call["status"], call["call_id"]) == ("computer_call", "completed", "toolu_1")
    assert (call["actions"] if model == TOOLSET else [call["action"]]) == actions
    spoken, answered = went_back(model, response, tool=tool)
    assert spoken == [use(1, name, given, model)]
    assert [block["type"] for block in answered[0]["content"]] == ["image"]
    assert answered[0].get("toolset_name") == ("computer" if model == TOOLSET else None)


@pytest.mark.parametrize(("name", "given", "actions"), MORE)
def test_what_no_action_says_is_sealed_and_goes_back_as_it_was(
    name: str, given: JSON, actions: list[JSON]
) -> None:
    response = heard(asked(), use(1, name, given))
    (call,) = calls_of(response)
    assert call["actions"] == actions
    assert response["output"][0]["type"] == "reasoning"
    assert went_back(TOOLSET, response)[0] == [use(1, name, given)]


@pytest.mark.parametrize(("name", "given", "actions"), MORE)
def test_without_its_seal_a_call_goes_back_as_its_actions(
    name: str, given: JSON, actions: list[JSON]
) -> None:
    response = heard(asked(), use(1, name, given))
    spoken, answered = went_back(TOOLSET, {"output": calls_of(response)})
    assert len(spoken) == len(answered) >= len(actions)
    assert spoken[0]["id"] == "toolu_1"
    again = heard(asked(), *spoken)
    assert calls_of(again)[0]["actions"] == actions


def test_calls_in_a_row_are_one_call_of_the_client_with_one_screenshot() -> None:
    batch = [
        use(1, "left_click", {"coordinate": [1, 2]}),
        use(2, "type", {"text": "a"}),
        use(3, "screenshot", {}),
    ]
    response = heard(asked(), *batch)
    (call,) = calls_of(response)
    assert [action["type"] for action in call["actions"]] == ["click", "type", "screenshot"]
    spoken, answered = went_back(TOOLSET, response)
    assert spoken == batch
    assert [result["tool_use_id"] for result in answered] == ["toolu_1", "toolu_2", "toolu_3"]
    kinds = [[block["type"] for block in result["content"]] for result in answered]
    assert kinds == [["text"], ["text"], ["image"]]
    assert all(result["toolset_name"] == "computer" for result in answered)


def test_what_stands_between_ends_the_row() -> None:
    look = {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {}}
    response = heard(asked(), use(1, "screenshot", {}), look, use(3, "screenshot", {}))
    assert [item["type"] for item in response["output"]] == [
        "computer_call",
        "function_call",
        "computer_call",
    ]


def test_words_before_a_call_are_heard_before_it() -> None:
    response = heard(asked(), {"type": "text", "text": "I look."}, use(1, "screenshot", {}))
    assert [item["type"] for item in response["output"]] == ["message", "computer_call"]


def test_a_click_without_a_place_is_where_the_call_before_has_left_the_pointer() -> None:
    moved = use(1, "left_click_drag", {"start_coordinate": [1, 2], "coordinate": [30, 40]})
    (call,) = calls_of(heard(asked(), moved, use(2, "right_click", {})))
    assert call["actions"][1] == {"type": "click", "button": "right", **AT}


@pytest.mark.parametrize(("name", "given"), CANNOT)
def test_what_cannot_be_done_is_not_done_and_the_model_reads_why(name: str, given: JSON) -> None:
    batch = [use(1, "key", {"text": "a"}), use(2, name, given), use(3, "type", {"text": "b"})]
    response = heard(asked(), *batch)
    (call,) = calls_of(response)
    assert (response["status"], call["status"]) == ("completed", "completed")
    assert [action["type"] for action in call["actions"]] == ["keypress", "screenshot"]
    spoken, answered = went_back(TOOLSET, response)
    assert spoken == batch
    assert [block["type"] for block in answered[1]["content"]] == ["text", "image"]
    assert answered[1]["content"][0]["text"] != "OK"
    assert (answered[2]["is_error"], answered[2]["content"][0]["text"]) == (
        True,
        "Not executed: an earlier computer action in this turn failed.",
    )


@pytest.mark.parametrize("torn", [use(2, "left_click", {}), {**use(2, "type", {}), "input": {}}])
def test_a_row_whose_end_is_cut_is_not_done(torn: JSON) -> None:
    response = heard(asked(), use(1, "key", {"text": "a"}), torn, stop="max_tokens")
    (call,) = calls_of(response)
    assert (response["status"], call["status"], call["actions"]) == ("incomplete", "incomplete", [])


def test_arguments_that_make_no_sense_are_not_done_either() -> None:
    wire = streamed(use(1, "type", {"text": "a"}))
    broken = wire.replace(b'"partial_json": "{', b'"partial_json": "}')
    assert broken != wire
    response = play(stream_deltas(Anthropic(), [broken], asked().filters))[1].response
    assert (response["status"], calls_of(response)[0]["status"]) == ("incomplete", "incomplete")


def test_a_function_of_the_same_name_is_not_the_computers() -> None:
    for name in ("left_click", "computer"):
        (item,) = heard(asked(), {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}})["output"]
        assert (item["type"], item["name"]) == ("function_call", name)


def test_of_a_call_that_the_preview_cannot_say_at_once_each_action_is_a_call() -> None:
    response = heard(asked(tool=PREVIEW), use(1, "key", {"text": "Tab", "repeat": 3}))
    calls = calls_of(response)
    assert [call["action"] for call in calls] == [{"type": "keypress", "keys": ["TAB"]}] * 3
    assert [call["call_id"] for call in calls] == ["toolu_1", "toolu_1_2", "toolu_1_3"]
    spoken, answered = went_back(TOOLSET, response, tool=PREVIEW)
    assert [block["input"] for block in spoken] == [{"text": "Tab"}] * 3
    assert [[block["type"] for block in result["content"]] for result in answered] == [["image"]] * 3


# What others did, and what is missing


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"type": "click", "button": "back", **AT}, [("key", {"text": "alt+Left"})]),
        ({"type": "click", "button": "forward", **AT}, [("key", {"text": "alt+Right"})]),
        ({"type": "wait"}, [("wait", {"duration": 2})]),
        ({"type": "keypress", "keys": ["CTRL", "C"]}, [("key", {"text": "ctrl+C"})]),
        (
            {"type": "scroll", **AT, "scroll_x": 50, "scroll_y": -250},
            [
                ("scroll", {"coordinate": [30, 40], "scroll_direction": "up", "scroll_amount": 3}),
                ("scroll", {"coordinate": [30, 40], "scroll_direction": "right", "scroll_amount": 1}),
            ],
        ),
        (
            {"type": "scroll", **AT, "scroll_x": 0, "scroll_y": 0},
            [("scroll", {"coordinate": [30, 40], "scroll_direction": "down", "scroll_amount": 0})],
        ),
        ({"type": "of_the_future"}, [("screenshot", {})]),
    ],
)
def test_what_another_model_did_is_told_in_this_ones_words(action: JSON, said: list[Any]) -> None:
    response = {"output": [{"type": "computer_call", "call_id": "call_1", "actions": [action]}]}
    spoken, _ = went_back(TOOLSET, response)
    assert [(block["name"], block["input"]) for block in spoken] == said


def test_what_its_words_leave_out_is_noted() -> None:
    path = [{"x": 1, "y": 2}, {"x": 9, "y": 9}, {"x": 3, "y": 4}]
    for action in ({"type": "drag", "path": path}, {"type": "move", **AT, "keys": ["SHIFT"]}):
        call = {"type": "computer_call", "call_id": "call_1", "actions": [action]}
        request = asked(TOOLSET, call, output(call))
        assert [(each.param, each.action) for each in request.adaptations] == [("input[1]", "translated")]


def test_a_call_without_an_output_is_answered_all_the_same() -> None:
    call = {
        "type": "computer_call",
        "call_id": "call_1",
        "actions": [{"type": "wait"}, {"type": "screenshot"}],
    }
    request = asked(TOOLSET, call)
    results = request.body["messages"][2]["content"]
    assert [result["is_error"] for result in results] == [True, True]
    assert all(result["toolset_name"] == "computer" for result in results)
    assert [(each.param, each.action) for each in request.adaptations] == [("input[1]", "translated")]


def test_a_screenshot_that_cannot_be_sent_is_refused_by_its_place() -> None:
    call = {"type": "computer_call", "call_id": "call_1", "actions": [{"type": "screenshot"}]}
    bare = {"type": "computer_call_output", "call_id": "call_1", "output": {"file_id": "file-1"}}
    with pytest.raises(InvalidRequest) as refusal:
        asked(TOOLSET, call, bare)
    assert refusal.value.param == "input[2].output.file_id"
    low = asked(TOOLSET, call, output(call, detail="low"))
    assert [each.param for each in low.adaptations] == ["input[2].output.detail"]
    assert asked(TOOLSET, call, output(call, detail="original")).adaptations == ()


def test_a_damaged_seal_is_no_seal() -> None:
    call = {"type": "computer_call", "call_id": "call_1", "actions": [{"type": "wait"}]}
    for blob in ("anthropic:calls:", "anthropic:calls:[{}]", "anthropic:calls:\ud800", "anthropic:calls:{}"):
        seal = {"type": "reasoning", "summary": [], "encrypted_content": blob}
        spoken = asked(TOOLSET, seal, call, output(call)).body["messages"][1]["content"]
        assert [block["input"] for block in spoken] == [{"duration": 2}]


def test_the_seal_of_another_call_is_not_used() -> None:
    response = heard(asked(), use(1, "wait", {"duration": 9}))
    call = {"type": "computer_call", "call_id": "another", "actions": [{"type": "screenshot"}]}
    spoken, _ = went_back(TOOLSET, {"output": [response["output"][0], call]})
    assert [block["name"] for block in spoken] == ["screenshot"]


@needs_recordings
def test_a_real_conversation_is_asked_and_heard_as_it_was() -> None:
    found = [row for row in recordings("messages") if "computer-use-streaming" in row.id]
    first, second = sorted(found, key=lambda row: len(row.exchange["request"]["body"]["messages"]))
    was, later = first.exchange["request"]["body"], second.exchange["request"]["body"]
    tool = {**PREVIEW, "display_width": 1920, "display_height": 1080}
    said = user("Take a screenshot of the desktop")
    request = asked(was["model"], tool=tool, items=[said])
    assert (request.body["tools"], request.body["messages"]) == (was["tools"], was["messages"])
    response = play(stream_deltas(Anthropic(), [first.wire], request.filters))[1].response
    (call,) = response["output"]
    assert (call["action"], call["status"]) == ({"type": "screenshot"}, "completed")
    image = later["messages"][2]["content"][0]["content"][0]["source"]
    shown = {"image_url": f"data:{image['media_type']};base64,{image['data']}"}
    request = asked(was["model"], tool=tool, items=[said, call, {**output(call), "output": shown}])
    assert (request.body["tools"], request.body["messages"]) == (later["tools"], later["messages"])
    response = play(stream_deltas(Anthropic(), [second.wire], request.filters))[1].response
    assert [item["type"] for item in response["output"]] == ["message"]
