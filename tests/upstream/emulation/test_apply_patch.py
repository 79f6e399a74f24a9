"""apply_patch on a model that knows only functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.core import deltas as d
from tests.upstream.emulation.conversing import answered, asked, call, function_of, noted

TOOL = {"type": "apply_patch"}
CREATE = {"type": "create_file", "path": "a/b.md", "diff": '+# "Ä"\n+\n+😀\n'}
UPDATE = {"type": "update_file", "path": "a.py", "diff": "@@ def f():\n-    pass\n+    return 1\n"}
DELETE = {"type": "delete_file", "path": "a.py"}


def test_it_is_offered_as_a_function_with_the_fields_of_an_operation() -> None:
    adapted = asked(TOOL)
    tool = function_of(adapted)
    assert tool["name"] == "apply_patch"
    assert tool["parameters"]["properties"].keys() == CREATE.keys()
    assert "V4A" in tool["description"]
    assert noted(adapted) == [("tools[0]", "emulated")]


@pytest.mark.parametrize("operation", [CREATE, UPDATE])
def test_a_diff_is_streamed_with_its_own_events(operation: dict[str, str]) -> None:
    answer = answered(asked(TOOL), *call("apply_patch", operation))
    assert answer.item == {
        "type": "apply_patch_call",
        "status": "completed",
        "call_id": "call_0",
        "operation": operation,
    }
    (added,) = answer.said("output_item.added", "item")
    assert added["operation"] == {**operation, "diff": ""}
    assert len(answer.said("apply_patch_call_operation_diff.delta")) > 5
    assert answer.said("apply_patch_call_operation_diff.done", "diff") == [operation["diff"]]
    assert answer.types == [
        "output_item.added",
        "apply_patch_call_operation_diff.delta",
        "apply_patch_call_operation_diff.done",
        "output_item.done",
    ]


def test_a_file_is_deleted_without_a_diff() -> None:
    answer = answered(asked(TOOL), *call("apply_patch", {**DELETE, "diff": ""}))
    assert answer.item["operation"] == DELETE
    assert answer.types == ["output_item.added", "output_item.done"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"diff": UPDATE["diff"], "path": "a.py", "type": "update_file"},
        {"operation": UPDATE},
        json.dumps(UPDATE).replace("\\n", "\n"),
    ],
)
def test_an_odd_order_a_nested_operation_and_bare_line_breaks_are_understood(arguments: Any) -> None:
    answer = answered(asked(TOOL), *call("apply_patch", arguments))
    assert (answer.item["operation"], answer.item["status"]) == (UPDATE, "completed")


def test_a_diff_that_is_cut_leaves_a_patch_that_is_not_completed() -> None:
    for stop in ("length", "tool_calls", None):
        answer = answered(asked(TOOL), *call("apply_patch", json.dumps(CREATE)[:-8]), stop=stop)
        assert answer.item["status"] == "in_progress"  # its schema has no other word
        assert answer.response["status"] == ("failed" if stop is None else "incomplete")


@pytest.mark.parametrize(
    "arguments",
    ['{"type": "delete_file", "path": "a', "", "{}", "*** Begin Patch", {"type": "update_file", "path": "a"}],
)
def test_a_patch_that_is_none_is_not_told_and_the_answer_is_incomplete(arguments: Any) -> None:
    answer = answered(asked(TOOL), *call("apply_patch", arguments))
    assert answer.items == []
    assert answer.response["status"] == "incomplete"


def test_two_patches_are_two_items() -> None:
    calls = [*call("apply_patch", CREATE), d.End("0"), *call("apply_patch", DELETE, "1")]
    answer = answered(asked(TOOL), *calls)
    assert [item["operation"] for item in answer.items] == [CREATE, DELETE]
    assert {item["status"] for item in answer.items} == {"completed"}


def test_the_past_is_told_in_functions() -> None:
    past = [
        {"type": "apply_patch_call", "id": "1", "call_id": "a", "status": "completed", "operation": UPDATE},
        {"type": "apply_patch_call_output", "call_id": "a", "status": "failed", "output": "no such line"},
    ]
    asked_for, given_back = asked(TOOL, items=past).turn.items
    assert (asked_for["type"], asked_for["name"]) == ("function_call", "apply_patch")
    assert (asked_for["call_id"], json.loads(asked_for["arguments"])) == ("a", UPDATE)
    assert (given_back["type"], given_back["call_id"]) == ("function_call_output", "a")
    assert json.loads(given_back["output"]) == {"status": "failed", "output": "no such line"}


def test_it_can_be_demanded() -> None:
    adapted = asked(TOOL, tool_choice={"type": "apply_patch"})
    assert adapted.turn.tool_choice == {"type": "function", "name": "apply_patch"}


def test_a_custom_tool_and_a_function_of_that_name_are_others() -> None:
    custom = {"type": "custom", "name": "apply_patch"}
    function = {"type": "function", "name": "apply_patch", "parameters": {"type": "object"}}
    adapted = asked(custom, TOOL, function)
    names = [tool["name"] for tool in adapted.turn.tools]
    assert len(set(names)) == 3
    calls = [*call(names[0], {"input": "x"}), *call(names[1], DELETE, "1"), *call(names[2], {}, "2")]
    kinds = [(item["type"], item.get("name")) for item in answered(adapted, *calls).items]
    assert kinds == [
        ("custom_tool_call", "apply_patch"),
        ("apply_patch_call", None),
        ("function_call", "apply_patch"),
    ]
