"""JSON schemas in the subset that Gemini takes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from antiphon.upstream.dialects.gemini.schema import reshaped
from tests.upstream.dialects.gemini.checker import schema as check


def shape(schema: dict[str, Any]) -> Any:
    before = deepcopy(schema)
    found, _ = reshaped(schema)
    assert schema == before
    if found is not None:
        check(found)
    return found


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"type": "string", "format": "date", "title": "t"},
            {"type": "string", "format": "date", "title": "t"},
        ),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"enum": ["a", None]}, {"anyOf": [{"type": "null"}, {"enum": ["a"]}]}),
        ({"const": None}, {"type": "null"}),
        ({"type": "string", "pattern": "^a"}, {"type": "string", "description": '(pattern "^a")'}),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        ({"allOf": [{"type": "string"}], "description": "d"}, {"type": "string", "description": "d"}),
        (
            {"type": "array", "items": {"minLength": 1}},
            {"type": "array", "items": {"description": "(minLength 1)"}},
        ),
        ({"$schema": "s", "default": 1, "type": "integer"}, {"type": "integer"}),
        (
            {"oneOf": [{"type": "string"}, {"type": "null"}]},
            {"oneOf": [{"type": "string"}, {"type": "null"}]},
        ),
        ({"additionalProperties": {"const": 1}}, {"additionalProperties": {"enum": [1]}}),
    ],
)
def test_each_keyword_has_its_form(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert shape(schema) == expected


def test_words_follow_the_description_that_is_there() -> None:
    found = shape({"type": "number", "description": "A size.", "exclusiveMinimum": 0, "multipleOf": 2})
    assert found == {"type": "number", "description": "A size. (exclusiveMinimum 0; multipleOf 2)"}


def test_whether_something_is_only_told_is_known() -> None:
    assert reshaped({"type": "string", "maxLength": 3})[1]
    assert not reshaped({"type": "array", "maxItems": 3})[1]


def test_definitions_have_one_name_and_references_stand_alone() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/definitions/node", "description": "d"}}}
    found = shape({"$ref": "#/definitions/node", "definitions": {"node": node}})
    assert found["anyOf"] == [{"$ref": "#/$defs/node"}]
    assert found["$defs"]["node"]["properties"]["next"] == {
        "description": "d",
        "anyOf": [{"$ref": "#/$defs/node"}],
    }


def test_a_definition_that_cannot_do_without_itself_has_no_form() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    whole = {"$defs": {"node": node}, "type": "object", "properties": {"top": {"$ref": "#/$defs/node"}}}
    assert shape(whole) is not None
    node["required"] = ["next"]
    assert shape(whole) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": False}},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": 3},
        {"$defs": 3},
        {"enum": "a"},
        {"items": {"$defs": {}}},
    ],
)
def test_what_makes_no_sense_there_has_no_form(schema: dict[str, Any]) -> None:
    assert shape(schema) is None


KEYWORDS = st.sampled_from(
    [
        *("type", "properties", "items", "anyOf", "allOf", "$ref", "$defs", "definitions", "const", "enum"),
        *("required", "additionalProperties", "not", "pattern", "description", "a"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(["object", "#/$defs/a", "#"])
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=4)
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYWORDS, ANYTHING, max_size=5))
@example({"description": [None], "properties": None})
def test_whatever_a_client_calls_a_schema_nothing_stumbles(anything: dict[str, Any]) -> None:
    before = deepcopy(anything)
    reshaped(anything)
    assert anything == before


def test_depth_has_an_end() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(100):
        deep = {"type": "array", "items": deep}
    assert shape(deep) is None


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"enum": ["a", None]}, ["a", None]),
        ({"const": "a"}, ["a"]),
        ({"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}, [{"a": 1}]),
        ({"type": "string", "minLength": 2}, ["ab"]),
        ({"definitions": {"x": {"type": "null"}}, "$ref": "#/definitions/x"}, [None]),
    ],
)
def test_what_meets_the_schema_meets_its_form(schema: dict[str, Any], values: list[Any]) -> None:
    for value in values:
        jsonschema.validate(value, schema)
        jsonschema.validate(value, shape(schema))
