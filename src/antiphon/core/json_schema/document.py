"""A JSON schema as a client sent it, made regular: references resolved, old spellings modernised.

Reading is forgiving. A keyword of the wrong type is ignored, as if it were not there; `definitions`,
`items` as a list, boolean `exclusiveMinimum`, `dependencies` and `nullable` are put in today's words. So
everything downstream may trust the types:

    minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf      a number
    minLength, maxLength, minItems, …                                     an int ≥ 0
    enum (also from const), required, type, patterns, contains            a list
    properties, patternProperties, dependentRequired, dependentSchemas    a dict
    allOf, anyOf, oneOf, prefixItems                                      a list of schemas
    items, additionalProperties, propertyNames, not, if, then, else       a schema
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import unquote

from antiphon.core.json_schema.pattern import Pattern, UnsupportedPattern, parse

Schema: TypeAlias = dict[str, Any]

NEVER: Schema = {"not": {}}

_POSITIONS = 100  # of a text, looked at for a pattern: about the time that one schema node takes


class Unsatisfiable(ValueError):
    """No instance of the schema was found: it has none, or it asks for more than is tried here."""


_UNUSABLE = (math.inf, -math.inf)


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and value not in _UNUSABLE and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _is_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(member, str) for member in value)


def _is_schemas(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_schema(member) for member in value)


def _is_named_schemas(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_schema(member) for member in value.values())


def _is_named_strings(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_strings(member) for member in value.values())


_FORMS: dict[Callable[[Any], bool], tuple[str, ...]] = {
    _is_number: ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    _is_count: (
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        *("minContains", "maxContains"),
    ),
    _is_strings: ("required", "type"),
    _is_schemas: ("allOf", "anyOf", "oneOf", "prefixItems"),
    _is_named_schemas: ("properties", "patternProperties", "dependentSchemas"),
    _is_named_strings: ("dependentRequired",),
    _is_schema: ("items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"),
    lambda value: isinstance(value, str): ("pattern", "format", "$ref"),
    lambda value: isinstance(value, list): ("enum", "examples"),
    lambda value: isinstance(value, bool): ("uniqueItems",),
    lambda value: _is_number(value) and value > 0: ("multipleOf",),
}
_FORM_OF = {keyword: form for form, keywords in _FORMS.items() for keyword in keywords}


class Document:
    """One schema with all it refers to. `work` bounds how many schema nodes may be looked at."""

    def __init__(self, root: Any, work: float) -> None:
        self.root = root
        self.work = work
        self._patterns: dict[str, Pattern] = {}
        self._regular: dict[int, tuple[Any, Schema]] = {}  # the original is kept, so that its id stays taken

    def spend(self, work: float) -> None:
        """Raises Unsatisfiable when the work runs out."""
        self.work -= work
        if self.work < 0:
            raise Unsatisfiable("it is too large")

    def regular(self, schema: Any) -> Schema:
        """The schema in today's words, well-typed keywords only. Raises Unsatisfiable."""
        self.spend(1)
        if not isinstance(schema, dict):
            return NEVER if schema is False else {}
        known = self._regular.get(id(schema))
        if known is None:
            known = self._regular[id(schema)] = (schema, _regular(schema))
        return known[1]

    def pattern(self, text: str) -> Pattern:
        """Raises Unsatisfiable for what is not read here."""
        if text not in self._patterns:
            try:
                self._patterns[text] = parse(text)
            except UnsupportedPattern as error:
                raise Unsatisfiable(f"a pattern cannot be used: {error}") from None
        return self._patterns[text]

    def matches(self, pattern: str, text: str) -> bool:
        """Whether the text holds a match. Raises Unsatisfiable, also when the work runs out over it."""
        return self.pattern(pattern).matches(text, self._look)

    def _look(self, positions: int) -> None:
        self.spend(positions / _POSITIONS)

    def resolve(self, reference: str) -> Any:
        """What `#`, `#/a/b` or `#anchor` points to. Raises Unsatisfiable."""
        pointer = unquote(reference.removeprefix("#"))
        if not reference.startswith("#"):
            raise Unsatisfiable(f"{reference!r} is outside of the schema")
        found = self._at(pointer) if pointer.startswith("/") else self._anchored(pointer)
        if not _is_schema(found):
            raise Unsatisfiable(f"{reference!r} points to nothing")
        return found

    def _at(self, pointer: str) -> Any:
        node = self.root
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict):
                node = node.get(key)
            elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
                node = node[int(key)]
            else:
                return None
        return node

    def _anchored(self, anchor: str) -> Any:
        if not anchor:
            return self.root
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict):
                if node.get("$anchor") == anchor:
                    return node
                waiting.extend(node.values())
            elif isinstance(node, list):
                waiting.extend(node)
        return None


def _regular(schema: Schema) -> Schema:
    modern = _modern(schema)
    kept = {key: value for key, value in modern.items() if key in _FORM_OF and _FORM_OF[key](value)}
    if "const" in schema:
        kept["enum"] = [schema["const"]]
        if isinstance(schema.get("enum"), list):
            kept["allOf"] = [*kept.get("allOf", ()), {"enum": schema["enum"]}]
    if "patternProperties" in kept or "additionalProperties" in kept:
        kept.setdefault("properties", {})  # the one keyword that judges all properties
    if "pattern" in kept:
        kept["patterns"] = [kept.pop("pattern")]
    if "contains" in kept:
        kept["contains"] = [
            (kept["contains"], int(kept.pop("minContains", 1)), kept.pop("maxContains", math.inf))
        ]
    return kept


def _modern(schema: Schema) -> Schema:
    modern = dict(schema)
    if isinstance(modern.get("items"), list):
        modern["prefixItems"] = modern.pop("items")
        modern["items"] = modern.get("additionalItems")
    if isinstance(modern.get("type"), str):
        modern["type"] = [modern["type"]]
    if modern.get("nullable") is True and isinstance(modern.get("type"), list):
        modern["type"] = [*modern["type"], "null"]
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if modern.get(exclusive) is True:
            modern[exclusive] = modern.pop(inclusive, None)
    dependencies = modern.get("dependencies")
    if isinstance(dependencies, dict):
        required = {name: value for name, value in dependencies.items() if _is_strings(value)}
        schemas = {name: value for name, value in dependencies.items() if _is_schema(value)}
        modern.setdefault("dependentRequired", required)
        modern.setdefault("dependentSchemas", schemas)
    return modern
