"""Input items: checked where we act on them, carried where we do not, and brought to one shape.

An item is recognised by its `type`. Two may come without one: a message (it has a `role`) and a reference
(it has nothing but an `id`). Of known kinds the fields below are checked; all others are kept as they came.
A kind we have not met is carried: whoever serves the request may know it. Ids are the client's own, made up
or not, and may be null; so may `status`.

Lengths of call ids are not limited: some providers hide a signature of a kilobyte in them, and what we
once sent to a client must be accepted when it comes back.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from antiphon.protocol.content import LongText, check_parts, untyped
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.protocol.schema import by_type, check
from antiphon.protocol.tools import check_tools

NotEmpty = Annotated[str, Meta(min_length=1)]
Sealed = Annotated[str, Meta(max_length=20_971_520)]
Output = str | list[JSON]


class Item(Struct, kw_only=True):
    """What every item may have."""

    id: str | None = None
    status: str | None = None


class Message(Item, kw_only=True):
    """Something said. A string as `content` means one part of text."""

    role: Literal["user", "assistant", "system", "developer"]
    content: Output
    type: Literal["message"] | None = None
    phase: str | None = None


class ItemReference(Struct, kw_only=True):
    """An item of an earlier response, by its id."""

    id: NotEmpty
    type: Literal["item_reference"] | None = None


class FunctionCall(Item, kw_only=True):
    """A call of a function. `arguments` is JSON text."""

    type: Literal["function_call"]
    call_id: NotEmpty
    name: NotEmpty
    arguments: LongText
    namespace: str | None = None


class CustomToolCall(Item, kw_only=True):
    """A call of a custom tool. `input` is any text."""

    type: Literal["custom_tool_call"]
    call_id: NotEmpty
    name: NotEmpty
    input: LongText
    namespace: str | None = None


class CallOutput(Item, kw_only=True):
    """What a function or custom tool gave back: text, or parts."""

    type: Literal["function_call_output", "custom_tool_call_output"]
    call_id: NotEmpty
    output: Output


class Reasoning(Item, kw_only=True):
    """What a model thought. `encrypted_content` is an envelope of ours (core/envelopes.py)."""

    type: Literal["reasoning"]
    summary: list[JSON] | None = None
    content: list[JSON] | None = None
    encrypted_content: Sealed | None = None


class Compaction(Item, kw_only=True):
    """A conversation so far, sealed."""

    type: Literal["compaction"]
    encrypted_content: Sealed


class AdditionalTools(Item, kw_only=True):
    """Tools that arrive in the middle of a conversation."""

    type: Literal["additional_tools"]
    tools: list[JSON]
    role: str | None = None


class ToolSearchCall(Item, kw_only=True):
    """The model looks for deferred tools."""

    type: Literal["tool_search_call"]
    call_id: str | None = None
    arguments: Any = None
    execution: Literal["server", "client"] | None = None


class ToolSearchOutput(Item, kw_only=True):
    """The tools that were found."""

    type: Literal["tool_search_output"]
    tools: list[JSON]
    call_id: str | None = None
    execution: Literal["server", "client"] | None = None


class HostedCall(Item, kw_only=True):
    """A call that somebody else made and ran: carried, so that the model sees its own history."""

    type: Literal[
        "web_search_call",
        "file_search_call",
        "image_generation_call",
        "code_interpreter_call",
        "mcp_list_tools",
        "mcp_call",
        "mcp_approval_request",
    ]


class ClientCall(Item, kw_only=True):
    """A call of a hosted tool that the client runs."""

    type: Literal["computer_call", "shell_call", "apply_patch_call", "local_shell_call", "program"]
    call_id: NotEmpty


class ClientCallOutput(Item, kw_only=True):
    """What the client gave back to such a call."""

    type: Literal["computer_call_output", "shell_call_output", "apply_patch_call_output", "program_output"]
    call_id: NotEmpty


class LocalShellOutput(Item, kw_only=True):
    """What a local shell gave back; `id` is the id of the call."""

    type: Literal["local_shell_call_output"]
    output: LongText
    call_id: str | None = None  # which some clients send instead of the call's in `id`


class ApprovalResponse(Item, kw_only=True):
    """The user's answer to a request for approval."""

    type: Literal["mcp_approval_response"]
    approval_request_id: NotEmpty
    approve: bool
    reason: str | None = None


