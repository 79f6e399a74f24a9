"""Tools, and the nine forms of tool_choice."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.protocol.errors import InvalidRequest
from tests.upstream.dialects.gemini.speaking import VERTEX, function, noted, say

OLD, NEW = "gemini-2.0-flash", "gemini-3.6-flash"
SEARCH = {"type": "web_search"}
CODE = {"type": "code_interpreter", "container": {"type": "auto"}}


def config(choice: Any, *tools: dict[str, Any], model: str = NEW) -> Any:
    body = say(model=model, tools=list(tools), tool_choice=choice).body
    return body.get("toolConfig", {}).get("functionCallingConfig")


def offered(**fields: Any) -> list[str]:
    tools = say(**{"model": NEW, **fields}).body.get("tools", [])
    declared = [each["name"] for tool in tools for each in tool.get("functionDeclarations", [])]
    return [*declared, *(kind for tool in tools for kind in tool if kind != "functionDeclarations")]


def test_a_function_is_declared_with_its_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    body = say(tools=[function("f", description="d", parameters=schema)]).body
    declared = {"name": "f", "description": "d", "parametersJsonSchema": schema}
    assert body["tools"] == [{"functionDeclarations": [declared]}]


def test_a_function_without_parameters_has_no_schema() -> None:
    assert say(tools=[function("f")]).body["tools"] == [{"functionDeclarations": [{"name": "f"}]}]


def test_a_schema_that_has_no_form_is_told_in_words() -> None:
    node = {"type": "object", "properties": {"n": {"$ref": "#"}}, "required": ["n"]}
    request = say(tools=[function("f", parameters=node)])
    ((declared,),) = [tool["functionDeclarations"] for tool in request.body["tools"]]
    assert declared["parametersJsonSchema"] == {"type": "object"}
    assert '"required":["n"]' in declared["description"]
    assert noted(request) == {"tools[0].parameters": "emulated"}


@pytest.mark.parametrize("name", ["9lives", "-a", "a b", "x" * 129])
def test_a_name_that_google_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        say(tools=[function("f"), function(name)])
    assert refusal.value.param == "tools[1].name"


def test_a_second_function_of_the_same_name_is_left_out() -> None:
    assert noted(say(tools=[function("f"), function("f")])) == {"tools[1]": "dropped"}


def test_native_tools_are_googles_own() -> None:
    assert offered(tools=[SEARCH, CODE]) == ["googleSearch", "codeExecution"]
    assert offered(tools=[{"type": "web_search_preview"}]) == ["googleSearch"]


def test_what_a_search_cannot_be_told_is_noted() -> None:
    search = {
        **SEARCH,
        "filters": {"allowed_domains": ["a"], "blocked_domains": ["b"]},
        "user_location": {"type": "approximate", "country": "NO"},
        "search_context_size": "high",
    }
    assert noted(say(tools=[search])) == {
        "tools[0].filters.blocked_domains": "dropped",
        "tools[0].filters.allowed_domains": "dropped",
        "tools[0].user_location": "dropped",
        "tools[0].search_context_size": "dropped",
    }
    assert say(VERTEX, tools=[search]).body["tools"] == [{"googleSearch": {"excludeDomains": ["b"]}}]


def test_a_search_without_access_to_the_web_is_left_out() -> None:
    assert offered(tools=[{**SEARCH, "external_web_access": False}]) == []


@pytest.mark.parametrize("container", ["cntr_1", {"type": "auto", "file_ids": ["f"]}])
def test_a_container_of_ones_own_is_noted(container: Any) -> None:
    request = say(tools=[{"type": "code_interpreter", "container": container}])
    assert noted(request) == {"tools[0].container": "dropped"}


def test_functions_and_googles_tools_go_together_from_3_on() -> None:
    tools = [function("f"), SEARCH]
    assert offered(tools=tools) == ["f", "googleSearch"]
    assert say(model=NEW, tools=tools).body["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert "toolConfig" not in say(VERTEX, model=NEW, tools=tools).body
    old = say(model="gemini-2.5-pro", tools=tools)
    assert old.body["tools"] == [{"functionDeclarations": [{"name": "f"}]}]
    assert noted(old) == {"tools": "dropped"}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("none", {"mode": "NONE"}),
        ("auto", {"mode": "AUTO"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "name": "f"}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_words_and_names_are_modes(choice: Any, expected: Any) -> None:
    assert config(choice, function("f"), function("g")) == expected


def test_strict_functions_are_validated_unless_a_mode_is_stronger() -> None:
    strict = function("f", strict=True)
    assert config(None, strict) == config("auto", strict) == {"mode": "VALIDATED"}
    assert config("required", strict) == {"mode": "ANY"}
    assert noted(say(model=OLD, tools=[strict])) == {"tools[0].strict": "dropped"}
    assert noted(say(model=OLD, tools=[strict], tool_choice="required")) == {}


@pytest.mark.parametrize(("mode", "theirs"), [("auto", "VALIDATED"), ("required", "ANY")])
def test_allowed_functions_are_named_and_all_stay_offered(mode: str, theirs: str) -> None:
    choice = {"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": "g"}]}
    tools = [function("f"), function("g"), SEARCH]
    assert config(choice, *tools) == {"mode": theirs, "allowedFunctionNames": ["g"]}
    assert offered(tools=tools, tool_choice=choice) == ["f", "g"]


def test_where_names_do_not_go_with_auto_only_the_allowed_are_offered() -> None:
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]}
    assert offered(model=OLD, tools=[function("f"), function("g")], tool_choice=choice) == ["g"]


def test_if_only_googles_tools_are_allowed_no_function_is_offered() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [SEARCH]}
    request = say(model=NEW, tools=[function("f"), SEARCH, CODE], tool_choice=choice)
    assert request.body["tools"] == [{"googleSearch": {}}]
    assert noted(request) == {"tool_choice": "emulated"}


@pytest.mark.parametrize("model", [OLD, NEW])
def test_one_of_googles_tools_cannot_be_forced_but_is_the_only_one_offered(model: str) -> None:
    for wanted in ({"type": "web_search_preview"}, {"type": "code_interpreter"}):
        request = say(model=model, tools=[function("f"), SEARCH, CODE], tool_choice=wanted)
        assert len(request.body["tools"]) == 1
        assert noted(request) == {"tool_choice": "emulated"}


def test_none_takes_googles_tools_away() -> None:
    assert offered(tools=[function("f"), SEARCH], tool_choice="none") == ["f"]
    assert offered(tools=[SEARCH], tool_choice="none") == []


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "name": "f"},
        {"type": "custom", "name": "f"},
        {"type": "mcp", "server_label": "s"},
        {"type": "image_generation"},
        {"type": "shell"},
        {"type": "apply_patch"},
        {"type": "programmatic_tool_calling"},
        {"type": "web_search"},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "x"}]},
    ],
)
def test_what_is_not_offered_cannot_be_demanded(choice: Any) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        say(tools=[{"type": "image_generation"}], tool_choice=choice)
    assert refusal.value.param == "tool_choice"


def test_calls_one_by_one_and_a_limit_of_calls_are_noted() -> None:
    request = say(model=NEW, tools=[function("f"), SEARCH], parallel_tool_calls=False, max_tool_calls=2)
    assert noted(request) == {"parallel_tool_calls": "dropped", "max_tool_calls": "dropped"}


def test_who_may_call_a_tool_of_googles_cannot_be_said() -> None:
    search = {**SEARCH, "allowed_callers": ["programmatic"]}
    assert noted(say(tools=[search])) == {"tools[0].allowed_callers": "dropped"}
    assert noted(say(tools=[{**CODE, "allowed_callers": ["direct"]}])) == {}
