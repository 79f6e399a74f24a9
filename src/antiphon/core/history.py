"""A transcript as it is sent to a model: references resolved, calls and their outputs matched. Pure.

Providers refuse transcripts in which an output has no call or a call has no output, each in its own
words and after the request was sent; here they are refused before, in OpenAI's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from antiphon.core.seals import SEALED
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON

_SUFFIX = "_output"
# Calls that the client answers, by the type of the answer.
_ANSWERS = {
    "function_call_output": "function_call",
    "custom_tool_call_output": "custom_tool_call",
    "computer_call_output": "computer_call",
    "shell_call_output": "shell_call",
    "apply_patch_call_output": "apply_patch_call",
}
_NAMES = {"function_call": "function call", "custom_tool_call": "custom tool call"}


def references(items: Sequence[JSON]) -> list[str]:
    """The ids that `item_reference`s ask for."""
    return [item["id"] for item in items if item.get("type") == "item_reference"]


def resolve(items: Sequence[JSON], found: Mapping[str, JSON]) -> list[JSON]:
    """With every reference replaced by what it refers to. Raises InvalidRequest naming the first lost one."""
    resolved = []
    for index, item in enumerate(items):
        if item.get("type") != "item_reference":
            resolved.append(item)
        elif (referred := found.get(item["id"])) is not None:
            resolved.append(referred)
        else:
            raise InvalidRequest(f"Item with id '{item['id']}' not found.", param=f"input[{index}].id")
    return resolved


def check_calls(items: Sequence[JSON]) -> None:
    """Raises InvalidRequest naming the call_id of an output without a call, or the other way round."""
    unanswered: dict[tuple[str, str], None] = {}
    called: set[tuple[str, str]] = set()
    for item in items:
        kind, call_id = item.get("type", ""), item.get("call_id")
        if not isinstance(call_id, str):
            continue
        if kind in _ANSWERS:
            call = (_ANSWERS[kind], call_id)
            if call not in called:
                raise InvalidRequest(
                    f"No tool call found for {_NAMES.get(call[0], call[0])} output with call_id {call_id}.",
                    param="input",
                )
            unanswered.pop(call, None)
        elif kind in _ANSWERS.values():
            called.add((kind, call_id))
            unanswered[kind, call_id] = None
    for kind, call_id in unanswered:
        raise InvalidRequest(f"No tool output found for {_NAMES.get(kind, kind)} {call_id}.", param="input")


def unsealed(items: Sequence[JSON]) -> list[JSON]:
    """As a client sees them that did not ask for encrypted reasoning."""
    return [
        {key: value for key, value in item.items() if key != SEALED}
        if item.get("type") == "reasoning" and SEALED in item
        else item
        for item in items
    ]


def listed(items: Sequence[JSON]) -> list[JSON]:
    """As a list of input items shows them: with the status that nobody needs to send."""
    return [
        {**item, "status": "completed"}
        if item.get("status") is None and item.get("type", "").endswith(("_call", "_call_output"))
        else item
        for item in items
    ]
