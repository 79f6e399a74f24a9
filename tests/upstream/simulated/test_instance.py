"""The instances that the simulated model makes are valid, always the same, and never slow to come by."""

from __future__ import annotations

import contextlib
import functools
import json
import time
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, event, given, settings
from jsonschema import Draft7Validator, Draft202012Validator
from pydantic import BaseModel, Field

from antiphon.core.json_schema.document import Unsatisfiable
from antiphon.upstream.simulated.instance import instance
from tests.upstream.simulated.schemas import anything, malformed, satisfiable

quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(satisfiable)
def test_a_satisfiable_schema_gets_a_valid_instance(schema: dict[str, Any]) -> None:
    Draft202012Validator(schema).validate(instance(schema))


@quick
@given(anything)
def test_whatever_the_schema_an_instance_is_valid_or_there_is_none(schema: dict[str, Any]) -> None:
    try:
        value = instance(schema)
    except Unsatisfiable:
        event("unsatisfiable")
        return
    event("made")
    try:
        Draft202012Validator(schema).validate(value)
    except RecursionError:
        event("references in a circle: beyond the other validator")


@quick
@given(satisfiable)
def test_the_same_schema_gets_the_same_instance(schema: dict[str, Any]) -> None:
    assert instance(schema) == instance(schema)


@quick
@given(malformed)
def test_what_is_no_schema_is_ignored_or_refused_but_never_an_accident(schema: dict[str, Any]) -> None:
    with contextlib.suppress(Unsatisfiable):
        instance(schema)


HARD: dict[str, Any] = {
    "a tree": {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["value", "next", "children"],
                "additionalProperties": False,
            }
        },
    },
    "recursion to the root": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "more": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name", "more"],
    },
    "a pointer with escapes": {"$ref": "#/$defs/a~1b%25c", "$defs": {"a/b%c": {"const": 3}}},
    "an anchor": {"$ref": "#here", "$defs": {"x": {"$anchor": "here", "type": "boolean"}}},
    "exclusive alternatives": {"oneOf": [{"type": "string"}, {"type": "string", "minLength": 3}]},
    "exclusive numbers": {"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 0}]},
    "a condition": {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "size": {"type": "integer"}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"required": ["size"], "properties": {"size": {"minimum": 100}}},
    },
    "allOf with closed objects": {
        "allOf": [
            {"properties": {"a": {"type": "string"}}, "additionalProperties": False},
            {"properties": {"a": {"minLength": 9}, "b": {"type": "integer"}}, "required": ["a"]},
        ]
    },
    "distinct values": {
        "type": "array",
        "uniqueItems": True,
        "minItems": 30,
        "items": {"type": "string", "minLength": 2, "maxLength": 2},
    },
    "distinct objects": {
        "type": "array",
        "uniqueItems": True,
        "minItems": 4,
        "items": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    },
    "a tuple that contains": {
        "type": "array",
        "prefixItems": [{"type": "string"}],
        "items": {"type": "integer"},
        "contains": {"minimum": 50},
        "minContains": 2,
    },
    "names by pattern": {
        "type": "object",
        "minProperties": 2,
        "patternProperties": {"^x-[a-z]+$": {"type": "integer"}},
        "additionalProperties": False,
    },
    "old spellings": {
        "type": "array",
        "items": [{"type": "number", "minimum": 0, "exclusiveMinimum": True}, {"$ref": "#/definitions/d"}],
        "additionalItems": False,
        "minItems": 2,
        "definitions": {"d": {"type": "object", "dependencies": {"a": ["b"]}, "properties": {"a": {}}}},
    },
    "a narrow gap": {"type": "number", "exclusiveMinimum": 0.1, "exclusiveMaximum": 0.2},
    "whole multiples": {"type": "integer", "multipleOf": 1.5, "minimum": 4},
    "a pattern and a length": {"type": "string", "pattern": "^[A-F0-9]+$", "minLength": 64, "maxLength": 64},
}


@pytest.mark.parametrize("schema", HARD.values(), ids=HARD)
def test_a_hard_schema_gets_a_valid_instance(schema: dict[str, Any]) -> None:
    validator = Draft7Validator if "definitions" in schema else Draft202012Validator
    value = instance(schema)
    validator(_without_draft_4(schema)).validate(value)


def _without_draft_4(schema: dict[str, Any]) -> dict[str, Any]:
    return json.loads(
        json.dumps(schema).replace('"minimum": 0, "exclusiveMinimum": true', '"exclusiveMinimum": 0')
    )


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    tags: dict[str, int] = Field(min_length=2)
    mother: Dog | None = None


class Owner(BaseModel):
    name: str = Field(min_length=2, max_length=40, pattern=r"^[A-Z][a-z]+$")
    email: str | None
    born: date
    id: UUID
    share: Decimal = Field(gt=0, lt=1, decimal_places=2)
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = Field(min_length=2, max_length=3)
    place: tuple[float, float]


def test_a_model_of_a_typed_client_library_accepts_the_instance_of_its_schema() -> None:
    owner = Owner.model_validate(instance(Owner.model_json_schema()))
    assert owner.pets and owner.email


def test_a_property_with_a_hint_takes_it_where_it_is_valid() -> None:
    schema = {"properties": {"city": {"type": "string"}, "place": {"type": "string", "maxLength": 2}}}
    assert instance(schema, {"city": "Paris", "place": "Paris"}) == {"city": "Paris", "place": "aa"}


HOSTILE: dict[str, Any] = {
    "no value": False,
    "a reference to itself": {"$ref": "#"},
    "endless nesting": {"required": ["a"], "type": "object", "properties": {"a": {"$ref": "#"}}},
    "a remote reference": {"$ref": "https://example.com/schema"},
    "a contradiction": {"type": "string", "allOf": [{"type": "integer"}]},
    "a very long text": {"type": "string", "minLength": 10**400},
    "a very long list": {"type": "array", "minItems": 10**9},
    "very many properties": {"type": "object", "minProperties": 10**9},
    "every name refused": {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"maxLength": 0, "minLength": 1},
    },
    "huge numbers": {"type": "number", "exclusiveMinimum": 10**400, "exclusiveMaximum": 10**400 + 1},
    "a long repetition": {"type": "string", "pattern": "^(a{999}){999}$"},
    "an unreadable pattern": {"type": "string", "pattern": "(?=a)b"},
    "a costly pattern": {"enum": ["a" * 5000], "pattern": "^((a*)*)*b$"},
    "doubling": {
        "$ref": "#/$defs/0",
        "$defs": {
            str(n): {"type": "array", "prefixItems": [{"$ref": f"#/$defs/{n + 1}"}] * 2, "minItems": 2}
            for n in range(40)
        }
        | {"40": {}},
    },
    "many choices": {
        "allOf": [{"anyOf": [{"minimum": 1, "type": "integer"}, {"type": "integer"}]}] * 40,
        "not": {},
    },
    "deep nesting": functools.reduce(
        lambda inner, _: {"items": inner, "minItems": 1, "type": "array"}, range(600), {}
    ),
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_a_schema_without_an_instance_or_made_to_be_costly_is_refused_soon(schema: Any) -> None:
    begun = time.process_time()
    with pytest.raises(Unsatisfiable):
        instance(schema)
    assert time.process_time() - begun < 2
