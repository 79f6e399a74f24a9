"""The OpenAPI document: it is one, it holds no dead links, and it agrees with what is accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from antiphon.edge.openapi import document
from antiphon.edge.reference_page import render
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.options import OPTIONS
from antiphon.protocol.request import FIELDS, Limits, create_response
from antiphon.protocol.response import begun
from tests.edge.test_parsing import ANYTHING, NAMES, st
from tests.protocol.asking import user

DOCUMENT = document("1.2.3")
SCHEMAS = DOCUMENT["components"]["schemas"]


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    )


def references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            elif key != "mapping":
                yield from references(inner)


def test_it_is_an_openapi_document() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    defined = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in DOCUMENT["components"][kind]
    }
    assert set(references(DOCUMENT)) == defined


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [
        operation["operationId"]
        for methods in DOCUMENT["paths"].values()
        for method, operation in methods.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names)) == 36


def test_every_field_of_a_request_is_described() -> None:
    assert SCHEMAS["CreateResponse"]["properties"].keys() == FIELDS | OPTIONS.keys()


def test_limits_that_are_settings_are_told() -> None:
    limits = Limits(max_output_tokens_minimum=16, user=200, store=False)
    request = document("1.2.3", limits)["components"]["schemas"]["CreateResponse"]["properties"]
    assert request["max_output_tokens"]["anyOf"][0]["minimum"] == 16
    assert request["user"]["anyOf"][0]["maxLength"] == 200
    assert request["store"]["default"] is False


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, ANYTHING, max_size=4))
def test_what_is_accepted_is_valid_by_the_document(fields: dict[str, Any]) -> None:
    body = {"model": "sim/echo", "input": "hello", **fields}
    try:
        create_response(body, Limits())
    except InvalidRequest:
        return
    validator("CreateResponse").validate(body)


@pytest.mark.parametrize(
    "fields", [{}, {"reasoning_effort": "low", "text": {"verbosity": "low"}, "user": "u"}]
)
def test_a_response_is_valid_by_the_document(fields: dict[str, Any]) -> None:
    request = create_response({"model": "sim/echo", "input": "hello", **fields}, Limits())
    response = begun(request, response_id="resp_1", created_at=1, provider="sim", model="sim/echo")
    validator("Response").validate(response)


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 3},
        {"metadata": {"a": 1}},
        {"include": ["everything"]},
        {"input": [{}]},
        {"input": [{"type": "function_call", "name": "f"}]},
        {"input": user({"type": "input_text"})},
        {"tools": [{"type": "function"}]},
        {"tool_choice": "maybe"},
        {"text": {"format": {"type": "xml"}}},
        {"reasoning": {"effort": "heroic"}},
        {"conversation": ""},
    ],
)
def test_what_is_mistyped_is_invalid_by_the_document_too(fields: dict[str, Any]) -> None:
    body = {"model": "sim/echo", "input": "hello", **fields}
    with pytest.raises(InvalidRequest):
        create_response(body, Limits())
    assert not validator("CreateResponse").is_valid(body)


def test_the_page_has_every_endpoint_and_schema_and_nothing_from_elsewhere() -> None:
    page = render(DOCUMENT).decode()
    assert all(path in page for path in DOCUMENT["paths"])
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= set(re.findall(r'id="?([\w-]+)', page))
    assert {f"schema-{name}" for name in SCHEMAS} <= links
    assert not re.search(r"<script|<link|<img|https?://|url\(", page)


def test_the_page_shows_text_as_text() -> None:
    hostile = "<script>alert(1)</script>"
    strange = document(hostile)
    strange["components"]["schemas"]["Usage"]["description"] = hostile
    assert hostile not in render(strange).decode()
