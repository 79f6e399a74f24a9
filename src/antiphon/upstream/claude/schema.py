"""A JSON schema as the provider's constrained sampling takes it.

It takes a subset (https://platform.claude.com/docs/en/build-with-claude/structured-outputs): objects are
closed, nothing is recursive, and bounds on numbers, lengths and patterns are refused. Bounds are moved
into the description, where the model reads them though nothing enforces them. A schema whose sense lies
outside of the subset (free-form objects, recursion, tuples) has no strict form.
"""

from __future__ import annotations

from typing import Any

from antiphon.protocol.json import JSON, MalformedJSON, encode

_DEEPEST = 60
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_TEXTS = frozenset({"title", "description"})
_VALUES = frozenset({"enum", "const"})
_SHAPES = frozenset({"properties", "required", "additionalProperties", "items"})
_SAYS_ENOUGH = frozenset({"enum", "const", "anyOf", "allOf", "$ref"})
_COMBINED = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_DEFINED = ("$defs", "definitions")
_SAYS_NOTHING = frozenset(
    {"default", "examples", "example", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly"}
)
_BOUNDS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
     "pattern", "minItems", "maxItems", "uniqueItems", "contains", "minProperties", "maxProperties",
     "dependentRequired", "dependencies", "oneOf"}
)  # fmt: skip
_OPEN_ENDED = frozenset(
    {"patternProperties", "prefixItems", "not", "if", "then", "else", "dependentSchemas", "propertyNames",
     "unevaluatedProperties", "$dynamicRef", "$recursiveRef"}
)  # fmt: skip


class _NoStrictForm(Exception):
    pass


THROUGH_TOOL = "the answer comes through a tool, whose input this model cannot be held to"
IN_DESCRIPTIONS = "bounds that this model is not held to are told in descriptions"


def strict_schema(schema: Any) -> JSON | None:
    """The schema in the strict subset, or None if it has no form there. The schema given is not changed."""
    return reshaped(schema)[0]


def reshaped(schema: Any) -> tuple[JSON | None, bool]:
    """The same, and whether it lets pass what the schema does not."""
    shaper = _Shaper()
    try:
        shape = shaper.shape(schema, 0)
    except (_NoStrictForm, MalformedJSON):
        return None, False
    return (None, False) if shaper.leads_back() else (shape, shaper.looser)


class _Shaper:
    """Reshapes one schema, and notes which definition refers to which."""

    def __init__(self) -> None:
        self._uses: dict[str, set[str]] = {"#": set()}
        self._within = "#"
        self.looser = False  # than the schema given

    def shape(self, schema: Any, depth: int) -> JSON:
        if not isinstance(schema, dict) or depth > _DEEPEST or not _OPEN_ENDED.isdisjoint(schema):
            raise _NoStrictForm
        shape: JSON = {}
        bounds: list[str] = []
        for key, value in schema.items():
            if key in _VALUES:
                shape[key] = value
            elif key == "type" or (key in _TEXTS and isinstance(value, str)):
                shape[key] = _words(value)
            elif key in _DEFINED:
                shape[key] = self._definitions(key, value, depth)
            elif key in _COMBINED and isinstance(value, list):
                shape[_COMBINED[key]] = [self.shape(branch, depth + 1) for branch in value]
            elif key == "$ref":
                shape[key] = self._reference(value)
            elif _is_taken(key, value):
                shape[key] = value
            elif key not in _SHAPES and key not in _SAYS_NOTHING:
                bounds.append(f"{key} {encode(value).decode()}")
        self._add_members(shape, schema, depth)
        if bounds:
            words = (shape.get("description"), f"({'; '.join(bounds)})")
            shape["description"] = " ".join(filter(None, words))
        self.looser = self.looser or any(key in _BOUNDS and key not in shape for key in schema)
        return shape

    def leads_back(self) -> bool:
        """Whether a definition leads back to itself, or a reference nowhere."""
        uses = self._uses
        if not set().union(*uses.values()) <= uses.keys():
            return True
        while leaves := [name for name, used in uses.items() if not used & uses.keys()]:
            for name in leaves:
                del uses[name]
        return bool(uses)

    def _add_members(self, shape: JSON, schema: JSON, depth: int) -> None:
        """What an object or an array holds. A schema that allows just anything has no strict form."""
        kinds = shape.get("type", [])
        if "object" in kinds:
            further = schema.get("additionalProperties")
            if further not in (None, False) or (further is None and not schema.get("properties")):
                raise _NoStrictForm
            shape["properties"] = self._each(schema.get("properties", {}), depth)
            shape["required"] = _words(schema.get("required", []))
            shape["additionalProperties"] = False
        if "array" in kinds:
            shape["items"] = self.shape(schema.get("items"), depth + 1)
        if not kinds and shape.keys().isdisjoint(_SAYS_ENOUGH):
            raise _NoStrictForm

    def _each(self, schemas: Any, depth: int) -> JSON:
        if not isinstance(schemas, dict):
            raise _NoStrictForm
        return {name: self.shape(schema, depth + 1) for name, schema in schemas.items()}

    def _definitions(self, key: str, schemas: Any, depth: int) -> JSON:
        if depth > 0 or not isinstance(schemas, dict):
            raise _NoStrictForm
        shapes: JSON = {}
        for name, schema in schemas.items():
            self._within = f"#/{key}/{name}"
            self._uses[self._within] = set()
            shapes[name] = self.shape(schema, 1)
        self._within = "#"
        return shapes

    def _reference(self, reference: Any) -> str:
        if not isinstance(reference, str):
            raise _NoStrictForm
        self._uses[self._within].add(reference)
        return reference


def _words(value: Any) -> Any:
    """A word or a list of words."""
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(word, str) for word in value)):
        return value
    raise _NoStrictForm


def _is_taken(key: str, value: Any) -> bool:
    return (key == "format" and str(value) in _FORMATS) or (key == "minItems" and value in (0, 1))
