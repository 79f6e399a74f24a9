"""Tools and tool_choice, as Cohere says them.

Functions are all there is: no other tools come here (`upstream/emulation`), nor do choices of them.
`strict_tools` holds for all tools or for none. What `tool_choice` may be:

    "auto"                       nothing: the model is free
    "none" | "required"          NONE | REQUIRED
    {type: function, name}       only this one is offered, REQUIRED
    {type: allowed_tools, …}     only these are offered, with the mode as the choice
"""

from __future__ import annotations

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON

_MODES = {"none": "NONE", "required": "REQUIRED"}


def tools_from(turn: Turn, adapted: Adaptations) -> JSON:
    """The fields of the body that are about tools. Raises InvalidRequest naming tool_choice."""
    offered, choice = _choose(turn.tool_choice, dict(enumerate(turn.tools)), adapted)
    if not offered:
        return {}
    body: JSON = {"tools": [_function(tool) for tool in offered.values()]}
    if choice in _MODES:
        body["tool_choice"] = _MODES[choice]
    if turn.parallel_tool_calls is False:
        adapted.dropped("parallel_tool_calls", NOT_OFFERED)
    if _all_strict(offered, adapted):
        body["strict_tools"] = True
    return body


def _function(tool: JSON) -> JSON:
    function: JSON = {"name": tool.get("name")}
    if tool.get("description"):
        function["description"] = tool["description"]
    function["parameters"] = tool.get("parameters") or {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def _all_strict(offered: dict[int, JSON], adapted: Adaptations) -> bool:
    """Cohere takes `strict_tools` only if every tool has a parameter that is required."""
    strict = [index for index, tool in offered.items() if tool.get("strict") is True]
    if len(strict) == len(offered) and all(
        (tool.get("parameters") or {}).get("required") for tool in offered.values()
    ):
        return True
    for index in strict:
        adapted.dropped(
            f"tools[{index}].strict", "offered for all tools at once, if each requires a parameter"
        )
    return False


def _choose(
    choice: str | JSON | None, functions: dict[int, JSON], adapted: Adaptations
) -> tuple[dict[int, JSON], str]:
    """What is offered, and the mode in which."""
    if not isinstance(choice, dict):
        return _by_mode(choice or "auto", functions)
    if choice.get("type") == "allowed_tools":
        names = [tool.get("name") for tool in choice.get("tools") or ()]
        return _by_mode(str(choice.get("mode") or "auto"), _named(names, functions))
    adapted.emulated("tool_choice", "only this function is offered, and a call is required")
    return _by_mode("required", _named([choice.get("name")], functions))


def _by_mode(mode: str, functions: dict[int, JSON]) -> tuple[dict[int, JSON], str]:
    if mode == "required" and not functions:
        raise InvalidRequest(
            "`tool_choice` demands a tool, and there is none that this model can call.", param="tool_choice"
        )
    return functions, mode


def _named(names: list[object], functions: dict[int, JSON]) -> dict[int, JSON]:
    return {index: tool for index, tool in functions.items() if tool.get("name") in names}
