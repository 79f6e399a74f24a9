"""Is a value an instance of a schema? One small function a keyword, over regular schemas (see document).

`format` is an annotation, as it is by default in JSON schema, unless it is asked for; `unevaluated…` are not
looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias

from antiphon.core.json_schema.document import Document, Schema, Unsatisfiable
from antiphon.core.json_schema.formats import is_of

DEEPEST = 120  # nested schemas; a reference that leads back to itself ends here

Test: TypeAlias = Callable[[Any, Any, Schema, "Validity"], bool]


class Validity:
    """Tests values against the schemas of one document.

    A multiple is one by the decimals as written; with `divides`, also by the division of floats, as many
    other validators do it: 19.99 / 0.01 is no whole number to them. With `formats`, those that are known
    must hold.
    """

    def __init__(self, document: Document, *, divides: bool = False, formats: bool = False) -> None:
        self.document = document
        self.divides = divides
        self.formats = formats
        self._depth = 0

    def holds(self, value: Any, schema: Any) -> bool:
        """Raises Unsatisfiable when the document's work runs out or its references go in circles."""
        return self.broken(value, schema) is None

    def broken(self, value: Any, schema: Any) -> str | None:
        """The first keyword of the regular schema that the value does not meet. Raises as `holds` does."""
        if self._depth > DEEPEST:
            raise Unsatisfiable("it is nested too deeply")
        self._depth += 1
        try:
            regular = self.document.regular(schema)
            for keyword, expected in regular.items():
                if keyword in _KEYWORDS and not _KEYWORDS[keyword](value, expected, regular, self):
                    return keyword
            return None
        finally:
            self._depth -= 1


