"""Tools and the nine forms of tool_choice."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.protocol.errors import InvalidRequest
from tests.upstream.dialects.anthropic.speaking import function, say

LOOK, TAKE = function("look"), function("take")
SEARCH = {"type": "web_search"}
OFFLINE = {**SEARCH, "external_web_access": False}
PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    assert say(tools=[LOOK]).body["tools"] == [{"name": "look", "input_schema": {"type": "object"}}]


def test_descriptions_and_schemas_are_carried_as_they_are() -> None:
    tool = function("look", description="Looks.", parameters={**PLACE, "$comment": "x"})
    said = {"name": "look", "description": "Looks.", "input_schema": {**PLACE, "$comment": "x"}}
    assert say(tools=[tool]).body["tools"] == [said]


def test_a_strict_function_is_strict_where_the_model_and_the_schema_allow_it() -> None:
    strict = function("look", parameters=PLACE, strict=True)
    (said,) = say(tools=[strict]).body["tools"]
    assert said["strict"] is True
    assert said["input_schema"]["additionalProperties"] is False
    request = say(model="claude-sonnet-4-0", tools=[strict])
    assert request.body["tools"][0]["input_schema"] is PLACE
    assert [(told.param, told.action) for told in request.adaptations] == [("tools[0].strict", "dropped")]


def test_only_so_many_tools_can_be_strict() -> None:
    tools = [function(f"f{number}", parameters=PLACE, strict=True) for number in range(22)]
    request = say(tools=tools)
    assert sum("strict" in tool for tool in request.body["tools"]) == 20
    assert [told.param for told in request.adaptations] == ["tools[20].strict", "tools[21].strict"]


def test_web_search_is_anthropics_own() -> None:
    place = {"type": "approximate", "city": "Oslo", "region": None}
    asked = {**SEARCH, "filters": {"allowed_domains": ["e.com"]}, "user_location": place}
    (said,) = say(tools=[asked], max_tool_calls=3).body["tools"]
    assert said == {
        "type": "web_search_20250305",
        "name": "web_search",
        "allowed_domains": ["e.com"],
        "user_location": {"type": "approximate", "city": "Oslo"},
        "max_uses": 3,
    }


def test_a_search_that_must_not_reach_the_web_is_left_out_and_noted() -> None:
    request = say(tools=[LOOK, OFFLINE])
    assert [said["name"] for said in request.body["tools"]] == ["look"]
    (left_out,) = request.adaptations
    assert (left_out.param, left_out.action) == ("tools[1]", "dropped")


def test_two_tools_of_one_name_are_one() -> None:
    request = say(tools=[function("web_search"), SEARCH])
    assert request.body["tools"] == [{"name": "web_search", "input_schema": {"type": "object"}}]
    assert [(told.param, told.action) for told in request.adaptations] == [("tools[1]", "dropped")]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (None, None),
        ("none", {"type": "none"}),
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ({"type": "function", "name": "take"}, {"type": "tool", "name": "take"}),
        ({"type": "web_search_preview"}, {"type": "tool", "name": "web_search"}),
    ],
)
def test_each_choice_has_its_word(choice: Any, said: Any) -> None:
    assert say(tools=[LOOK, TAKE, SEARCH], tool_choice=choice).body.get("tool_choice") == said


@pytest.mark.parametrize(("mode", "said"), [("auto", {"type": "auto"}), ("required", {"type": "any"})])
def test_what_is_not_allowed_is_not_offered(mode: str, said: Any) -> None:
    allowed = {"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": "take"}]}
    body = say(tools=[LOOK, TAKE, SEARCH], tool_choice=allowed).body
    assert [tool["name"] for tool in body["tools"]] == ["take"]
    assert body["tool_choice"] == said


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "web_search_preview"},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]},
    ],
)
def test_to_demand_a_tool_that_is_not_offered_is_refused(choice: Any) -> None:
    with pytest.raises(InvalidRequest) as raised:
        say(tools=[LOOK, OFFLINE], tool_choice=choice)
    assert raised.value.param == "tool_choice"


def test_to_demand_any_tool_needs_one() -> None:
    with pytest.raises(InvalidRequest):
        say(tools=[], tool_choice="required")


@pytest.mark.parametrize("choice", ["none", "auto", None])
def test_without_tools_there_is_no_choice(choice: Any) -> None:
    assert "tool_choice" not in say(tools=[], tool_choice=choice, parallel_tool_calls=False).body


@pytest.mark.parametrize(
    ("choice", "kind"),
    [(None, "auto"), ("auto", "auto"), ("required", "any"), ({"type": "function", "name": "look"}, "tool")],
)
def test_one_call_at_a_time_is_part_of_the_choice(choice: Any, kind: str) -> None:
    said = say(tools=[LOOK], tool_choice=choice, parallel_tool_calls=False).body["tool_choice"]
    assert (said["type"], said["disable_parallel_tool_use"]) == (kind, True)
    assert "tool_choice" not in say(tools=[LOOK], parallel_tool_calls=True).body


def test_what_a_search_cannot_be_told_is_named() -> None:
    both = {"allowed_domains": ["a.org"], "blocked_domains": ["b.org"]}
    request = say(tools=[{**SEARCH, "filters": both, "search_content_types": ["text", "image"]}])
    assert "blocked_domains" not in request.body["tools"][0]
    assert {(told.param, told.action) for told in request.adaptations} == {
        ("tools[0].filters.blocked_domains", "dropped"),
        ("tools[0].search_content_types", "dropped"),
    }
    usual = {**SEARCH, "filters": {"blocked_domains": ["b.org"]}, "search_content_types": ["text"]}
    assert say(tools=[usual]).adaptations == ()
