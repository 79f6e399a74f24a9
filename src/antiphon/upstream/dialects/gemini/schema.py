"""A JSON schema as Gemini takes it.

It takes a subset (https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support). Nothing is
renamed, so that what it makes meets the schema as it was; what lies outside is moved into the description,
where the model reads it though nothing enforces it:

    const                        an enum of one
    an enum with other values    anyOf of null and the rest; booleans are their type
    definitions                  $defs
    $ref with neighbours         anyOf of the reference alone
    allOf of one                 that one
    any other keyword            words in the description

A definition may lead back to itself only through members that are not required.
"""

from __future__ import annotations

from typing import Any

from antiphon.protocol.json import JSON, encode
from antiphon.upstream.dialects.gemini.wire import string

_DEEPEST = 60
_KEPT = frozenset(
    {
        *("$id", "$anchor", "type", "format", "title", "description", "required"),
        *("minItems", "maxItems", "minimum", "maximum", "propertyOrdering"),
    }
)
_SAYS_NOTHING = frozenset(
    {
        *("$schema", "$comment", "default", "examples", "example", "deprecated", "readOnly", "writeOnly"),
        "strict",
    }
)
_LISTS = frozenset({"anyOf", "oneOf", "prefixItems"})
_DEFINED = ("$defs", "definitions")


IN_DESCRIPTIONS = "what this model does not enforce is told in descriptions"


class _Unfit(Exception):
    pass


def reshaped(schema: JSON) -> tuple[JSON | None, bool]:
    """The schema in the subset, or None if it has no form there; and whether something is only told in words.

    The schema given is not changed.
    """
    shaper = _Shaper()
    try:
        shape = shaper.shape(schema, "#", 0)
    except _Unfit:
        return None, False
    return (None, False) if shaper.leads_back() else (shape, shaper.told)


class _Shaper:
    """Reshapes one schema, and notes which definition cannot do without which."""

    def __init__(self) -> None:
        self._needs: dict[str, set[str]] = {"#": set()}
        self.told = False  # something is only told in words

    def shape(self, schema: Any, within: str | None, depth: int) -> JSON:
        """`within`: the definition that needs this schema; None if it can do without."""
        if schema is True:
            return {}
        if not isinstance(schema, dict) or depth > _DEEPEST:
            raise _Unfit
        if "$ref" in schema:
            return self._reference(schema, within, depth)
        shape: JSON = {}
        words: list[str] = []
        schema = _plain(schema)
        for key, value in schema.items():
            if key in _KEPT:
                shape[key] = value
            elif key == "enum":
                shape |= _enum(value, words)
            elif (said := self._applied(key, value, schema, within, depth)) is not None:
                shape |= said
            elif key not in _SAYS_NOTHING:
                words.append(f"{key} {encode(value).decode()}")
        if words:
            self.told = True
            shape["description"] = f"{string(shape.get('description'))} ({'; '.join(words)})".lstrip()
        return shape

    def _applied(self, key: str, value: Any, schema: JSON, within: str | None, depth: int) -> JSON | None:
        """A keyword that holds schemas; None if it is not one that Gemini takes."""
        if key in _DEFINED:
            return {"$defs": self._definitions(value, depth)}
        if key in _LISTS and isinstance(value, list):
            return {key: [self.shape(each, within, depth + 1) for each in value]}
        if key == "items":
            return {key: self.shape(value, within, depth + 1)}
        if key == "properties" and isinstance(value, dict):
            return {key: self._members(value, schema.get("required"), within, depth)}
        if key == "additionalProperties":
            return {key: value if isinstance(value, bool) else self.shape(value, None, depth + 1)}
        return None

    def leads_back(self) -> bool:
        """Whether a definition cannot do without itself, or without one that is not there."""
        needs = self._needs
        if not set().union(*needs.values()) <= needs.keys():
            return True
        while leaves := [name for name, needed in needs.items() if not needed & needs.keys()]:
            for name in leaves:
                del needs[name]
        return bool(needs)

    def _members(self, members: JSON, required: Any, within: str | None, depth: int) -> JSON:
        needed = required if isinstance(required, list) else []
        return {
            name: self.shape(member, within if name in needed else None, depth + 1)
            for name, member in members.items()
        }

    def _definitions(self, schemas: Any, depth: int) -> JSON:
        if depth > 0 or not isinstance(schemas, dict):
            raise _Unfit
        shapes: JSON = {}
        for name, schema in schemas.items():
            place = f"#/$defs/{name}"
            self._needs[place] = set()
            shapes[name] = self.shape(schema, place, depth + 1)
        return shapes

    def _reference(self, schema: JSON, within: str | None, depth: int) -> JSON:
        place = schema["$ref"]
        if not isinstance(place, str):
            raise _Unfit
        place = place.replace("#/definitions/", "#/$defs/")
        if within is not None:
            self._needs[within].add(place)
        defined = {key: value for key, value in schema.items() if key in _DEFINED}
        rest = {key: value for key, value in schema.items() if key not in ("$ref", *_DEFINED)}
        if not rest and not defined:
            return {"$ref": place}
        others = self.shape({**rest, **defined}, within, depth)
        return {**others, "anyOf": [{"$ref": place}]}


def _plain(schema: JSON) -> JSON:
    """Without `const` and without an `allOf` of one."""
    if "const" in schema:
        schema = {**schema, "enum": [schema["const"]]}
        del schema["const"]
    branches = schema.get("allOf")
    if isinstance(branches, list) and len(branches) == 1 and isinstance(branches[0], dict):
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        schema = {**_plain(branches[0]), **rest}
    return schema


def _enum(values: Any, words: list[str]) -> JSON:
    """Strings and numbers can be listed; null is a type, booleans too."""
    if not isinstance(values, list):
        raise _Unfit
    listed = [value for value in values if isinstance(value, str) or type(value) in (int, float)]
    if len(listed) == len(values):
        return {"enum": listed}
    if any(value is not None and value not in listed for value in values):
        words.append(f"one of {encode(values).decode()}")
        return {}
    return {"anyOf": [{"type": "null"}, {"enum": listed}]} if listed else {"type": "null"}
