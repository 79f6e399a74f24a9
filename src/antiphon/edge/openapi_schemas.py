"""The schemas of the OpenAPI document: made from the very types that requests are checked against.

Three things those types do not say are added here: what the raw lists in them hold, that `null` is the
same as leaving a field of the request out, and that a kind of item, part or tool not named is carried.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.json import schema_components

from antiphon.edge.openapi_answers import ANSWERS
from antiphon.edge.openapi_kept import KEPT
from antiphon.protocol.content import PARTS
from antiphon.protocol.conversations import (
    MOST_ITEMS,
    ConversationChange,
    ConversationInput,
    ConversationItems,
)
from antiphon.protocol.items import ITEMS
from antiphon.protocol.json import JSON
from antiphon.protocol.options import OPTIONS
from antiphon.protocol.prompts import PromptVersion
from antiphon.protocol.request import COUNTED, CreateResponse, Limits
from antiphon.protocol.tool_choice import FORMS, MODES, HostedChoice
from antiphon.protocol.tools import TOOLS

CONVERSATIONS: tuple[type[Struct], ...] = (ConversationInput, ConversationChange, ConversationItems)
_TEMPLATE = "#/components/schemas/{name}"

# What lists of plain objects hold, by schema and property.
_HOLDS = {
    ("CreateResponse", "input"): "InputItem",
    ("CreateResponse", "tools"): "Tool",
    ("ConversationInput", "items"): "InputItem",
    ("ConversationItems", "items"): "InputItem",
    ("Message", "content"): "ContentPart",
    ("CallOutput", "output"): "ContentPart",
    ("Reasoning", "summary"): "ContentPart",
    ("Reasoning", "content"): "ContentPart",
    ("AdditionalTools", "tools"): "Tool",
    ("ToolSearchOutput", "tools"): "Tool",
    ("NamespaceTool", "tools"): "Tool",
    ("AllowedTools", "tools"): "ToolChoice",
    ("Response", "output"): "OutputItem",
    ("MessageOutput", "content"): "ContentPart",
    ("ReasoningOutput", "summary"): "ContentPart",
    ("ReasoningOutput", "content"): "ContentPart",
    ("InputItemList", "data"): "StoredItem",
}
_OUTPUT_ITEMS = {
    "message": "MessageOutput",
    "function_call": "FunctionCallOutput",
    "custom_tool_call": "CustomToolCallOutput",
    "reasoning": "ReasoningOutput",
}
_METADATA: JSON = {
    "type": "object",
    "description": "Up to 16 pairs, for you to find things again.",
    "maxProperties": 16,
    "propertyNames": {"maxLength": 64},
    "additionalProperties": {"type": "string", "maxLength": 512},
}


def ref(name: str) -> JSON:
    return {"$ref": _TEMPLATE.format(name=name)}


def schemas(limits: Limits) -> JSON:
    """Every schema of the document, by name."""
    named = (*PARTS.values(), *ITEMS.values(), *TOOLS.values(), *FORMS.values())
    asked = (CreateResponse, *CONVERSATIONS, PromptVersion)
    ordered = list(dict.fromkeys((*asked, *ANSWERS, *KEPT, *named)))
    options, found = schema_components([*ordered, *OPTIONS.values()], ref_template=_TEMPLATE)
    made = {name: _tidy(schema) for name, schema in found.items()}
    for (name, field), held in _HOLDS.items():
        _fill(made[name]["properties"][field], ref(held))
    made["ItemEvent"]["properties"]["item"] = ref("OutputItem")
    made["PromptVersion"]["additionalProperties"] = False
    _bound(made["CreateResponse"]["properties"], limits)
    _describe_conversations(made)
    _describe_request(made, dict(zip(OPTIONS, options[len(ordered) :], strict=True)))
    made["ContentPart"] = _any_of(PARTS.values(), _other(PARTS, ()))
    made["InputItem"] = _any_of(ITEMS.values(), _other([*ITEMS, "compaction_trigger"], ()))
    made["Tool"] = _any_of(TOOLS.values(), _other(TOOLS, ()))
    made["ToolChoice"] = {
        "anyOf": [{"enum": list(MODES)}, *_any_of(FORMS.values(), _hosted_choice())["anyOf"]]
    }
    made["OutputItem"] = {
        "anyOf": [*map(ref, _OUTPUT_ITEMS.values()), _other(_OUTPUT_ITEMS, ("id",))],
        "description": "Something that came of the response.",
    }
    made["StoredItem"] = {**_other((), ("id",)), "description": "An item of the input, as it was kept."}
    made["Event"] = {
        "anyOf": [
            *map(ref, ("LifecycleEvent", "ErrorEvent", "ItemEvent", "ProgressEvent", "ContinuationEvent"))
        ],
        "description": "One server-sent event: its `event:` is its `type`, its `data:` is this object.",
    }
    return dict(sorted(made.items()))


def _bound(properties: JSON, limits: Limits) -> None:
    """The bounds that are settings."""
    tokens, text_or_items = properties["max_output_tokens"]["anyOf"][0], properties["input"]["anyOf"]
    tokens["minimum"], tokens["maximum"] = limits.max_output_tokens_minimum, limits.max_output_tokens_maximum
    text_or_items[1]["maxItems"] = limits.input_items
    properties["user"]["anyOf"][0]["maxLength"] = limits.user
    properties["tools"]["maxItems"] = limits.tools
    properties["store"]["default"] = limits.store
    properties["adaptation"]["default"] = limits.adaptation


def _describe_request(made: JSON, options: JSON) -> None:
    """The request's own properties, and the smaller request that only counts tokens."""
    request = made["CreateResponse"]
    properties = request["properties"]
    del properties["extra"]
    properties["metadata"] = _METADATA
    properties["tool_choice"] = ref("ToolChoice")
    for name, schema in options.items():
        properties[name] = _tidy(schema)
    for name, schema in properties.items():
        if name != "model":
            properties[name] = _nullable(schema)
    starts = ("input", "instructions", "previous_response_id", "conversation", "prompt")
    needs = [{"required": [name]} for name in starts]
    request["anyOf"] = needs
    request["required"] = []  # a prompt may name the model
    made["CountTokens"] = {
        "type": "object",
        "description": "A request whose tokens are to be counted.",
        "properties": {name: properties[name] for name in COUNTED}
        | {"personality": _nullable({"type": "string", "maxLength": 64})},
        "required": ["model"],
        "anyOf": needs,
    }


