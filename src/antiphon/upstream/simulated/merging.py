"""Two regular schemas into one that demands both: what `allOf`, `$ref` and a chosen `anyOf` come to.

Neither holds a combinator: those are opened before. Every other keyword has a rule, so nothing is lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from antiphon.core.json_schema.document import Document, Schema
from antiphon.core.json_schema.validity import applicable, exact, same


def merge(one: Schema, other: Schema, document: Document) -> Schema:
    """Both are regular and without combinators, and so is the result.

    Raises Unsatisfiable: a pattern of property names cannot be read.
    """
    merged = one | other
    for keyword in one.keys() & other.keys():
        if keyword in _RULES:
            merged[keyword] = _RULES[keyword](one[keyword], other[keyword])
    _merge_properties(one, other, merged, document)
    _merge_items(one, other, merged)
    return merged


def _merge_properties(one: Schema, other: Schema, merged: Schema, document: Document) -> None:
    """A property only one side names must still please the other side's patterns and its rest."""
    if "properties" in one and "properties" in other:
        merged["properties"] = {
            name: _both(*applicable(one, name, document), *applicable(other, name, document))
            for name in one["properties"] | other["properties"]
        }


def _merge_items(one: Schema, other: Schema, merged: Schema) -> None:
    if "prefixItems" in merged:
        length = max(len(side.get("prefixItems", ())) for side in (one, other))
        merged["prefixItems"] = [
            _both(*(_item(side, at) for side in (one, other) if _item(side, at) is not None))
            for at in range(length)
        ]


def _item(schema: Schema, at: int) -> Any:
    prefix = schema.get("prefixItems", ())
    return prefix[at] if at < len(prefix) else schema.get("items")


def _both(*schemas: Any) -> Any:
    return schemas[0] if len(schemas) == 1 else {"allOf": list(schemas)} if schemas else {}


def _either(one: Any, other: Any) -> Any:
    return {} if one in ({}, True) or other in ({}, True) else {"anyOf": [one, other]}


def _by_name(combine: Callable[[Any, Any], Any]) -> Callable[[Schema, Schema], Schema]:
    def combined(one: Schema, other: Schema) -> Schema:
        shared = {name: combine(one[name], other[name]) for name in one.keys() & other.keys()}
        return one | other | shared

    return combined


def _types(one: list[str], other: list[str]) -> list[str]:
    def allows(types: list[str], name: str) -> bool:
        return name in types or (name == "integer" and "number" in types)

    return [name for name in dict.fromkeys([*one, *other]) if allows(one, name) and allows(other, name)]


def _common(one: list[Any], other: list[Any]) -> list[Any]:
    return [value for value in one if any(same(value, candidate) for candidate in other)]


def _union(one: list[Any], other: list[Any]) -> list[Any]:
    return [*one, *(value for value in other if value not in one)]


def _common_multiple(one: float, other: float) -> float:
    first, second = exact(one), exact(other)
    numerator = math.lcm(first.numerator * second.denominator, second.numerator * first.denominator)
    multiple = Fraction(numerator, first.denominator * second.denominator)
    return multiple.numerator if multiple.denominator == 1 else float(multiple)


_RULES: dict[str, Callable[..., Any]] = {
    "type": _types,
    "enum": _common,
    "examples": _union,
    "patterns": _union,
    "contains": _union,
    "required": _union,
    "uniqueItems": lambda one, other: one or other,
    "multipleOf": _common_multiple,
    "items": _both,
    "propertyNames": _both,
    "additionalProperties": _both,
    "patternProperties": _by_name(_both),
    "not": _either,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}
