"""`computer`: the client's screen, mouse and keyboard, told as a function with actions.

The older `computer_use_preview` takes one action a call, `computer` several. What comes back is a
screenshot, which the model sees as an image.

Format: https://developers.openai.com/api/docs/guides/tools-computer-use
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from antiphon.core.deltas import Call, CallKind, Delta
from antiphon.protocol.json import JSON
from antiphon.upstream.emulation.kinds.base import EmulatedCall, described, given, whole_number

PREVIEW = "computer_use_preview"

_NEEDED: dict[str, tuple[str, ...]] = {
    "click": ("button", "x", "y"),
    "double_click": ("x", "y"),
    "drag": ("path",),
    "keypress": ("keys",),
    "move": ("x", "y"),
    "screenshot": (),
    "scroll": ("x", "y", "scroll_x", "scroll_y"),
    "type": ("text",),
    "wait": (),
}
"""The kinds of actions, and the fields that each must have."""

_NUMBERS = ("x", "y", "scroll_x", "scroll_y")
_OTHERS: dict[str, type] = {"button": str, "keys": list, "path": list, "text": str}
_NUMBER: JSON = {"type": "integer"}
_POINT: JSON = {"type": "object", "properties": {"x": _NUMBER, "y": _NUMBER}, "required": ["x", "y"]}
_ACTION: JSON = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": list(_NEEDED)},
        **dict.fromkeys(_NUMBERS, _NUMBER),
        "button": {"type": "string", "enum": ["left", "right", "wheel", "back", "forward"]},
        "keys": {"type": "array", "items": {"type": "string"}},
        "path": {"type": "array", "items": _POINT},
        "text": {"type": "string"},
    },
    "required": ["type"],
    "additionalProperties": False,
}
_FIELDS = "; ".join(f"{kind} {', '.join(needed)}" if needed else kind for kind, needed in _NEEDED.items())
_DESCRIPTION = f"""\
Uses the computer's mouse and keyboard, then gives back a screenshot.

Actions and the fields that each must have: {_FIELDS}. Coordinates are pixels, from the upper left corner.
`keys` may be held while clicking, moving and scrolling. An action that changes nothing is "screenshot"."""


class Computer:
    """The kind `computer`, under all its names."""

    kind: CallKind = "computer"
    call_type = "computer_call"
    output_type = "computer_call_output"

    def offer(self, tool: JSON) -> JSON:
        field, schema = "actions", {"type": "array", "items": _ACTION}
        screen = ""
        if tool.get("type") == PREVIEW:
            field, schema = "action", _ACTION
            size = f"{tool.get('display_width')} × {tool.get('display_height')} pixels"
            screen = f"The screen has {size}; the environment is {tool.get('environment')}."
        return {
            "description": described(_DESCRIPTION, screen),
            "parameters": {
                "type": "object",
                "properties": {field: schema},
                "required": [field],
                "additionalProperties": False,
            },
        }

    def arguments(self, call: JSON) -> Any:
        return {name: call[name] for name in ("action", "actions") if call.get(name) is not None}

    def output(self, item: JSON) -> Any:
        shot = item.get("output")
        if not isinstance(shot, dict):
            return given({"output": shot})
        return [{"detail": "auto", **given(shot), "type": "input_image"}]

    def call(self, call: Call, tool: JSON) -> EmulatedCall:
        fields: JSON = {"pending_safety_checks": []}
        if tool.get("type") != PREVIEW:
            fields["actions"] = []
        return ComputerCall(Call(call.part, call.call_id, call.name, call.kind, fields=fields))


class ComputerCall(EmulatedCall):
    """A call that is told when it is whole."""

    __slots__ = ()

    def settle(self, value: JSON) -> Iterable[Delta] | None:
        given_actions = value.get("actions")
        raw = given_actions if isinstance(given_actions, list) else [value.get("action")]
        actions = [action for each in raw if (action := _action(each)) is not None]
        if not raw or len(actions) < len(raw):
            return None
        if "actions" in self.begun.fields:
            return (self.finished(actions=actions),)
        return (self.finished(action=actions[0]),) if len(actions) == 1 else None


def _action(value: Any) -> JSON | None:
    """An action as the client can run it, or None if it is none."""
    if not isinstance(value, dict) or value.get("type") not in _NEEDED:
        return None
    action = given({**value, **{name: whole_number(value.get(name)) for name in _NUMBERS}})
    if any(not isinstance(action[name], kind) for name, kind in _OTHERS.items() if name in action):
        return None
    if any(name not in action for name in _NEEDED[action["type"]]):
        return None
    return {"keys": None, **action} if action["type"] == "double_click" else action  # as its schema demands
