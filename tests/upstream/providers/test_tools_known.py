"""Upstreams that speak Responses: which types of tools each knows, and what becomes of all others."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import UnsupportedParameter
from antiphon.protocol.examples import least
from antiphon.protocol.tools import CLIENT_RUN, COMPUTER, HOSTED, TOOLS, WEB_SEARCH
from antiphon.settings.providers import DIALECTS
from antiphon.upstream.base import Dialect, WireRequest
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.emulation import adapt
from antiphon.upstream.providers import PROVIDERS
from tests.upstream.dialects.saying import said_to, user

ALL = frozenset(TOOLS)
KNOWN: dict[str, frozenset[str]] = {
    "openai": ALL,
    # learn.microsoft.com/answers/questions/5846913 (April 2026): the shell tool is not supported
    "azure": ALL - {"shell"},
    # docs.x.ai/api, ModelTool: these, and x_search
    "xai": frozenset({"function", *WEB_SEARCH, "file_search", "code_interpreter", "mcp"}),
    # openrouter.ai/openapi.json, ResponsesRequest.tools
    "openrouter": ALL - {"namespace", "tool_search", "computer", "computer_use", "programmatic_tool_calling"},
    # vllm/entrypoints/openai/responses: every tool is read as a function; others need a tool server
    "vllm": frozenset({"function"}),
    # ollama/openai/responses.go: ResponsesTool is a function
    "ollama": frozenset({"function"}),
    # llama.cpp/tools/server/server-chat.cpp: tools of other types are skipped
    "llamacpp": frozenset({"function"}),
    # lmstudio.ai/docs/developer/openai-compat/responses: function tools and remote MCP
    "lmstudio": frozenset({"function", "mcp"}),
}
DIALECT: dict[str, Responses] = {
    name: dialect
    for name, provider in PROVIDERS.items()
    for dialect in (provider.dialect, *provider.also)
    if isinstance(dialect, Responses)
}

each_provider = pytest.mark.parametrize("name", DIALECT)


def asked(name: str, *tools: Any, **fields: Any) -> WireRequest:
    return said_to(DIALECT[name], Turn(model="m", items=[user("hi")], tools=list(tools), **fields))


def tool(kind: str) -> dict[str, Any]:
    return least(kind, TOOLS[kind].__name__)


def test_what_each_knows_is_written_down() -> None:
    assert DIALECT.keys() == KNOWN.keys()
    assert {"function", "programmatic_tool_calling", *CLIENT_RUN, *HOSTED} == ALL


@each_provider
def test_what_it_knows_goes_out_as_it_came(name: str) -> None:
    for kind in KNOWN[name]:
        request = asked(name, tool(kind))
        assert request.body["tools"] == [tool(kind)], kind
        assert request.adaptations == ()


@each_provider
def test_what_clients_run_is_a_function_where_it_is_not_known(name: str) -> None:
    for kind in set(CLIENT_RUN) - KNOWN[name]:
        request = asked(name, tool(kind))
        if kind == "tool_search":  # the server's: all that is deferred is offered at once
            assert "tools" not in request.body
        else:
            assert {told["type"] for told in request.body["tools"]} <= {"function"} | KNOWN[name], kind
        assert {each.action for each in request.adaptations} <= {"emulated", "translated"}, kind
        assert request.adaptations, kind


@each_provider
def test_what_providers_run_is_left_out_where_it_is_not_known(name: str) -> None:
    for kind in set(HOSTED) - KNOWN[name]:
        request = asked(name, tool(kind))
        assert "tools" not in request.body
        assert [(each.param, each.action) for each in request.adaptations] == [("tools[0]", "dropped")]


@each_provider
def test_programs_that_call_tools_are_refused_where_they_are_not_known(name: str) -> None:
    programs = tool("programmatic_tool_calling")
    if "programmatic_tool_calling" in KNOWN[name]:
        assert asked(name, programs).body["tools"] == [programs]
    else:
        with pytest.raises(UnsupportedParameter):
            asked(name, programs)


@each_provider
def test_what_nobody_has_heard_of_goes_out_wherever_it_stands(name: str) -> None:
    function = {**tool("function"), "x-own": 1}
    unheard = {"type": "x_search", "x-own": {"y": 1}}
    request = asked(name, function, unheard, tool("custom"), extra={"z": 1}, text={"x-own": 1})
    assert request.body["tools"][:2] == [function, unheard]
    assert (request.body["z"], request.body["text"]) == (1, {"x-own": 1})
    assert not [each for each in request.adaptations if "x-own" in each.param or each.param == "z"]


@each_provider
def test_calls_of_the_past_are_calls_of_functions_where_their_tool_is(name: str) -> None:
    call = {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "select 1"}
    items = [user("a"), call, {"type": "custom_tool_call_output", "call_id": "c", "output": "1"}, user("b")]
    body = said_to(DIALECT[name], Turn(model="m", items=items, tools=[tool("custom")])).body
    kinds = [item["type"] for item in body["input"][1:3]]
    expected = "custom_tool_call" if "custom" in KNOWN[name] else "function_call"
    assert kinds == [expected, f"{expected}_output"]


@each_provider
def test_a_screen_of_the_preview_stays_one_where_that_is_known(name: str) -> None:
    call = {"type": "computer_call", "call_id": "c", "actions": [{"type": "wait"}], "status": "completed"}
    shot = {"type": "computer_screenshot", "image_url": "data:image/png;base64,aGk="}
    items = [user("a"), call, {"type": "computer_call_output", "call_id": "c", "output": shot}]
    for kind in COMPUTER:
        body = said_to(DIALECT[name], Turn(model="m", items=items, tools=[tool(kind)])).body
        expected = "computer_call" if kind in KNOWN[name] else "function_call"
        assert [item["type"] for item in body["input"][1:]] == [expected, f"{expected}_output"], kind


@pytest.mark.parametrize("name", [name for name in DIALECT if not DIALECT[name].lacks])
def test_who_knows_all_is_asked_without_more_ado(name: str) -> None:
    turn = Turn(model="m", items=[user("a")], tools=[tool("custom")])
    adapted = adapt(turn, DIALECT[name].native_tools(turn), DIALECT[name].own_fields)
    assert adapted.turn is turn
    assert adapted.filters == ()


def test_every_dialect_is_somebodys() -> None:
    spoken: list[Dialect] = [
        dialect for provider in PROVIDERS.values() for dialect in (provider.dialect, *provider.also)
    ]
    assert {dialect.name for dialect in spoken} == set(DIALECTS)
