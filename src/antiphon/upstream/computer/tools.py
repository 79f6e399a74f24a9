"""The computer tool of a turn."""

from __future__ import annotations

from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import COMPUTER


def computer_tool(turn: Turn) -> JSON | None:
    """The first one, unless `tool_choice` leaves it out."""
    tool = next((tool for tool in turn.tools if tool.get("type") in COMPUTER), None)
    choice = turn.tool_choice
    if tool is None or not isinstance(choice, dict) or choice.get("type") != "allowed_tools":
        return tool
    return tool if any(each.get("type") in COMPUTER for each in choice.get("tools") or ()) else None
