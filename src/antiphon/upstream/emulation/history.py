"""Calls and outputs of the past, as calls and outputs of functions.

    function_call                       under the name that the model knows
    custom_tool_call, apply_patch_call, shell_call, local_shell_call, computer_call, tool_search_call
                                        function_call
    their outputs                       function_call_output; a screenshot is an image in it
    tool_search_call, _output (server)  left out: what was found is offered
    agent_message                       a message of the user

The ids of calls stay as they are. An output of a local shell may name the call's item in place of its
`call_id`. All other items are the dialect's.
"""

from __future__ import annotations

from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.protocol.json import JSON, encode
from antiphon.upstream.emulation.agents import AGENT_MESSAGE, heard
from antiphon.upstream.emulation.kinds import CALLS, OUTPUTS, Kind
from antiphon.upstream.emulation.kinds.base import given
from antiphon.upstream.emulation.offer import Offer

_KEPT = ("id", "status")
_TOLD_ANEW = frozenset({"function_call", "custom_tool_call", AGENT_MESSAGE, *CALLS, *OUTPUTS})


def is_told_anew(item: JSON) -> bool:
    """Whether `retold` may change it, for some dialect."""
    return item.get("type") in _TOLD_ANEW


def is_native(item: JSON, native: frozenset[str]) -> bool:
    """Whether it is no call or output of a tool that a function stands for."""
    kind = str(item.get("type"))
    found = CALLS.get(kind) or OUTPUTS.get(kind)
    return found is None or found.kind in native


def retold(
    items: list[JSON], offer: Offer, native: frozenset[str], adapted: Adaptations
) -> tuple[list[JSON], list[int]]:
    """The items, and for each its index among those of the turn."""
    told: list[JSON] = []
    places: list[int] = []
    by_item_id = {
        item.get("id"): item.get("call_id") for item in items if item.get("type") == "local_shell_call"
    }
    for index, item in enumerate(items):
        if item.get("type") == AGENT_MESSAGE:
            said: JSON | None = heard(item, f"input[{index}]", adapted)
        else:
            said = _retold(item, offer, native, by_item_id)
        if said is not None:
            told.append(said)
            places.append(index)
    return told, places


def _retold(item: JSON, offer: Offer, native: frozenset[str], by_item_id: dict[Any, Any]) -> JSON | None:
    kind = str(item.get("type"))
    if kind == "function_call" or (kind == "custom_tool_call" and "custom" in native):
        return _renamed(item, offer, native)
    if (call := CALLS.get(kind)) is not None and call.kind not in native:
        return _call(item, call, offer)
    if (output := OUTPUTS.get(kind)) is not None and output.kind not in native:
        return _output(item, output, offer, by_item_id)
    return item


def _renamed(item: JSON, offer: Offer, native: frozenset[str]) -> JSON:
    """A call that stays what it is, under the name that the model knows."""
    if item.get("namespace") and "namespace" in native:
        return item
    name = offer.name_of("function" if item["type"] == "function_call" else "custom", item)
    if name == item.get("name") and "namespace" not in item:
        return item
    return {field: value for field, value in item.items() if field != "namespace"} | {"name": name}


def _call(item: JSON, kind: Kind, offer: Offer) -> JSON | None:
    if item.get("call_id") is None:
        return None
    return {
        **{field: item[field] for field in _KEPT if item.get(field) is not None},
        "type": "function_call",
        "call_id": item["call_id"],
        "name": offer.name_of(kind.kind, item),
        "arguments": encode(kind.arguments(item)).decode(),
    }


def _output(item: JSON, kind: Kind, offer: Offer, by_item_id: dict[Any, Any]) -> JSON | None:
    call_id = item.get("call_id")
    if call_id is None:
        call_id = by_item_id.get(item.get("id"), item.get("id")) if kind.kind == "local_shell" else None
    if call_id is None:
        return None
    if kind.kind == "tool_search":
        item = {**item, "tools": [name for tool in item.get("tools") or () for name in offer.names_of(tool)]}
    output = kind.output(item)
    return {
        **given({field: item.get(field) for field in _KEPT}),
        "type": "function_call_output",
        "call_id": call_id,
        "output": output if isinstance(output, str | list) else encode(output).decode(),
    }
