"""A transcript as it is sent to a model: references resolved, calls and their outputs matched. Pure.

Providers refuse transcripts in which an output has no call or a call has no output, each in its own
words and after the request was sent; here they are refused before, in OpenAI's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from antiphon.core.seals import SEALED
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON

_SUFFIX = "_output"
# Calls that the client answers, by the type of the answer. Codex answers local shells as it does functions.
_ANSWERS = {
    "function_call_output": ("function_call", "local_shell_call"),
    "custom_tool_call_output": ("custom_tool_call",),
    "computer_call_output": ("computer_call",),
    "shell_call_output": ("shell_call",),
    "local_shell_call_output": ("local_shell_call",),
    "apply_patch_call_output": ("apply_patch_call",),
    "tool_search_output": ("tool_search_call",),
}
_ANSWERED = frozenset(kind for kinds in _ANSWERS.values() for kind in kinds)
_NAMES = {"function_call": "function call", "custom_tool_call": "custom tool call"}


def references(items: Sequence[JSON]) -> list[str]:
    """The ids that `item_reference`s ask for."""
    return [item["id"] for item in items if item.get("type") == "item_reference"]


def resolve(items: Sequence[JSON], found: Mapping[str, JSON], at: str = "input") -> list[JSON]:
    """With every reference replaced by what it refers to. Raises InvalidRequest naming the first lost one.

    `at`: where the items stand in the request.
    """
    resolved = []
    for index, item in enumerate(items):
        if item.get("type") != "item_reference":
            resolved.append(item)
        elif (referred := found.get(item["id"])) is not None:
            resolved.append(referred)
        else:
            raise InvalidRequest(f"Item with id '{item['id']}' not found.", param=f"{at}[{index}].id")
    return resolved


def with_call_ids(items: Sequence[JSON]) -> list[JSON]:
    """Outputs of local shells with the `call_id` of their call.

    They are the only ones that may name it otherwise: in `id`, and by the id of its item, which is the
    gateway's own and changes on the way.
    """
    call_ids: dict[Any, Any] = {}
    joined: list[JSON] = []
    for item in items:
        kind, call_id = item.get("type"), item.get("call_id")
        if kind == "local_shell_call":
            call_ids |= {item.get("id"): call_id, call_id: call_id}
        if kind != "local_shell_call_output":
            joined.append(item)
            continue
        named = item.get("id") if call_id is None else call_id
        joined.append({**item, "call_id": call_ids.get(named, named)})
    return joined


def check_calls(items: Sequence[JSON]) -> None:
    """Raises InvalidRequest naming the call_id of an output without a call, or the other way round.

    A search for tools that the provider ran has no call_id, and nobody has to answer it.
    """
    unanswered: dict[tuple[str, str], None] = {}
    called: set[tuple[str, str]] = set()
    for item in items:
        kind, call_id = item.get("type", ""), item.get("call_id")
        if not isinstance(call_id, str) or _is_run_by_the_provider(item):
            continue
        if kind in _ANSWERS:
            answered = [(call, call_id) for call in _ANSWERS[kind] if (call, call_id) in called]
            if not answered:
                name = _ANSWERS[kind][0]
                raise InvalidRequest(
                    f"No tool call found for {_NAMES.get(name, name)} output with call_id {call_id}.",
                    param="input",
                )
            unanswered.pop(answered[0], None)
        elif kind in _ANSWERED:
            called.add((kind, call_id))
            unanswered[kind, call_id] = None
    for kind, call_id in unanswered:
        raise InvalidRequest(f"No tool output found for {_NAMES.get(kind, kind)} {call_id}.", param="input")


def _is_run_by_the_provider(item: JSON) -> bool:
    return item["type"].startswith("tool_search_") and item.get("execution") == "server"


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
