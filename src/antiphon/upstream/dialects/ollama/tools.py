"""Tools and tool_choice, as Ollama says them.

Functions are all there is: no other tools come here (`upstream/emulation`), nor do choices of them. There is
no `tool_choice`: "none" means that no tools are offered, a list of allowed ones that only these are. That a
call is required cannot be said; a function that is named is then the only one offered.
"""

from __future__ import annotations

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON


def tools_from(turn: Turn, adapted: Adaptations) -> JSON:
    """The field of the body that is about tools. Raises InvalidRequest naming tool_choice."""
    for index, tool in enumerate(turn.tools):
        if tool.get("strict"):
            adapted.dropped(f"tools[{index}].strict", NOT_OFFERED)
    offered = _chosen(turn.tool_choice, turn.tools, adapted)
    if not offered:
        return {}
    if turn.parallel_tool_calls is False:
        adapted.dropped("parallel_tool_calls", NOT_OFFERED)
    return {"tools": [_function(tool) for tool in offered]}


def _function(tool: JSON) -> JSON:
    function: JSON = {"name": tool.get("name")}
    if tool.get("description"):
        function["description"] = tool["description"]
    schema = tool.get("parameters") or {"type": "object"}
    function["parameters"] = schema if "properties" in schema else {**schema, "properties": {}}
    return {"type": "function", "function": function}


def _chosen(choice: str | JSON | None, functions: list[JSON], adapted: Adaptations) -> list[JSON]:
    """What is offered."""
    mode = choice
    if isinstance(choice, dict):
        several = choice.get("type") == "allowed_tools"
        names = [tool.get("name") for tool in (choice.get("tools") or () if several else (choice,))]
        functions = [tool for tool in functions if tool.get("name") in names]
        mode = choice.get("mode") or "auto" if several else "required"
    if mode == "none":
        return []
    if mode == "required":
        if not functions:
            raise InvalidRequest(
                "`tool_choice` demands a tool, and there is none that this model can call.",
                param="tool_choice",
            )
        adapted.emulated("tool_choice", "this model cannot be made to call a tool, it may")
    return functions
