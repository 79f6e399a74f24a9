"""Calls and outputs that belong together, and those that do not."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.history import check_calls, with_call_ids
from antiphon.core.records import Target
from antiphon.engine.plan import plan
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.protocol.request import Limits, create_response
from antiphon.upstream.dialects.responses import Responses

LOCAL: JSON = {
    "type": "local_shell_call",
    "id": "lsh_1",
    "call_id": "call_1",
    "action": {"type": "exec", "command": ["ls"], "env": {}},
}
ANSWERS: dict[str, tuple[str, ...]] = {
    "function_call": ("function_call_output",),
    "custom_tool_call": ("custom_tool_call_output",),
    "computer_call": ("computer_call_output",),
    "shell_call": ("shell_call_output",),
    "apply_patch_call": ("apply_patch_call_output",),
    "local_shell_call": ("local_shell_call_output", "function_call_output"),
    "tool_search_call": ("tool_search_output",),
}
PAIRS = [(call, output) for call, outputs in ANSWERS.items() for output in outputs]


def item(kind: str, call_id: str | None = "call_1", **fields: Any) -> JSON:
    return {"type": kind, "call_id": call_id, **fields}


@pytest.mark.parametrize(("call", "output"), PAIRS)
def test_a_call_and_its_output_belong_together(call: str, output: str) -> None:
    check_calls([item(call), item(output)])
    check_calls([item(call), item(call, "call_2"), item(output, "call_2"), item(output)])


@pytest.mark.parametrize("call", ANSWERS)
def test_a_call_without_an_output_is_refused(call: str) -> None:
    with pytest.raises(InvalidRequest, match=r"No tool output found for .* call_2\."):
        check_calls([item(call), item(ANSWERS[call][0]), item(call, "call_2")])


@pytest.mark.parametrize(("call", "output"), PAIRS)
def test_an_output_without_a_call_is_refused(call: str, output: str) -> None:
    with pytest.raises(InvalidRequest, match=r"No tool call found for .* output with call_id call_2\."):
        check_calls([item(call), item(output), item(output, "call_2")])


@pytest.mark.parametrize(("call", "output"), PAIRS)
def test_an_output_before_its_call_is_refused(call: str, output: str) -> None:
    with pytest.raises(InvalidRequest, match="No tool call found"):
        check_calls([item(output), item(call)])


def test_an_output_of_another_kind_answers_nothing() -> None:
    with pytest.raises(InvalidRequest, match="No tool call found for shell_call output"):
        check_calls([item("local_shell_call"), item("shell_call_output")])


@pytest.mark.parametrize("call_id", [None, "call_1"])
def test_a_search_that_the_provider_ran_needs_no_answer(call_id: str | None) -> None:
    check_calls([item("tool_search_call", call_id, execution="server")])
    check_calls([item("tool_search_output", call_id, execution="server", tools=[])])


# Local shells, whose outputs may name the call in three ways


@pytest.mark.parametrize("named", [{"call_id": "call_1"}, {"id": "call_1"}, {"id": "lsh_1"}])
def test_an_output_of_a_local_shell_is_joined_to_its_call(named: JSON) -> None:
    call, output = with_call_ids([LOCAL, {"type": "local_shell_call_output", "output": "a", **named}])
    assert call is LOCAL
    assert output["call_id"] == "call_1"
    check_calls([call, output])


def test_an_output_of_a_local_shell_that_names_nobody_is_refused() -> None:
    items = with_call_ids([LOCAL, {"type": "local_shell_call_output", "id": "lsh_2", "output": "a"}])
    with pytest.raises(
        InvalidRequest, match="No tool call found for local_shell_call output with call_id lsh_2"
    ):
        check_calls(items)


def test_what_is_stored_still_belongs_together() -> None:
    """Stored items have ids of the gateway's: an output that names its call by the old one would be lost."""
    asked = [LOCAL, {"type": "local_shell_call_output", "id": "lsh_1", "output": "a"}]
    planned = plan(
        create_response({"model": "openai/codex-mini", "input": asked}, Limits()),
        target=Target("openai", "codex-mini"),
        history=(),
        own_input=asked,
        new_id=lambda kind: f"{kind}_new",
        created_at=0,
    )
    call, output = planned.own_input
    assert (call["id"], output["id"]) == ("local_shell_call_new", "local_shell_call_output_new")
    check_calls(with_call_ids(planned.own_input))
    body = Responses().encode(planned.turn).body
    assert body["input"][1] == {
        "type": "local_shell_call_output",
        "id": "call_1",
        "call_id": "call_1",
        "output": "a",
    }
