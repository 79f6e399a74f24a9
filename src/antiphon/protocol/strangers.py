"""Strangers: fields of a request that none of its types know.

They are carried to upstreams that speak Responses; everybody else can only be told less, and is: what
`strangers` names `familiar` leaves out. What is carried whole (the contents of hosted calls, of tools we have
not met) is not looked into.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from msgspec import Struct, inspect

from antiphon.protocol.content import PARTS
from antiphon.protocol.items import ITEMS
from antiphon.protocol.json import JSON
from antiphon.protocol.options import OPTIONS

LONGEST_NAME = 64  # characters that are told of a name that nobody knows
_PARTS_IN: dict[str, tuple[str, ...]] = {
    "message": ("content",),
    "function_call": (),
    "function_call_output": ("output",),
    "custom_tool_call": (),
    "custom_tool_call_output": ("output",),
    "reasoning": ("summary", "content"),
    "tool_search_call": (),
    "tool_search_output": (),
    "local_shell_call_output": (),
    "mcp_approval_response": (),
}
"""Items all of whose fields are known, and where they keep parts."""


class _Shape(Struct, frozen=True):
    """`inner`: for each field that holds objects, their types by `type` (None: whatever it says)."""

    names: frozenset[str]
    plain: frozenset[str]
    inner: dict[str, dict[str | None, type[Struct]]]

    def of(self, name: str, field: Any) -> type[Struct] | None:
        """The type of the object in a field, if it holds one that is looked into."""
        kinds = self.inner.get(name)
        if kinds is None or not isinstance(field, dict):
            return None
        return kinds.get(field.get("type")) or kinds.get(None)


def strangers(value: JSON, kind: type[Struct], at: str) -> Iterator[str]:
    """The paths of the unknown fields of an object of this type, and of the objects in it."""
    shape = _shape_of(kind)
    if value.keys() <= shape.plain:
        return
    for name, field in value.items():
        if name not in shape.names:
            if field is not None:
                yield f"{at}.{name[:LONGEST_NAME]}"
        elif (found := shape.of(name, field)) is not None:
            yield from strangers(field, found, f"{at}.{name}")


def familiar(value: JSON, kind: type[Struct] | None) -> JSON:
    """The object, and the objects in it, without their unknown fields; None: all that it has is carried."""
    if kind is None or value.keys() <= (shape := _shape_of(kind)).plain:
        return value
    return {
        name: field if (found := shape.of(name, field)) is None else familiar(field, found)
        for name, field in value.items()
        if name in shape.names
    }


def familiar_options(options: Mapping[str, JSON]) -> dict[str, JSON]:
    """As `strange_options`."""
    return {name: familiar(value, OPTIONS[name]) for name, value in options.items()}


def familiar_items(items: list[JSON]) -> list[JSON]:
    """As `strange_parts_of`."""
    return [_familiar_item(item) for item in items]


def strange_options(options: Mapping[str, JSON]) -> Iterator[str]:
    """Those in objects of the request itself: reasoning, text, …"""
    for name, value in options.items():
        yield from strangers(value, OPTIONS[name], name)


def strange_parts_of(items: list[JSON]) -> Iterator[str]:
    """Those in messages, calls and outputs, and in the parts of these."""
    for index, item in enumerate(items):
        fields = _PARTS_IN.get(item["type"])
        if fields is None:
            continue
        if not item.keys() <= _shape_of(ITEMS[item["type"]]).plain:  # most have none: a look is enough
            yield from strangers(item, ITEMS[item["type"]], f"input[{index}]")
        for field in fields:
            if isinstance(parts := item.get(field), list):
                yield from _strange_parts(parts, f"input[{index}].{field}")


def _strange_parts(parts: list[JSON], at: str) -> Iterator[str]:
    for index, part in enumerate(parts):
        known = PARTS.get(part.get("type", ""))
        if known is not None and not part.keys() <= _shape_of(known).plain:
            yield from strangers(part, known, f"{at}[{index}]")


def _familiar_item(item: JSON) -> JSON:
    fields = _PARTS_IN.get(item["type"])
    if fields is None:
        return item
    known = familiar(item, ITEMS[item["type"]])
    parts = {
        field: [familiar(part, PARTS.get(part.get("type", ""))) for part in held]
        for field in fields
        if isinstance(held := known.get(field), list)
    }
    return {**known, **parts}


@cache
def _shape_of(kind: type[Struct]) -> _Shape:
    shape = inspect.type_info(kind)
    fields = shape.fields if isinstance(shape, inspect.StructType) else ()
    inner = {field.encode_name: types for field in fields if (types := dict(_types_in(field.type)))}
    names = frozenset(("type", *(field.encode_name for field in fields)))
    return _Shape(names, names - inner.keys(), inner)


def _types_in(kind: inspect.Type) -> Iterator[tuple[str | None, type[Struct]]]:
    match kind:
        case inspect.StructType(cls=cls, tag_field=tag_field, tag=tag):
            yield (str(tag) if tag_field is not None else None), cls
        case inspect.UnionType(types=types):
            for each in types:
                yield from _types_in(each)
        case _:
            pass
