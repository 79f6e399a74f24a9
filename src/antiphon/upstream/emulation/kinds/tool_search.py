"""`tool_search` that the client executes: a function that asks for tools; they come with the output.

A search that the provider would execute is met otherwise: all deferred tools are offered at once.

Format: https://developers.openai.com/api/docs/guides/tools-tool-search
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from antiphon.core.deltas import Call, CallKind, Delta
from antiphon.protocol.json import JSON
from antiphon.upstream.emulation.kinds.base import EmulatedCall

_DESCRIPTION = "Finds tools by what they can do. Those that are found can be called from then on."
_PARAMETERS: JSON = {
    "type": "object",
    "properties": {"query": {"type": "string", "description": "What the tool should be able to do."}},
    "required": ["query"],
    "additionalProperties": False,
}


class ToolSearch:
    """The kind `tool_search`."""

    kind: CallKind = "tool_search"
    call_type = "tool_search_call"
    output_type = "tool_search_output"

    def offer(self, tool: JSON) -> JSON:
        return {
            "description": tool.get("description") or _DESCRIPTION,
            "parameters": tool.get("parameters") or _PARAMETERS,
        }

    def arguments(self, call: JSON) -> Any:
        arguments = call.get("arguments")
        return {} if arguments is None else arguments

    def output(self, item: JSON) -> Any:
        """The names are those that the tools are offered under (see `history`)."""
        return {"found": item.get("tools") or []}

    def call(self, call: Call, tool: JSON) -> EmulatedCall:
        fields: JSON = {"execution": "client", "arguments": {}}
        return ToolSearchCall(Call(call.part, call.call_id, call.name, call.kind, fields=fields))


class ToolSearchCall(EmulatedCall):
    """A call that is told when it is whole."""

    __slots__ = ()

    def settle(self, value: JSON) -> Iterable[Delta] | None:
        return (self.finished(arguments=value),)
