"""The items of calls that the client answers, as they stand when the model begins to make them."""

from __future__ import annotations

from antiphon.core.deltas import Call
from antiphon.protocol.json import JSON


def begun_call(call: Call, call_id: str) -> JSON:
    """The item of a call, without its id: nothing of the arguments is said yet."""
    match call.kind:
        case "function":
            item: JSON = {"type": "function_call", "status": "in_progress", "arguments": ""}
        case "custom":
            item = {"type": "custom_tool_call", "status": "in_progress", "input": ""}
        case kind:
            return {"type": f"{kind}_call", "status": "in_progress", "call_id": call_id, **call.fields}
    item |= {"call_id": call_id, "name": call.name}
    if call.namespace is not None:
        item["namespace"] = call.namespace
    return item
