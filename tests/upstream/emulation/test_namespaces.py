"""Namespaces on a model that has none."""

from __future__ import annotations

from typing import Any

from antiphon.core import deltas as d
from tests.upstream.emulation.conversing import answered, asked, call, noted

LIST = {"type": "function", "name": "list", "description": "Lists.", "parameters": {"type": "object"}}
NOTE = {"type": "custom", "name": "note"}
CRM: dict[str, Any] = {"type": "namespace", "name": "crm", "description": "Orders.", "tools": [LIST, NOTE]}


def test_its_tools_are_offered_under_both_names_and_its_description_with_the_first() -> None:
    adapted = asked(CRM)
    first, second = adapted.turn.tools
    assert (first["name"], second["name"]) == ("crm__list", "crm__note")
    assert first["description"] == "(All tools whose names begin with crm__: Orders.)\n\nLists."
    assert "Orders" not in second["description"]
    assert noted(adapted) == [("tools[0]", "translated"), ("tools[0].tools[1]", "emulated")]
    assert CRM["tools"] == [LIST, NOTE]


def test_calls_carry_the_namespace_and_the_name() -> None:
    answer = answered(asked(CRM), *call("crm__list", {"a": 1}), *call("crm__note", {"input": "x"}, "1"))
    told = [(item["type"], item["namespace"], item["name"]) for item in answer.items]
    assert told == [("function_call", "crm", "list"), ("custom_tool_call", "crm", "note")]
    assert answer.items[0]["arguments"] == '{"a": 1}'


def test_the_past_is_told_under_both_names() -> None:
    past = [
        {"type": "function_call", "call_id": "a", "namespace": "crm", "name": "list", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "namespace": "crm", "name": "note", "input": "x"},
        {"type": "function_call", "call_id": "c", "namespace": "gone", "name": "tool", "arguments": "{}"},
        {"type": "function_call", "call_id": "d", "name": "plain", "arguments": "{}"},
    ]
    items = asked(CRM, items=past).turn.items
    assert [item["name"] for item in items] == ["crm__list", "crm__note", "gone__tool", "plain"]
    assert not any("namespace" in item for item in items)


def test_a_function_of_the_joined_name_stays_another() -> None:
    own = {"type": "function", "name": "crm__list", "parameters": {"type": "object"}}
    adapted = asked(CRM, own)
    joined, _, other = (tool["name"] for tool in adapted.turn.tools)
    assert joined == "crm__list" != other
    answer = answered(adapted, *call(joined, {}), *call(other, {}, "1"))
    assert [(item.get("namespace"), item["name"]) for item in answer.items] == [
        ("crm", "list"),
        (None, "crm__list"),
    ]


def test_a_call_of_a_tool_that_nobody_offered_is_told_as_it_came() -> None:
    answer = answered(asked(CRM), d.Call("0", "c", "made_up"), d.Arguments("0", "{}"))
    assert (answer.item["type"], answer.item["name"]) == ("function_call", "made_up")


def test_its_tools_can_be_demanded_one_by_one_or_allowed_all() -> None:
    one = asked(CRM, tool_choice={"type": "function", "name": "list", "namespace": "crm"})
    assert one.turn.tool_choice == {"type": "function", "name": "crm__list"}
    bare = asked(CRM, tool_choice={"type": "custom", "name": "note"})
    assert bare.turn.tool_choice == {"type": "function", "name": "crm__note"}
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "namespace", "name": "crm"}]}
    told = asked(CRM, LIST, tool_choice=choice).turn.tool_choice
    assert isinstance(told, dict)
    assert [tool["name"] for tool in told["tools"]] == ["crm__list", "crm__note"]
