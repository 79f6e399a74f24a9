"""A computer, as models with a tool of their own use it: the rules of two providers, and their words.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/computer-use-tool,
https://ai.google.dev/gemini-api/docs/generate-content/computer-use
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.matrix.conversation import Call
from tests.matrix.fakes.base import Body, require

_TOOLSET = "computer_toolset_20260801"
_BETAS = {
    "computer_20250124": "computer-use-2025-01-24",
    "computer_20251124": "computer-use-2025-11-24",
}
_AT = {"x": 640, "y": 90}

LOOK = [{"type": "screenshot"}]
CLICK = [{"type": "click", "button": "left", **_AT, "keys": ["CTRL"]}]
SEARCH = [{"type": "click", "button": "left", **_AT}, {"type": "type", "text": "a red kite"}]
SCROLL = [{"type": "scroll", **_AT, "scroll_x": 0, "scroll_y": 200}, {"type": "wait"}]
PRESS = [{"type": "keypress", "keys": ["ENTER"]}]

_SAID: list[tuple[list[Body], list[tuple[str, Body]], list[tuple[str, Body]]]] = [
    (LOOK, [("screenshot", {})], [("take_screenshot", {"intent": "What is there?"})]),
    (CLICK, [("left_click", {"coordinate": [640, 90], "text": "ctrl"})], []),
    (
        SEARCH,
        [("left_click", {"coordinate": [640, 90]}), ("type", {"text": "a red kite"})],
        [("click", {"x": 500, "y": 100}), ("type", {"text": "a red kite", "intent": "Look for it."})],
    ),
    (
        SCROLL,
        [
            ("scroll", {"coordinate": [640, 90], "scroll_direction": "down", "scroll_amount": 2}),
            ("wait", {"duration": 7}),
        ],
        [
            ("scroll", {"x": 500, "y": 100, "direction": "down", "magnitude_in_pixels": 200}),
            ("wait", {"seconds": 7, "intent": "It loads."}),
        ],
    ),
    (PRESS, [("key", {"text": "Return"})], [("press_key", {"key": "Enter"})]),
]
"""Actions on a screen of 1280 by 900 pixels, and the calls with which Claude and Gemini ask for them."""


def of_claude(call: Call, body: Body) -> list[Body]:
    """The `tool_use` fields of its own calls; none if it was not offered the tool."""
    tool = _own(body)
    said = [claude for actions, claude, _ in _SAID if call.given == {"actions": actions}]
    if tool is None or not said:
        return []
    if tool["type"] == _TOOLSET:
        return [{"name": name, "toolset_name": "computer", "input": given} for name, given in said[0]]
    return [{"name": "computer", "input": {"action": name, **given}} for name, given in said[0]]


def of_gemini(call: Call, body: Body) -> list[tuple[str, Body]]:
    said = [gemini for actions, _, gemini in _SAID if call.given == {"actions": actions}]
    return said[0] if said and _environment(body) is not None else []


def check_claude(body: Body, betas: str) -> None:
    tool = _own(body)
    kind = tool["type"] if tool is not None else None
    require(kind not in _BETAS or _BETAS[str(kind)] in betas, f"tools: {kind} needs a beta header")
    if tool is not None and kind != _TOOLSET:
        require(min(tool["display_width_px"], tool["display_height_px"]) > 0, "tools: a display has a size")
    if kind == _TOOLSET:
        others = [each for each in body["tools"] if each.get("name") == "computer"]
        require(not others, "tools: another tool carries the toolset's name")
        require(body.get("tool_choice", {}).get("name") != "computer", "tool_choice: names a toolset")
    toolsets = {block["id"]: block.get("toolset_name") for block in _blocks(body, "tool_use")}
    require(kind == _TOOLSET or not any(toolsets.values()), "toolset_name: there is no such toolset")
    for block in _blocks(body, "tool_result"):
        named = block.get("toolset_name")
        require(named == toolsets[block["tool_use_id"]], f"toolset_name: {named} is not that of the call")
        kinds = {inner["type"] for inner in block.get("content", ())}
        require(not named or kinds <= {"text", "image"}, "a member's result is text and images")
        require(not block.get("is_error") or kinds <= {"text"}, "all content is text if `is_error`")


def check_gemini(body: Body) -> None:
    environment = _environment(body)
    own = {name for _, _, gemini in _SAID for name, _ in gemini}
    for content in body["contents"]:
        given = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
        mine = [each for each in given if each["name"] in own] if environment is not None else []
        require(not mine or any("parts" in each for each in mine), "a screenshot is among the responses")
        if environment == "ENVIRONMENT_BROWSER":
            require(all("url" in each["response"] for each in mine), "a response has the page's url")


def _own(body: Body) -> Body | None:
    own = (each for each in body.get("tools", ()) if str(each.get("type")).startswith("computer_"))
    return next(own, None)


def _environment(body: Body) -> Any:
    own = (each["computerUse"] for each in body.get("tools", ()) if "computerUse" in each)
    return next((each["environment"] for each in own), None)


def _blocks(body: Body, kind: str) -> Iterator[Body]:
    for message in body["messages"]:
        yield from (block for block in message["content"] if block["type"] == kind)


def said_natively(actions: list[Body], request: Body) -> list[str]:
    """What must be in a request to a model that made these calls itself, as JSON."""
    call = Call("computer", {"actions": actions})
    if "contents" in request:
        return [json.dumps({"name": name, "args": given}) for name, given in of_gemini(call, request)]
    return [json.dumps(use) for use in of_claude(call, request)]
