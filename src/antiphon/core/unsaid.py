"""What of a turn only speakers of the Responses API can be told, and the words for what becomes of it.

What an answer can do without is noted as an Adaptation; without a whole history there is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.items import ITEMS
from antiphon.protocol.json import JSON
from antiphon.protocol.strangers import (
    LONGEST_NAME,
    familiar_items,
    familiar_options,
    strange_options,
    strange_parts_of,
    strangers,
)
from antiphon.protocol.strangers import familiar as known
from antiphon.protocol.tools import TOOLS

NOT_OFFERED = "this model does not offer it"

_OPTIONS = ("reasoning", "text", "prompt_cache_options", "cache_control", "moderation")
_EXTRAS = ("access_programs", "image")
_TOOLS = ("function", "custom")


def unsaid_fields(turn: Turn) -> Iterator[str]:
    """The paths of the fields that ask for something, as in `image` and `tools[2].output_schema`."""
    for name in _EXTRAS:
        if turn.extra.get(name) is not None:
            yield name
    for index, tool in enumerate(turn.tools):
        if tool.get("type") in _TOOLS:
            for field in _fields_of(tool):
                yield f"tools[{index}].{field}"
    for index, item in enumerate(turn.items):
        if item.get("phase") is not None:
            yield f"input[{index}].phase"


def strange_fields(turn: Turn) -> Iterator[str]:
    """The paths of the fields that nobody has told us about, wherever they stand."""
    for name, value in turn.extra.items():
        if value is not None and name not in _EXTRAS:
            yield name[:LONGEST_NAME]
    if options := _options_of(turn):
        yield from strange_options(options)
    for index, tool in enumerate(turn.tools):
        if (kind := TOOLS.get(str(tool.get("type")))) is not None:
            yield from strangers(tool, kind, f"tools[{index}]")
    yield from strange_parts_of(turn.items)


def familiar(turn: Turn) -> Turn:
    """The turn without what `strange_fields` names, but for the fields of the request itself."""
    return replace(
        turn,
        **familiar_options(_options_of(turn)),
        tools=[known(tool, TOOLS.get(str(tool.get("type")))) for tool in turn.tools],
        items=familiar_items(turn.items),
    )


def _options_of(turn: Turn) -> dict[str, JSON]:
    return {name: asked for name in _OPTIONS if (asked := getattr(turn, name)) is not None}


def _fields_of(tool: JSON) -> Iterator[str]:
    if tool.get("allowed_callers") not in (None, ["direct"]):
        yield "allowed_callers"
    if tool.get("output_schema"):
        yield "output_schema"


def without_tool(tool: JSON) -> str:
    """Why a tool is left out."""
    kind = tool.get("type")
    return f"this model has no {kind} tool" if kind in TOOLS else "this model has no such tool"


def without_item(item: JSON) -> str:
    """Why an item is left out."""
    kind = item.get("type")
    return f"this model cannot be told a {kind if kind in ITEMS else 'thing of this type'}"


def foreign_compaction(at: str) -> InvalidRequest:
    """The refusal of a sealed history that another provider made: to leave it out would lose all of it."""
    return InvalidRequest(
        f"Invalid '{at}': this model cannot read a compaction that was made elsewhere. Ask the model that "
        "made it, or send the items that it stands for.",
        code="unsupported_value",
        param=at,
    )
