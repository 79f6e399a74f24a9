"""shell and local_shell on a model that knows only functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.upstream.emulation.conversing import answered, asked, call, function_of, noted

SHELL = {"type": "shell", "environment": {"type": "local"}}
LOCAL = {"type": "local_shell"}
COMMANDS = ["ls -l", "", 'echo "ä\n"']


def test_a_shell_is_offered_with_its_skills() -> None:
    skill = {"name": "pdf", "description": "reads PDF", "path": "/skills/pdf"}
    tool = function_of(asked({"type": "shell", "environment": {"type": "local", "skills": [skill]}}))
    assert tool["name"] == "shell"
    assert tool["description"].endswith("\n- pdf, reads PDF, /skills/pdf")


def test_commands_are_streamed_with_their_own_events() -> None:
    answer = answered(asked(SHELL), *call("shell", {"commands": COMMANDS, "timeout_ms": 1000.0}))
    assert answer.item == {
        "type": "shell_call",
        "status": "completed",
        "call_id": "call_0",
        "action": {"commands": COMMANDS, "timeout_ms": 1000, "max_output_length": None},
        "environment": {"type": "local"},
    }
    assert answer.said("shell_call_command.added", "command_index") == [0, 1, 2]
    assert answer.said("shell_call_command.done", "command") == COMMANDS
    assert "".join(answer.said("shell_call_command.delta")) == "".join(COMMANDS)
    (added,) = answer.said("output_item.added", "item")
    assert added["action"] == {"commands": [], "timeout_ms": None, "max_output_length": None}


@pytest.mark.parametrize("stop", ["length", "tool_calls", None])
def test_a_shell_call_that_is_cut_is_incomplete(stop: Any) -> None:
    answer = answered(asked(SHELL), *call("shell", '{"commands": ["rm -rf /tmp/x", "rm -rf /'), stop=stop)
    assert answer.item["status"] == "incomplete"
    assert answer.response["status"] == ("failed" if stop is None else "incomplete")


@pytest.mark.parametrize("arguments", [{}, {"commands": []}, {"commands": [1]}, {"commands": "ls"}, []])
def test_a_shell_call_without_commands_is_incomplete(arguments: object) -> None:
    answer = answered(asked(SHELL), *call("shell", arguments))
    assert (answer.item["status"], answer.response["status"]) == ("incomplete", "incomplete")


def test_a_local_shell_call_is_told_when_it_is_whole() -> None:
    arguments = {
        "command": ["bash", "-lc", "ls"],
        "working_directory": "/root",
        "timeout_ms": 5,
        "env": {"A": "b"},
    }
    answer = answered(asked(LOCAL), *call("local_shell", arguments))
    assert answer.item["action"] == {"type": "exec", **arguments}
    assert (answer.item["type"], answer.item["status"]) == ("local_shell_call", "completed")
    assert answer.types == ["output_item.added", "output_item.done"]


def test_a_local_shell_call_that_is_cut_has_no_command() -> None:
    answer = answered(asked(LOCAL), *call("local_shell", '{"command": ["ls"'), stop="length")
    assert (answer.item["action"]["command"], answer.item["status"]) == ([], "incomplete")


def test_the_past_of_a_shell_is_told_in_functions() -> None:
    output = [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]
    past = [
        {"type": "shell_call", "call_id": "a", "action": {"commands": ["ls"], "timeout_ms": None}},
        {"type": "shell_call_output", "call_id": "a", "output": output},
    ]
    asked_for, given_back = asked(SHELL, items=past).turn.items
    assert (asked_for["name"], asked_for["arguments"]) == ("shell", '{"commands":["ls"]}')
    assert json.loads(given_back["output"]) == {"output": output}


@pytest.mark.parametrize("named", [{"call_id": "a"}, {"id": "lsh_1"}, {"id": "a"}])
def test_the_output_of_a_local_shell_finds_its_call(named: dict[str, str]) -> None:
    action = {"type": "exec", "command": ["ls"], "env": {}}
    past = [
        {"type": "local_shell_call", "id": "lsh_1", "call_id": "a", "action": action, "status": "completed"},
        {"type": "local_shell_call_output", "output": "{}", **named},
    ]
    asked_for, given_back = asked(LOCAL, items=past).turn.items
    assert json.loads(asked_for["arguments"]) == {"command": ["ls"], "env": {}}
    assert (given_back["call_id"], given_back["output"]) == ("a", "{}")


@pytest.mark.parametrize("kind", ["shell", "local_shell"])
def test_a_shell_can_be_demanded(kind: str) -> None:
    adapted = asked({"type": kind}, tool_choice={"type": kind})
    assert adapted.turn.tool_choice == {"type": "function", "name": kind}


def test_a_shell_in_a_container_of_the_provider_is_hosted() -> None:
    adapted = asked({"type": "shell", "environment": {"type": "container_auto"}})
    assert adapted.turn.tools == []
    assert noted(adapted) == [("tools[0]", "dropped")]
