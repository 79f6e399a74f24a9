"""The two published specifications as validators, and the places where they are wrong or disagree.

The files live outside the project, in the folder named by ANTIPHON_REFERENCE. Everything that the gateway
sends is valid by both, but for what stands here, one by one: each amendment changes one place of one
document, first makes sure that the place still is as it was when this was written, and says why. So a
defect that is mended by its authors makes a test fail, and nothing beside the defect goes unchecked.

    Open Responses, version of 2026-04-24      OpenAI, version of 2026-08-21
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

FOLDER = Path(os.environ.get("ANTIPHON_REFERENCE", ""))
OPEN_RESPONSES = FOLDER / "openresponses-openapi-2026-04-24.json"
OPENAI = FOLDER / "openai-openapi-2026-08-21.json"

needed = pytest.mark.skipif(
    not FOLDER.name, reason="ANTIPHON_REFERENCE is not set: no published specifications here"
)

Schemas = dict[str, Any]
REF = "#/components/schemas/"


class Specification:
    """The schemas of one document."""

    def __init__(self, schemas: Schemas, event_names: list[str]) -> None:
        self.schemas = schemas
        self.events = {kind: name for name in event_names for kind in _kinds(schemas[name])}

    def check(self, name: str, value: Any) -> None:
        """Asserts that the value is valid by the schema of this name."""
        if not _judge(self, name).is_valid(value):
            error = best_match(Draft202012Validator(_schema(self, name)).iter_errors(value))
            assert error is not None, f"{name}: the two validators disagree about {value}"
            place = ".".join(map(str, error.absolute_path))
            raise AssertionError(f"{name}: {place}: {error.message[:500]}")

    def check_event(self, event: Any) -> None:
        """Asserts that it is one of the events."""
        assert event["type"] in self.events, f"{event['type']} is no event of this specification"
        self.check(self.events[event["type"]], event)


def _kinds(schema: Any) -> list[str]:
    return list(schema["properties"]["type"]["enum"])


@cache
def _judge(specification: Specification, name: str) -> jsonschema_rs.Draft202012Validator:
    """Says in a hundredth of the time whether a value is valid; the other one says best why it is not."""
    return jsonschema_rs.Draft202012Validator(_schema(specification, name))


def _schema(specification: Specification, name: str) -> Any:
    return {"$ref": f"{REF}{name}", "components": {"schemas": specification.schemas}}


@cache
def open_responses(*, amended: bool = True) -> Specification:
    schemas = _read(OPEN_RESPONSES)
    names = [name for name in schemas if name.endswith("StreamingEvent")]
    for amend in _OF_OPEN_RESPONSES if amended else ():
        names += amend(schemas) or ()
    return Specification(schemas, names)


@cache
def openai(*, amended: bool = True) -> Specification:
    schemas = _read(OPENAI)
    for amend in _OF_OPENAI if amended else ():
        amend(schemas)
    return Specification(schemas, [_name(entry) for entry in schemas["ResponseStreamEvent"]["anyOf"]])


def _read(file: Path) -> Schemas:
    schemas: Schemas = json.loads(file.read_text())["components"]["schemas"]
    return schemas


def _name(reference: Any) -> str:
    return str(reference["$ref"]).removeprefix(REF)


def _amend(properties: Any, name: str, old: Any, new: Any) -> None:
    shown = {key: value for key, value in properties[name].items() if key != "description"}
    assert shown == old, f"{name} has changed: {shown}"
    properties[name] = new


# Open Responses


def _schema_of_a_format(schemas: Schemas) -> None:
    """A defect: the echo of `text.format.schema` may only be null, so no JSON schema can be echoed."""
    echoed = schemas["JsonSchemaResponseFormat"]["properties"]
    _amend(echoed, "schema", {"anyOf": [{"type": "null"}]}, {"type": ["object", "null"]})


def _flat_error(schemas: Schemas) -> None:
    """A disagreement: the error event nests its error; OpenAI's is flat, and OpenAI's libraries raise at
    once on a nested one, so that nobody would see the `response.failed` that follows."""
    event = schemas["ErrorStreamingEvent"]
    assert event["required"] == ["type", "sequence_number", "error"]
    flat = dict(schemas["ErrorPayload"]["properties"]) | event["properties"]
    del flat["error"]
    event["properties"] = flat
    event["required"] = ["type", "sequence_number", "code", "message", "param"]


def _other_tools(schemas: Schemas) -> None:
    """An extension: tools that OpenAI has and Open Responses has not (custom tools, namespaces) are echoed
    by the names that OpenAI gives them, without a vendor's prefix, as every server does."""
    _extend(schemas["Tool"], {"not": {"properties": {"type": {"const": "function"}}}})


