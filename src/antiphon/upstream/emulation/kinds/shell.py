"""`shell` and `local_shell`: commands that the client runs, told as functions with the action's fields.

A shell's commands are given out as they come; a local shell's item has no events of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from antiphon.core.deltas import Arguments, Call, CallKind, Delta
from antiphon.core.json_strings import Piece
from antiphon.protocol.json import JSON
from antiphon.upstream.emulation.kinds.base import EmulatedCall, described, given, whole_number

_TIMEOUT: JSON = {"type": "integer", "description": "How long it may take, in milliseconds."}


class Shell:
    """The kind `shell`, where it is the client's. One with a container is a hosted tool."""

    kind: CallKind = "shell"
    call_type = "shell_call"
    output_type = "shell_call_output"

    def offer(self, tool: JSON) -> JSON:
        environment = tool.get("environment") or {}
        skills = [
            "- " + ", ".join(str(skill[name]) for name in ("name", "description", "path") if skill.get(name))
            for skill in environment.get("skills") or ()
        ]
        return {
            "description": described(
                "Runs commands in a shell, one after the other, and gives back what they wrote.",
                "\n".join(["There are skills, each in the folder that stands last:", *skills])
                if skills
                else "",
            ),
            "parameters": {
                "type": "object",
                "properties": {
                    "commands": {"type": "array", "items": {"type": "string"}},
                    "timeout_ms": _TIMEOUT,
                    "max_output_length": {
                        "type": "integer",
                        "description": "How many characters of each command's output are needed.",
                    },
                },
                "required": ["commands"],
                "additionalProperties": False,
            },
        }

    def arguments(self, call: JSON) -> Any:
        return given(call.get("action") or {})

    def output(self, item: JSON) -> Any:
        return {"output": item.get("output") or []}

    def call(self, call: Call, tool: JSON) -> EmulatedCall:
        environment = {"type": "local"} if tool.get("environment") else None
        fields = {"action": _action([], {}), "environment": environment}
        return ShellCall(Call(call.part, call.call_id, call.name, call.kind, fields=fields))


class ShellCall(EmulatedCall):
    """A call whose commands are said as they come."""

    __slots__ = ()

    def hear(self, piece: Piece) -> Iterable[Delta]:
        match piece.path:
            case ("commands", int(index)):
                return (Arguments(self.part, piece.text, index),)
        return ()

    def settle(self, value: JSON) -> Iterable[Delta] | None:
        commands = _texts(value.get("commands"))
        if not commands:
            return None
        return (self.finished(action=_action(commands, value)),)


def _action(commands: list[str], value: JSON) -> JSON:
    limits = {name: whole_number(value.get(name)) for name in ("timeout_ms", "max_output_length")}
    return {"commands": commands, **limits}


class LocalShell:
    """The kind `local_shell`."""

    kind: CallKind = "local_shell"
    call_type = "local_shell_call"
    output_type = "local_shell_call_output"

    def offer(self, tool: JSON) -> JSON:
        return {
            "description": "Runs one program on the user's machine and gives back what it wrote.",
            "parameters": {
                "type": "object",
                "properties": {
                    "command": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": 'The program and its arguments, as in ["bash", "-lc", "ls | head"].',
                    },
                    "working_directory": {"type": "string"},
                    "env": {"type": "object", "additionalProperties": {"type": "string"}},
                    "timeout_ms": _TIMEOUT,
                    "user": {"type": "string", "description": "Whom to run it as."},
                },
                "required": ["command"],
                "additionalProperties": False,
            },
        }

    def arguments(self, call: JSON) -> Any:
        return given(call.get("action") or {}, "type")

    def output(self, item: JSON) -> Any:
        return item.get("output")

    def call(self, call: Call, tool: JSON) -> EmulatedCall:
        fields = {"action": {"type": "exec", "command": [], "env": {}}}
        return LocalShellCall(Call(call.part, call.call_id, call.name, call.kind, fields=fields))


class LocalShellCall(EmulatedCall):
    """A call that is told when it is whole."""

    __slots__ = ()

    def settle(self, value: JSON) -> Iterable[Delta] | None:
        command, env = _texts(value.get("command")), value.get("env")
        if not command:
            return None
        variables = env.items() if isinstance(env, dict) else ()
        action: JSON = {
            "type": "exec",
            "command": command,
            "env": {name: text for name, text in variables if isinstance(text, str)},
        }
        action |= {
            name: value[name] for name in ("working_directory", "user") if isinstance(value.get(name), str)
        }
        if (timeout := whole_number(value.get("timeout_ms"))) is not None:
            action["timeout_ms"] = timeout
        return (self.finished(action=action),)


def _texts(value: Any) -> list[str] | None:
    return value if isinstance(value, list) and all(isinstance(text, str) for text in value) else None
