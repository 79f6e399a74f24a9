"""Tools and tool_choice."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.protocol.errors import InvalidRequest
from tests.upstream.dialects.cohere.hearing import noted, say
from tests.upstream.dialects.saying import TOOLS

LOOK, ROLL = TOOLS
STRICT = {**LOOK, "strict": True}


def names(body: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in body["tools"]]


def test_functions_are_offered_as_they_are() -> None:
    body = say(tools=[LOOK, {"type": "function", "name": "now", "parameters": None}]).body
    parameters = {"type": "object", "properties": {}}
    assert body["tools"] == [
        {
            "type": "function",
            "function": {key: LOOK[key] for key in ("name", "description", "parameters")},
        },
        {"type": "function", "function": {"name": "now", "parameters": parameters}},
    ]
    assert "tool_choice" not in body


@pytest.mark.parametrize(
    ("choice", "said"), [("auto", None), (None, None), ("none", "NONE"), ("required", "REQUIRED")]
)
def test_modes_are_in_upper_case_and_auto_is_not_said(choice: Any, said: str | None) -> None:
    assert say(tools=TOOLS, tool_choice=choice).body.get("tool_choice") == said


def test_a_function_by_name_is_the_only_one_offered_and_required() -> None:
    request = say(tools=TOOLS, tool_choice={"type": "function", "name": "roll"})
    assert (names(request.body), request.body["tool_choice"]) == (["roll"], "REQUIRED")
    assert noted(request) == ["tool_choice: emulated, only this function is offered, and a call is required"]


def test_of_allowed_tools_only_these_are_offered() -> None:
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]}
    body = say(tools=TOOLS, tool_choice=allowed).body
    assert (names(body), body["tool_choice"]) == (["look"], "REQUIRED")
    assert "tools" not in say(tools=TOOLS, tool_choice={**allowed, "mode": "auto", "tools": []}).body


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "name": "fly"},
        {"type": "web_search"},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]},
    ],
)
def test_a_tool_that_cannot_be_called_cannot_be_demanded(choice: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        say(tools=[*TOOLS, {"type": "web_search"}], tool_choice=choice)
    assert caught.value.param == "tool_choice"


def test_other_tools_are_left_out_and_noted() -> None:
    request = say(tools=[{"type": "web_search"}, LOOK])
    assert names(request.body) == ["look"]
    assert noted(request) == ["tools[0]: dropped, this model has no web_search tool"]


def test_strict_holds_for_all_tools_or_for_none() -> None:
    assert say(tools=[STRICT, {**ROLL, "strict": True}]).body["strict_tools"] is True
    request = say(tools=[ROLL, STRICT])
    assert "strict_tools" not in request.body
    assert noted(request) == [
        "tools[1].strict: dropped, offered for all tools at once, if each requires a parameter"
    ]


def test_strict_tools_must_each_require_a_parameter() -> None:
    free = {**STRICT, "name": "now", "parameters": {"type": "object", "properties": {}}}
    request = say(tools=[STRICT, free])
    assert "strict_tools" not in request.body
    assert len(request.adaptations) == 2


def test_one_call_at_a_time_cannot_be_asked_for() -> None:
    request = say(tools=TOOLS, parallel_tool_calls=False)
    assert noted(request) == ["parallel_tool_calls: dropped, this model does not offer it"]
    assert not say(parallel_tool_calls=False).adaptations