ITEMS = by_type(
    Message,
    ItemReference,
    FunctionCall,
    CustomToolCall,
    CallOutput,
    Reasoning,
    Compaction,
    AdditionalTools,
    ToolSearchCall,
    ToolSearchOutput,
    HostedCall,
    ClientCall,
    ClientCallOutput,
    LocalShellOutput,
    ApprovalResponse,
)

# Where an item keeps parts, and which items bring tools.
_PARTS_IN: dict[str, tuple[str, ...]] = {
    "message": ("content",),
    "function_call_output": ("output",),
    "custom_tool_call_output": ("output",),
    "reasoning": ("summary", "content"),
}
_BRING_TOOLS = frozenset({"additional_tools", "tool_search_output"})


COMPACTION_TRIGGER = "compaction_trigger"
"""The type of an item that says nothing, but asks for the conversation to be compacted."""


def check_items(items: list[JSON], at: str = "input") -> None:
    """Raises InvalidRequest naming item and field, as in `input[2].call_id`."""
    for index, item in enumerate(items):
        kind = kind_of(item)
        if kind.__class__ is not str:
            raise untyped(item, f"{at}[{index}]")
        if kind not in ITEMS:
            if kind == COMPACTION_TRIGGER and item is not items[-1]:
                raise InvalidRequest(
                    f"Invalid '{at}[{index}]': a compaction_trigger must be the last item.",
                    code="invalid_value",
                    param=f"{at}[{index}]",
                )
            continue
        check(item, ITEMS[kind], at, index)
        for name in _PARTS_IN.get(kind, ()):
            parts = item.get(name)
            if parts.__class__ is list:
                check_parts(parts, f"{at}[{index}].{name}")
        if kind in _BRING_TOOLS:
            check_tools(item["tools"], f"{at}[{index}].tools")


def kind_of(item: JSON) -> Any:
    """The item's `type`, or what it must be when there is none; None when that cannot be told."""
    kind = item.get("type")
    if kind is not None:
        return kind
    if "role" in item:
        return "message"
    return "item_reference" if item.keys() <= {"id", "type"} and item else None


def normalised(given: str | list[JSON]) -> list[JSON]:
    """`given` (checked) as items that have a `type`, and content that is a list. Changes nothing in place;
    items already in that shape are passed on as they are.

    A string is one user message. An empty string is nothing: some clients send it when only the
    instructions count. References stay for the caller to resolve.
    """
    if isinstance(given, str):
        return [_message({"role": "user", "content": given})] if given else []
    return [_normal(item) for item in given]


def _normal(item: JSON) -> JSON:
    kind = item.get("type")
    if kind == "message":
        return item if isinstance(item["content"], list) else _message(item)
    if kind is not None:
        return item
    return _message(item) if "role" in item else {**item, "type": "item_reference"}


def _message(item: JSON) -> JSON:
    content = item["content"]
    if isinstance(content, str):
        if item["role"] == "assistant":
            content = [{"type": "output_text", "text": content, "annotations": []}]
        else:
            content = [{"type": "input_text", "text": content}]
    return {**item, "type": "message", "content": content}


def split(items: list[JSON]) -> tuple[list[JSON], list[JSON]]:
    """The items a model is shown; and the tools that came as `additional_tools` items, which it is not."""
    rest = [item for item in items if item["type"] != "additional_tools"]
    if len(rest) == len(items):
        return items, []
    return rest, [tool for item in items if item["type"] == "additional_tools" for tool in item["tools"]]


def brought(items: list[JSON]) -> list[JSON]:
    """Every tool that came with an item: added in the middle of a conversation, or found by a search."""
    return [tool for item in items if item.get("type") in _BRING_TOOLS for tool in item["tools"]]