def _chosen_tools(schemas: Schemas) -> None:
    """The same for `tool_choice`: a custom tool can be demanded."""
    echoed = schemas["ResponseResource"]["properties"]["tool_choice"]["oneOf"]
    echoed.append(
        {
            "type": "object",
            "properties": {"type": {"const": "custom"}, "name": {"type": "string"}},
            "required": ["type", "name"],
        }
    )


def _custom_calls(schemas: Schemas) -> list[str]:
    """The same for calls of custom tools and the events that tell of them."""
    theirs = _read(OPENAI)
    found: Schemas = {}
    events = ["ResponseCustomToolCallInputDeltaEvent", "ResponseCustomToolCallInputDoneEvent"]
    for name in ("CustomToolCall", *events):
        _take(theirs, name, found)
    assert not found.keys() & schemas.keys()
    schemas.update(found)
    schemas["ItemField"]["oneOf"].append({"$ref": f"{REF}CustomToolCall"})
    return events


def _raw_reasoning(schemas: Schemas) -> list[str]:
    """A defect: `response.reasoning.delta` breaks the specification's own pattern for the names of events
    (`response.<content type>.delta`); OpenAI and all known emitters say `response.reasoning_text.delta`."""
    theirs = _read(OPENAI)
    assert not any(
        "response.reasoning_text" in kind for name in schemas for kind in _kinds_if_any(schemas[name])
    )
    events = ["ResponseReasoningTextDeltaEvent", "ResponseReasoningTextDoneEvent"]
    for name in events:
        _take(theirs, name, schemas)
    return events


_OF_OPEN_RESPONSES: tuple[Callable[[Schemas], list[str] | None], ...] = (
    _schema_of_a_format,
    _flat_error,
    _other_tools,
    _chosen_tools,
    _custom_calls,
    _raw_reasoning,
)


def _extend(union: Any, schema: Any) -> None:
    assert len(union["oneOf"]) == 1
    union["oneOf"].append(schema)


def _kinds_if_any(schema: Any) -> list[str]:
    return list(schema.get("properties", {}).get("type", {}).get("enum", ()))


def _take(source: Schemas, name: str, into: Schemas) -> None:
    """A schema of the other document, with all that it refers to."""
    if name not in into:
        into[name] = source[name]
        for referred in _references(source[name]):
            _take(source, referred, into)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield _name(value)
        for key, inner in value.items():
            if key != "discriminator":
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


# OpenAI


def _usage_of_a_beginning(schemas: Schemas) -> None:
    """A defect: `usage` may not be null, and is null in OpenAI's own `response.created` and
    `response.in_progress`, as in the examples of this very document; Open Responses demands the key."""
    own = schemas["Response"]["allOf"][2]["properties"]
    _amend(
        own,
        "usage",
        {"$ref": f"{REF}ResponseUsage"},
        {"anyOf": [{"$ref": f"{REF}ResponseUsage"}, {"type": "null"}]},
    )
    assert '"usage": null' in schemas["ResponseCreatedEvent"]["x-oaiMeta"]["example"]


def _description_of_a_format(schemas: Schemas) -> None:
    """A disagreement: the echo of `text.format.description` may be left out and not be null; Open Responses
    demands the key and allows null, which is what OpenAI sends."""
    echoed = schemas["TextResponseFormatJsonSchema"]["properties"]
    _amend(echoed, "description", {"type": "string"}, {"type": ["string", "null"]})


def _hosted_calls_as_they_begin(schemas: Schemas) -> None:
    """A defect: what a hosted call comes to is demanded of it when it begins; OpenAI's own streams, relayed
    here as they came, leave `result` and `action` out until there is one."""
    for name, known_later in (("ImageGenToolCall", "result"), ("WebSearchToolCall", "action")):
        schemas[name]["required"].remove(known_later)


def _search_that_was_cut(schemas: Schemas) -> None:
    """A later version: a search may be `incomplete` since version 3.52 of OpenAI's library."""
    status = schemas["WebSearchToolCall"]["properties"]["status"]
    assert status["enum"] == ["in_progress", "searching", "completed", "failed"]
    status["enum"] = [*status["enum"], "incomplete"]


_OF_OPENAI: tuple[Callable[[Schemas], None], ...] = (
    _usage_of_a_beginning,
    _description_of_a_format,
    _hosted_calls_as_they_begin,
    _search_that_was_cut,
)
