"""Tools and tool_choice."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.upstream.dialects.converse import Converse
from antiphon.upstream.dialects.converse.tools import NO_CALLS
from tests.upstream.dialects.converse.official import problems
from tests.upstream.dialects.converse.speaking import (
    CLAUDE,
    LLAMA,
    NOVA,
    call,
    function,
    output,
    say,
    user,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
BOUND = "us.anthropic.claude-opus-5-5-v1"
CALLED = [user("Hi"), call("a"), output("a")]


def config(*items: dict[str, Any], **turn: Any) -> Any:
    request = say(*items, **turn)
    assert problems(request) == []
    return request.body.get("toolConfig")


def names(said: Any) -> list[str]:
    return [next(iter(tool.values()))["name"] for tool in said["tools"]]


def test_a_function_is_a_tool_spec() -> None:
    tool = {"type": "function", "name": "now", "description": "The time.", "parameters": SCHEMA}
    assert config(tools=[tool]) == {
        "tools": [{"toolSpec": {"name": "now", "description": "The time.", "inputSchema": {"json": SCHEMA}}}]
    }


def test_a_blank_description_is_left_out_and_a_schema_is_always_an_objects() -> None:
    spec = config(tools=[{"type": "function", "name": "now", "description": " "}])["tools"][0]["toolSpec"]
    assert spec == {"name": "now", "inputSchema": {"json": {"type": "object"}}}


def test_strict_tools_are_strict_where_the_model_holds_to_them() -> None:
    strict = {"type": "function", "name": "now", "parameters": SCHEMA, "strict": True}
    spec = config(tools=[strict])["tools"][0]["toolSpec"]
    assert spec["strict"] is True
    assert spec["inputSchema"]["json"]["additionalProperties"] is False
    request = say(tools=[strict], model=NOVA)
    assert "strict" not in request.body["toolConfig"]["tools"][0]["toolSpec"]
    assert [(one.param, one.action) for one in request.adaptations] == [("tools[0].strict", "dropped")]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", None),
        ("required", {"any": {}}),
        ({"type": "function", "name": "now"}, {"tool": {"name": "now"}}),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "now"}]},
         {"any": {}}),
    ],
)  # fmt: skip
def test_a_choice_is_said_in_converses_words(choice: Any, expected: Any) -> None:
    assert config(tools=[function(), function("b")], tool_choice=choice).get("toolChoice") == expected


def test_only_allowed_tools_are_offered() -> None:
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "b"}]}
    assert names(config(tools=[function(), function("b")], tool_choice=allowed)) == ["b"]


@pytest.mark.parametrize(
    ("model", "choice"),
    [
        (LLAMA, "required"),
        (BOUND, "required"),
        ("mistral.mistral-large-2407-v1:0", {"type": "function", "name": "now"}),
    ],
)
def test_a_model_that_cannot_be_forced_is_not(model: str, choice: Any) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        say(model=model, tools=[function()], tool_choice=choice)
    assert caught.value.param == "tool_choice"


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "b"}, {"type": "file_search"}])
def test_to_demand_what_is_not_offered_is_refused(choice: Any) -> None:
    tools = [] if choice == "required" else [function()]
    with pytest.raises(InvalidRequest) as caught:
        say(tools=tools, tool_choice=choice)
    assert caught.value.param == "tool_choice"


@pytest.mark.parametrize("name", [None, "", "a b", "x" * 65])
def test_a_name_that_does_not_fit_is_refused_where_it_stands(name: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        say(tools=[function(name)])
    assert caught.value.param == "tools[0].name"


def test_tools_of_other_types_and_second_ones_of_a_name_are_noted() -> None:
    request = say(tools=[{"type": "image_generation"}, function(), function()])
    assert names(request.body["toolConfig"]) == ["now"]
    assert [(one.param, one.action) for one in request.adaptations] == [
        ("tools[0]", "dropped"),
        ("tools[2]", "dropped"),
    ]


def test_none_means_no_tools() -> None:
    assert config(tools=[function()], tool_choice="none") is None


def test_where_tools_were_called_they_stand_by_and_the_model_is_told_to_call_none() -> None:
    request = say(*CALLED, tools=[function(), function("b")], tool_choice="none")
    assert names(request.body["toolConfig"]) == ["now", "b"]
    assert "toolChoice" not in request.body["toolConfig"]
    assert request.body["system"] == [{"text": NO_CALLS}]
    assert [(one.param, one.action) for one in request.adaptations] == [("tool_choice", "emulated")]


def test_tools_that_were_called_and_are_offered_no_more_stand_by_under_their_names() -> None:
    request = say(*CALLED)
    assert problems(request) == []
    assert request.body["toolConfig"] == {
        "tools": [{"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object"}}}}]
    }
    assert [(one.param, one.action) for one in request.adaptations] == [("tools", "emulated")]


def test_a_wish_for_one_call_at_a_time_is_noted() -> None:
    request = say(tools=[function()], parallel_tool_calls=False)
    assert [(one.param, one.action) for one in request.adaptations] == [("parallel_tool_calls", "dropped")]


def test_a_search_is_a_system_tool_where_there_is_one() -> None:
    nova = Converse(web_search="nova_grounding")
    tool = {"type": "web_search", "search_context_size": "high"}
    request = say(model=NOVA, dialect=nova, tools=[tool, function()], tool_choice={"type": "web_search"})
    assert problems(request) == []
    assert request.body["toolConfig"] == {
        "tools": [
            {"systemTool": {"name": "nova_grounding"}},
            {"toolSpec": {"name": "now", "inputSchema": {"json": function()["parameters"]}}},
        ],
        "toolChoice": {"tool": {"name": "nova_grounding"}},
    }
    assert [one.param for one in request.adaptations] == ["tools[0].search_context_size"]
    turn = Turn(model=NOVA, items=[])
    assert "web_search" in nova.native_tools(turn)
    assert Converse().native_tools(turn) == {"function"}


def test_the_words_for_no_calls_come_last_and_leave_the_instructions_alone() -> None:
    request = say(*CALLED, instructions="Be brief.", model=CLAUDE)
    assert request.body["system"] == [{"text": "Be brief."}, {"text": NO_CALLS}]


def test_code_is_run_by_nova_where_the_account_says_so() -> None:
    nova = Converse(code_interpreter="nova_code_interpreter")
    tool = {"type": "code_interpreter", "container": {"type": "auto"}, "allowed_callers": ["direct"]}
    request = say(model=NOVA, dialect=nova, tools=[tool], tool_choice={"type": "code_interpreter"})
    assert request.body["toolConfig"] == {
        "tools": [{"systemTool": {"name": "nova_code_interpreter"}}],
        "toolChoice": {"tool": {"name": "nova_code_interpreter"}},
    }
    assert request.adaptations == ()
    held = say(model=NOVA, dialect=nova, tools=[{**tool, "container": "cntr_1"}])
    assert [told.param for told in held.adaptations] == ["tools[0].container"]


def test_a_search_that_must_not_reach_the_web_is_left_out_and_noted() -> None:
    nova = Converse(web_search="nova_grounding")
    request = say(model=NOVA, dialect=nova, tools=[{"type": "web_search", "external_web_access": False}])
    assert "toolConfig" not in request.body
    assert [(told.param, told.action) for told in request.adaptations] == [("tools[0]", "dropped")]