def _describe_conversations(made: JSON) -> None:
    for struct in CONVERSATIONS:
        schema = made[struct.__name__]
        schema["additionalProperties"] = False
        if "metadata" in schema["properties"]:
            schema["properties"]["metadata"] = _nullable(_METADATA)
        if "items" in schema["properties"]:
            for option in (schema["properties"]["items"], *schema["properties"]["items"].get("anyOf", ())):
                if option.get("type") == "array":
                    option["maxItems"] = MOST_ITEMS


def _tidy(schema: Any) -> Any:
    """Without `default: null`, which says nothing, and with descriptions beside `anyOf`, not inside."""
    if isinstance(schema, list):
        return [_tidy(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(inner) for key, inner in schema.items() if (key, inner) != ("default", None)}
    for option in tidy.get("anyOf", ()):
        if "description" in option:
            tidy.setdefault("description", option.pop("description"))
    return tidy


def _fill(schema: JSON, held: JSON) -> None:
    """Say of the list of plain objects in `schema` what it holds."""
    for option in (schema, *schema.get("anyOf", ())):
        if option.get("type") == "array":
            option["items"] = held


def _nullable(schema: JSON) -> JSON:
    options = schema.get("anyOf", [schema])
    if {"type": "null"} in options:
        return schema
    outer = {key: value for key, value in schema.items() if key in ("description", "default")}
    inner = [{key: value for key, value in option.items() if key not in outer} for option in options]
    return {**outer, "anyOf": [*inner, {"type": "null"}]}


def _any_of(structs: Iterable[type[Struct]], other: JSON) -> JSON:
    names = dict.fromkeys(struct.__name__ for struct in structs)
    return {"anyOf": [*map(ref, names), other]}


def _other(known: Iterable[str], required: tuple[str, ...]) -> JSON:
    """An object of a kind that is not known by name."""
    kind: JSON = {"type": "string"}
    if names := list(known):
        kind["not"] = {"enum": names}
    return {
        "type": "object",
        "description": "A kind that has no name here; carried as it is.",
        "properties": {"type": kind, **{name: {"type": "string"} for name in required}},
        "required": ["type", *required],
    }


def _hosted_choice() -> JSON:
    """A hosted tool by its type: one of those that `tools` offers."""
    return {**_other(FORMS, ()), "description": HostedChoice.__doc__}
