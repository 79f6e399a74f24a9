"""Tools and tool_choice, as they came, but for hosted tools that this upstream does not run.

Those are left out and noted; to demand one is refused. Of a list of allowed tools they are left out too; if
none is left, and one is required, that is refused as well.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import without_tool
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON


def without(turn: Turn, lacking: Collection[str], adapted: Adaptations) -> Turn:
    """The turn as this upstream can be asked it. Raises InvalidRequest."""
    tools = []
    for index, tool in enumerate(turn.tools):
        if tool.get("type") in lacking:
            adapted.dropped(f"tools[{index}]", without_tool(tool))
        else:
            tools.append(tool)
    choice = turn.tool_choice
    if isinstance(choice, dict):
        choice = _chosen(choice, lacking)
    elif turn.tools and not tools:
        if choice == "required":
            raise InvalidRequest("No tool is offered that could be called.", param="tool_choice")
        choice = None
    return replace(turn, tools=tools, tool_choice=choice)


def _chosen(choice: JSON, lacking: Collection[str]) -> JSON:
    """Raises InvalidRequest if it demands what is left out."""
    if choice.get("type") in lacking:
        raise _refusal(str(choice["type"]))
    if choice.get("type") != "allowed_tools":
        return choice
    asked = choice.get("tools") or []
    allowed = [tool for tool in asked if tool.get("type") not in lacking]
    if asked and not allowed and choice.get("mode") == "required":
        raise _refusal("one of 'allowed_tools'")
    return choice if len(allowed) == len(asked) else {**choice, "tools": allowed}


def _refusal(what: str) -> InvalidRequest:
    return InvalidRequest(
        f"'tool_choice' demands {what}, which this model is not offered.", param="tool_choice"
    )
