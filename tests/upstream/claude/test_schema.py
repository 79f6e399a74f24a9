"""JSON schemas in the strict subset."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from antiphon.upstream.claude.schema import reshaped, strict_schema

TEXT = {"type": "string"}


def holding(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_objects_are_closed_at_every_depth() -> None:
    schema = strict_schema(holding(a=holding(b=TEXT), c={"type": "array", "items": holding(d=TEXT)}))
    assert schema is not None
    inner = schema["properties"]
    assert schema["additionalProperties"] is False
    assert inner["a"]["additionalProperties"] is inner["c"]["items"]["additionalProperties"] is False


def test_what_must_be_there_must_be_there() -> None:
    schema = strict_schema({**holding(a=TEXT, b=TEXT), "required": ["b"]})
    assert schema is not None
    assert schema["required"] == ["b"]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "integer", "minimum": 1}, {"type": "integer", "description": "(minimum 1)"}),
        (
            {"type": "string", "description": "A word.", "maxLength": 5, "pattern": "^a"},
            {"type": "string", "description": 'A word. (maxLength 5; pattern "^a")'},
        ),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "regex"}, {"type": "string", "description": '(format "regex")'}),
        (
            {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 3},
            {"type": "array", "items": TEXT, "minItems": 1, "description": "(maxItems 3)"},
        ),
        ({"enum": ["a", None], "default": "a"}, {"enum": ["a", None]}),
        ({"oneOf": [TEXT, {"type": "null"}]}, {"anyOf": [TEXT, {"type": "null"}]}),
        ({"type": ["string", "null"], "title": "T"}, {"type": ["string", "null"], "title": "T"}),
    ],
)
def test_what_the_subset_has_not_is_said_in_the_description(schema: Any, said: Any) -> None:
    whole = strict_schema(holding(x=schema))
    assert whole is not None
    assert whole["properties"]["x"] == said


@pytest.mark.parametrize(
    ("schema", "looser"),
    [
        (TEXT, False),
        ({"type": "array", "items": TEXT, "minItems": 1}, False),
        ({"type": "string", "format": "int32", "x-order": 1}, False),
        ({"type": "array", "items": TEXT, "minItems": 2}, True),
        ({"type": "string", "pattern": "^a"}, True),
        ({"oneOf": [TEXT, {"type": "null"}]}, True),
    ],
)
def test_whether_it_lets_pass_what_the_schema_does_not_is_told(schema: Any, looser: bool) -> None:
    assert reshaped(holding(x=schema))[1] is looser


def test_references_stay() -> None:
    schema = {**holding(a={"$ref": "#/$defs/A"}), "$defs": {"A": holding(b={"$ref": "#/$defs/B"}), "B": TEXT}}
    said = strict_schema(schema)
    assert said is not None
    assert said["properties"]["a"] == {"$ref": "#/$defs/A"}
    assert said["$defs"]["A"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        "object",
        {"type": "object"},
        {"type": "object", "additionalProperties": True},
        {"type": "object", "additionalProperties": TEXT},
        {"type": "array"},
        holding(a={}),
        holding(a=True),
        holding(a={"type": "array", "prefixItems": [TEXT]}),
        {**holding(a=TEXT), "patternProperties": {"^x": TEXT}},
        {**holding(a={"$ref": "#"})},
        {**holding(a={"$ref": "https://e.com/schema"})},
        {**holding(a={"$ref": "#/$defs/none"})},
        {**holding(a={"$ref": "#/$defs/A"}), "$defs": {"A": holding(b={"$ref": "#/$defs/A"})}},
    ],
)
def test_what_lies_outside_of_the_subset_has_no_strict_form(schema: Any) -> None:
    assert strict_schema(schema) is None


def test_a_description_that_is_no_text_spoils_nothing() -> None:
    odd = strict_schema(holding(a={"type": "string", "description": ["a", "b"], "maxLength": 5}))
    assert odd is not None
    assert odd["properties"]["a"]["description"] == '(description ["a","b"]; maxLength 5)'


def test_no_depth_is_too_deep() -> None:
    schema: Any = TEXT
    values: Any = []
    for _ in range(900):
        schema, values = holding(a=schema), [values]
    assert strict_schema(schema) is None
    assert strict_schema(holding(a={"enum": [values]})) is not None


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    said = strict_schema(holding(enum=TEXT, required=TEXT, **{"$ref": TEXT}))
    assert said is not None
    assert said["properties"] == {"enum": TEXT, "required": TEXT, "$ref": TEXT}


KEYS = some.sampled_from(
    [
        "type",
        "properties",
        "required",
        "items",
        "$ref",
        "$defs",
        "anyOf",
        "enum",
        "description",
        "format",
        "maxItems",
    ]
)
ODD = some.recursive(
    some.sampled_from([None, True, 1, "object", "array", "string", "#/$defs/x"]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(KEYS, inner, max_size=4),
)


@given(ODD)
def test_no_schema_is_changed_and_none_is_too_odd(schema: Any) -> None:
    before = deepcopy(schema)
    strict_schema(schema)
    assert schema == before
