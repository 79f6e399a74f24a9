"""The event stream: names, families and constructors.

    created → in_progress → items → one terminal event (completed | incomplete | failed), which is last

    an item      output_item.added → its parts or its streamed field → output_item.done
    a part       <added> → <delta>* → <done> → <closed>        (text, refusal, summary; see PARTS)
    a field      <delta>* → <done>                             (arguments, input, code; see FIELDS)

Events are plain objects, so that what an upstream sends beyond the specification survives the trip.
Source: the streaming events of the OpenAI and Open Responses specifications; `response.reasoning_text.*`
has no part events, because neither specification has one that all clients accept.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from antiphon.protocol.json import JSON

Event: TypeAlias = JSON

TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
LIFECYCLE = TERMINAL | {"response.created", "response.queued", "response.in_progress", "error"}


@dataclass(frozen=True, slots=True)
class PartFamily:
    """A kind of part within an item: where it is kept and which events tell of it."""

    type: str  # of the part object
    text: str  # the part's field that holds the text
    list: str  # the item's field that holds the parts
    index: str  # the events' field that counts the parts
    delta: str
    done: str
    added: str | None
    closed: str | None

    def blank(self) -> JSON:
        part: JSON = {"type": self.type, self.text: ""}
        if self.type == "output_text":
            part["annotations"] = []
            part["logprobs"] = []
        return part


OUTPUT_TEXT = PartFamily(
    "output_text",
    "text",
    "content",
    "content_index",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.added",
    "response.content_part.done",
)
REFUSAL = PartFamily(
    "refusal",
    "refusal",
    "content",
    "content_index",
    "response.refusal.delta",
    "response.refusal.done",
    "response.content_part.added",
    "response.content_part.done",
)
SUMMARY = PartFamily(
    "summary_text",
    "text",
    "summary",
    "summary_index",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
)
RAW_REASONING = PartFamily(
    "reasoning_text",
    "text",
    "content",
    "content_index",
    "response.reasoning_text.delta",
    "response.reasoning_text.done",
    None,
    None,
)

PARTS = MappingProxyType({family.type: family for family in (OUTPUT_TEXT, REFUSAL, SUMMARY, RAW_REASONING)})
PART_DELTAS = MappingProxyType({family.delta: family for family in PARTS.values()})
PART_DONES = MappingProxyType({family.done: family for family in PARTS.values()})


@dataclass(frozen=True, slots=True)
class FieldFamily:
    """A field of an item that is streamed: the arguments of a call, the code of an interpreter."""

    item_type: str
    field: str
    delta: str
    done: str
    within: str | None = None  # the object of the item that has the field; None: the item itself

    def read(self, item: JSON) -> str | None:
        """The field's text, if it has any."""
        holder = item if self.within is None else item.get(self.within)
        text = holder.get(self.field) if isinstance(holder, dict) else None
        return text if isinstance(text, str) else None

    def write(self, item: JSON, text: str) -> None:
        """Sets the field of `item`; what it shares with other items stays as it is."""
        if self.within is None:
            item[self.field] = text
        else:
            holder = item.get(self.within)
            item[self.within] = {**(holder if isinstance(holder, dict) else {}), self.field: text}


FIELDS = MappingProxyType(
    {
        family.item_type: family
        for family in (
            FieldFamily(
                "function_call",
                "arguments",
                "response.function_call_arguments.delta",
                "response.function_call_arguments.done",
            ),
            FieldFamily(
                "custom_tool_call",
                "input",
                "response.custom_tool_call_input.delta",
                "response.custom_tool_call_input.done",
            ),
            FieldFamily(
                "mcp_call",
                "arguments",
                "response.mcp_call_arguments.delta",
                "response.mcp_call_arguments.done",
            ),
            FieldFamily(
                "code_interpreter_call",
                "code",
                "response.code_interpreter_call_code.delta",
                "response.code_interpreter_call_code.done",
            ),
            FieldFamily(
                "apply_patch_call",
                "diff",
                "response.apply_patch_call_operation_diff.delta",
                "response.apply_patch_call_operation_diff.done",
                within="operation",
            ),
        )
    }
)
FIELD_DELTAS = MappingProxyType({family.delta: family for family in FIELDS.values()})
FIELD_DONES = MappingProxyType({family.done: family for family in FIELDS.values()})

# The progress events of tools that a provider runs: those before the item's work and those after it.
PROGRESS = MappingProxyType(
    {
        "web_search_call": (("in_progress", "searching"), ("completed",)),
        "file_search_call": (("in_progress", "searching"), ("completed",)),
        "code_interpreter_call": (("in_progress",), ("interpreting", "completed")),
        "image_generation_call": (("in_progress", "generating"), ("completed",)),
        "mcp_call": (("in_progress",), ("completed",)),
        "mcp_list_tools": (("in_progress",), ("completed",)),
    }
)


def continuation_event(after: str, by: str, characters: int, code: str | None) -> Event:
    """An event of this gateway alone: `after` broke off, with this error, and `by` goes on with its words.

    Extensions have a prefix, and clients may pass over them (Open Responses, "Extending streaming events").
    """
    return {
        "type": "antiphon:continuation",
        "after": after,
        "by": by,
        "characters": characters,
        "code": code,
    }


def error_event(code: str | None, message: str, param: str | None = None) -> Event:
    """The flat error event of the OpenAI specification."""
    return {"type": "error", "code": code, "message": message, "param": param}
