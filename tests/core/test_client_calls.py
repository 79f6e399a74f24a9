"""Calls that are items of their own shape, and what says that a call is whole."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.assembler import Assembler
from antiphon.core.fold import fold
from antiphon.protocol.events import Event
from tests.play import counting_ids, play, snapshot

DIFF = "@@\n-a\n+b\n"
PATCH = d.Call(
    "0",
    "c",
    "apply_patch",
    "apply_patch",
    fields={"operation": {"type": "update_file", "path": "a", "diff": ""}},
)
SHELL = d.Call("0", "c", "shell", "shell", fields={"action": {"commands": []}, "environment": None})


def named(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["type"] == f"response.{kind}"]


def output(*deltas: d.Delta) -> tuple[list[Event], dict[str, Any]]:
    events, assembler = play(deltas)
    assert fold(events) == assembler.response
    (item,) = assembler.response["output"]
    return events, item


def test_a_diff_is_streamed_into_its_operation() -> None:
    events, item = output(PATCH, d.Arguments("0", DIFF[:4]), d.Arguments("0", DIFF[4:]), d.End("0", {}))
    assert item["operation"] == {"type": "update_file", "path": "a", "diff": DIFF}
    (done,) = named(events, "apply_patch_call_operation_diff.done")
    assert done["diff"] == DIFF
    assert named(events, "output_item.added")[0]["item"]["operation"]["diff"] == ""


def test_commands_are_streamed_one_after_another() -> None:
    said = [d.Arguments("0", "l", 0), d.Arguments("0", "s", 0), d.Arguments("0", "pwd", 1)]
    events, item = output(SHELL, *said, d.Arguments("0", "late", 0), d.End("0", {}))
    assert item["action"]["commands"] == ["ls", "pwd"]
    assert [event["command"] for event in named(events, "shell_call_command.done")] == ["ls", "pwd"]
    assert [event["command_index"] for event in named(events, "shell_call_command.delta")] == [0, 0, 1]


@pytest.mark.parametrize("call", [PATCH, SHELL, d.Call("0", "c", "sql", "custom")])
def test_a_call_that_is_said_to_be_whole_is_completed_whatever_cuts_the_turn(call: d.Call) -> None:
    _, item = output(call, d.Arguments("0", "x"), d.End("0", {}), d.Stop("length"))
    assert item["status"] == "completed"
    _, item = output(call, d.Arguments("0", "x"), d.End("0"), d.Stop("length"))
    assert item["status"] == ("in_progress" if call is PATCH else "incomplete")


def test_the_end_completes_the_item() -> None:
    call = d.Call("0", "", "tool_search", "tool_search", fields={"execution": "client", "arguments": {}})
    events, item = output(call, d.End("0", {"arguments": {"query": "x"}}))
    assert item == {
        "id": "tool_search_call_1",
        "type": "tool_search_call",
        "status": "completed",
        "call_id": "call_1",
        "execution": "client",
        "arguments": {"query": "x"},
    }
    assert named(events, "output_item.added")[0]["item"]["arguments"] == {}


def test_a_patch_that_comes_whole_is_said_with_the_events_of_one_that_was_streamed() -> None:
    operation = {"type": "create_file", "path": "a", "diff": DIFF}
    item = {
        "type": "apply_patch_call",
        "id": "x",
        "call_id": "c",
        "status": "completed",
        "operation": operation,
    }
    whole = d.Relayed(
        {"type": "response.completed", "response": {"output": [item], "incomplete_details": None}}
    )
    events, told = output(whole)
    assert told == {**item, "id": told["id"]}
    assert [event["delta"] for event in named(events, "apply_patch_call_operation_diff.delta")] == [DIFF]
    assert operation["diff"] == DIFF


def test_a_line_that_went_dead_leaves_no_call_completed() -> None:
    assembler = Assembler(snapshot(), new_id=counting_ids(), reveal_sealed=False)
    events = assembler.begin()
    for delta in (SHELL, d.Arguments("0", "rm -rf /")):
        events += assembler.apply(delta)
    events += assembler.fail("upstream_disconnected", "gone", error_code="server_error")
    assert fold(events)["output"][0]["status"] == "incomplete"
