"""The computer on a model that knows only functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.upstream.emulation.conversing import answered, asked, call, function_of

TOOL = {"type": "computer"}
PREVIEW = {
    "type": "computer_use_preview",
    "environment": "browser",
    "display_width": 1024,
    "display_height": 768,
}
ACTIONS = [
    {"type": "click", "button": "left", "x": 1, "y": 2, "keys": ["SHIFT"]},
    {"type": "double_click", "x": 1, "y": 2},
    {"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]},
    {"type": "keypress", "keys": ["CTRL", "C"]},
    {"type": "move", "x": 1.0, "y": 2},
    {"type": "screenshot"},
    {"type": "scroll", "x": 1, "y": 2, "scroll_x": 0, "scroll_y": -100},
    {"type": "type", "text": "ä"},
    {"type": "wait"},
]


def test_several_actions_are_one_call() -> None:
    answer = answered(asked(TOOL), *call("computer", {"actions": ACTIONS}))
    told = [
        {name: field for name, field in each.items() if field is not None} for each in answer.item["actions"]
    ]
    assert told == ACTIONS
    assert (answer.item["type"], answer.item["status"]) == ("computer_call", "completed")
    assert answer.item["pending_safety_checks"] == []
    assert answer.types == ["output_item.added", "output_item.done"]


@pytest.mark.parametrize("action", [action for action in ACTIONS if action["type"] != "double_click"])
def test_the_preview_takes_one_action(action: dict[str, Any]) -> None:
    answer = answered(asked(PREVIEW), *call("computer", {"action": action}))
    assert (answer.item["action"], answer.item["status"]) == (action, "completed")


def test_the_preview_is_told_how_large_the_screen_is() -> None:
    assert "1024 × 768 pixels" in function_of(asked(PREVIEW))["description"]


@pytest.mark.parametrize(
    "actions",
    [
        [],
        [{"type": "fly"}],
        [{"type": "click", "x": 1, "y": 2}],
        [{"type": "move", "x": "1", "y": 2}],
        [1],
        None,
    ],
)
def test_actions_that_cannot_be_done_are_not_done(actions: Any) -> None:
    answer = answered(asked(TOOL), *call("computer", {"actions": actions}))
    assert (answer.item["status"], answer.item["actions"]) == ("incomplete", [])


def test_a_screenshot_comes_back_as_an_image() -> None:
    shot = {"type": "computer_screenshot", "image_url": "data:image/png;base64,AA=="}
    past = [
        {"type": "computer_call", "call_id": "a", "action": {"type": "screenshot"}, "status": "completed"},
        {"type": "computer_call_output", "call_id": "a", "output": shot},
    ]
    asked_for, given_back = asked(TOOL, items=past).turn.items
    assert json.loads(asked_for["arguments"]) == {"action": {"type": "screenshot"}}
    assert given_back["output"] == [{"type": "input_image", "image_url": shot["image_url"], "detail": "auto"}]


@pytest.mark.parametrize("tool", [TOOL, {"type": "computer_use"}, PREVIEW])
@pytest.mark.parametrize("kind", ["computer", "computer_use", "computer_use_preview"])
def test_it_can_be_demanded_under_all_its_names(tool: dict[str, Any], kind: str) -> None:
    adapted = asked(tool, tool_choice={"type": kind})
    assert adapted.turn.tool_choice == {"type": "function", "name": "computer"}