def same(one: Any, other: Any) -> bool:
    """Equality of JSON: 1 is 1.0, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def exact(value: float) -> Fraction:
    """The number as its decimals say: 0.1 is one tenth."""
    return Fraction(value) if isinstance(value, int) else Fraction(str(value))


def applicable(schema: Schema, name: str, document: Document) -> list[Any]:
    """The schemas that a regular object schema has for the property `name`."""
    found = [schema["properties"][name]] if name in schema.get("properties", ()) else []
    for pattern, inner in schema.get("patternProperties", {}).items():
        if document.matches(pattern, name):
            found.append(inner)
    return found or ([schema["additionalProperties"]] if "additionalProperties" in schema else [])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and value == int(value),
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _of_type(kind: type | Callable[[Any], bool], test: Callable[[Any, Any], bool]) -> Test:
    """A test that only concerns values of one kind; others pass."""

    def concerns(value: Any) -> bool:
        return isinstance(value, kind) if isinstance(kind, type) else kind(value)

    return lambda value, expected, schema, validity: not concerns(value) or test(value, expected)


def _type(value: Any, expected: list[str], schema: Schema, validity: Validity) -> bool:
    return any(_TYPES[name](value) for name in expected if name in _TYPES)


def _multiple_of(value: Any, expected: float, schema: Schema, validity: Validity) -> bool:
    if not _is_number(value):
        return True
    if exact(value) % exact(expected):
        return False
    whole = isinstance(value, int) and isinstance(expected, int)
    return whole or not validity.divides or float(value / expected).is_integer()


def _enum(value: Any, expected: list[Any], schema: Schema, validity: Validity) -> bool:
    validity.document.spend(len(expected) // 100)
    return any(same(value, member) for member in expected)


def _patterns(value: Any, expected: list[str], schema: Schema, validity: Validity) -> bool:
    if not isinstance(value, str):
        return True
    return all(validity.document.matches(pattern, value) for pattern in expected)


def _format(value: Any, expected: str, schema: Schema, validity: Validity) -> bool:
    return not validity.formats or not isinstance(value, str) or is_of(expected, value)


def _unique(value: Any, expected: bool, schema: Schema, validity: Validity) -> bool:
    if not expected or not isinstance(value, list):
        return True
    validity.document.spend(len(value) ** 2 // 100)
    return not any(same(one, other) for at, one in enumerate(value) for other in value[:at])


def _prefix_items(value: Any, expected: list[Any], schema: Schema, validity: Validity) -> bool:
    return not isinstance(value, list) or all(map(validity.holds, value, expected))


def _items(value: Any, expected: Any, schema: Schema, validity: Validity) -> bool:
    if not isinstance(value, list):
        return True
    return all(validity.holds(element, expected) for element in value[len(schema.get("prefixItems", ())) :])


def _contains(value: Any, expected: list[Any], schema: Schema, validity: Validity) -> bool:
    if not isinstance(value, list):
        return True
    return all(
        low <= sum(validity.holds(element, inner) for element in value) <= high
        for inner, low, high in expected
    )


def _properties(value: Any, expected: Any, schema: Schema, validity: Validity) -> bool:
    """Judges by `patternProperties` and `additionalProperties` too: regular schemas with those have this."""
    if not isinstance(value, dict):
        return True
    return all(
        validity.holds(member, inner)
        for name, member in value.items()
        for inner in applicable(schema, name, validity.document)
    )


def _property_names(value: Any, expected: Any, schema: Schema, validity: Validity) -> bool:
    return not isinstance(value, dict) or all(validity.holds(name, expected) for name in value)


def _dependent_required(value: Any, expected: Any, schema: Schema, validity: Validity) -> bool:
    if not isinstance(value, dict):
        return True
    return all(set(names) <= value.keys() for name, names in expected.items() if name in value)


def _dependent_schemas(value: Any, expected: Any, schema: Schema, validity: Validity) -> bool:
    if not isinstance(value, dict):
        return True
    return all(validity.holds(value, inner) for name, inner in expected.items() if name in value)


def _reference(value: Any, expected: str, schema: Schema, validity: Validity) -> bool:
    return validity.holds(value, validity.document.resolve(expected))


def _all_of(value: Any, expected: list[Any], schema: Schema, validity: Validity) -> bool:
    return all(validity.holds(value, inner) for inner in expected)


def _any_of(value: Any, expected: list[Any], schema: Schema, validity: Validity) -> bool:
    return any(validity.holds(value, inner) for inner in expected)


def _one_of(value: Any, expected: list[Any], schema: Schema, validity: Validity) -> bool:
    return sum(validity.holds(value, inner) for inner in expected) == 1


def _not(value: Any, expected: Any, schema: Schema, validity: Validity) -> bool:
    return not validity.holds(value, expected)


def _if(value: Any, expected: Any, schema: Schema, validity: Validity) -> bool:
    branch = "then" if validity.holds(value, expected) else "else"
    return branch not in schema or validity.holds(value, schema[branch])


_KEYWORDS: dict[str, Test] = {
    "type": _type,
    "enum": _enum,
    "minimum": _of_type(_is_number, lambda value, bound: value >= bound),
    "maximum": _of_type(_is_number, lambda value, bound: value <= bound),
    "exclusiveMinimum": _of_type(_is_number, lambda value, bound: value > bound),
    "exclusiveMaximum": _of_type(_is_number, lambda value, bound: value < bound),
    "multipleOf": _multiple_of,
    "minLength": _of_type(str, lambda value, bound: len(value) >= bound),
    "maxLength": _of_type(str, lambda value, bound: len(value) <= bound),
    "patterns": _patterns,
    "format": _format,
    "minItems": _of_type(list, lambda value, bound: len(value) >= bound),
    "maxItems": _of_type(list, lambda value, bound: len(value) <= bound),
    "uniqueItems": _unique,
    "prefixItems": _prefix_items,
    "items": _items,
    "contains": _contains,
    "minProperties": _of_type(dict, lambda value, bound: len(value) >= bound),
    "maxProperties": _of_type(dict, lambda value, bound: len(value) <= bound),
    "required": _of_type(dict, lambda value, names: value.keys() >= set(names)),
    "properties": _properties,
    "propertyNames": _property_names,
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
    "$ref": _reference,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
}
