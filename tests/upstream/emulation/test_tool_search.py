"""tool_search on a model that knows only functions."""

from __future__ import annotations

import json

from tests.upstream.emulation.conversing import answered, asked, call, noted

SEARCH = {"type": "tool_search"}
CLIENT = {"type": "tool_search", "execution": "client", "description": "BM25."}
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "defer_loading": True}
CRM = {"type": "namespace", "name": "crm", "description": "Orders.", "tools": [WEATHER]}
ASKED = {"type": "tool_search_call", "call_id": "a", "execution": "client", "arguments": {"query": "w"}}
FOUND = {"type": "tool_search_output", "call_id": "a", "execution": "client", "tools": [CRM]}


def test_a_search_of_the_server_is_met_by_offering_everything_at_once() -> None:
    adapted = asked(SEARCH, WEATHER, CRM)
    assert [tool["name"] for tool in adapted.turn.tools] == ["weather", "crm__weather"]
    assert not any("defer_loading" in tool for tool in adapted.turn.tools)
    assert noted(adapted)[0] == ("tools[0]", "emulated")


def test_what_a_server_found_before_is_offered_and_its_items_are_left_out() -> None:
    searched = {
        "type": "tool_search_call",
        "call_id": None,
        "execution": "server",
        "arguments": {"paths": []},
    }
    found = {"type": "tool_search_output", "call_id": None, "execution": "server", "tools": [WEATHER]}
    called = {
        "type": "function_call",
        "call_id": "b",
        "name": "weather",
        "namespace": "weather",
        "arguments": "{}",
    }
    adapted = asked(SEARCH, WEATHER, items=[searched, found, called])
    assert [item["name"] for item in adapted.turn.items] == ["weather"]
    assert [tool["name"] for tool in adapted.turn.tools] == ["weather"]
    assert adapted.place("input[0].arguments") == "input[2].arguments"


def test_the_client_searches_and_deferred_tools_wait_until_they_are_found() -> None:
    adapted = asked(CLIENT, WEATHER)
    (tool,) = adapted.turn.tools
    assert (tool["name"], tool["description"]) == ("tool_search", "BM25.")
    answer = answered(adapted, *call("tool_search", {"query": "w", "limit": 3}))
    assert answer.item == {
        "type": "tool_search_call",
        "status": "completed",
        "call_id": "call_0",
        "execution": "client",
        "arguments": {"query": "w", "limit": 3},
    }
    assert answer.types == ["output_item.added", "output_item.done"]


def test_tools_that_were_found_are_offered_and_told() -> None:
    adapted = asked(CLIENT, WEATHER, items=[ASKED, FOUND])
    assert [tool["name"] for tool in adapted.turn.tools] == ["tool_search", "crm__weather"]
    asked_for, given_back = adapted.turn.items
    assert (asked_for["type"], asked_for["arguments"]) == ("function_call", '{"query":"w"}')
    assert json.loads(given_back["output"]) == {"found": ["crm__weather"]}
    item = answered(adapted, *call("crm__weather", {})).item
    assert (item["type"], item["namespace"], item["name"]) == ("function_call", "crm", "weather")
    assert adapted.place("tools[1].name") == "input[1].tools[0].tools[0].name"


def test_tools_that_are_found_twice_are_offered_once() -> None:
    again = [{**ASKED, "call_id": "b"}, {**FOUND, "call_id": "b"}]
    adapted = asked(CLIENT, items=[ASKED, FOUND, *again])
    assert len(adapted.turn.tools) == 2
    assert "dropped" not in dict(noted(adapted)).values()


def test_a_search_that_is_cut_is_incomplete() -> None:
    answer = answered(asked(CLIENT), *call("tool_search", '{"query": "w'), stop="length")
    assert (answer.item["arguments"], answer.item["status"]) == ({}, "incomplete")
