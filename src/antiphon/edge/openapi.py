"""The OpenAPI document: every endpoint, what it takes, and all that it may answer."""

from __future__ import annotations

from antiphon.edge.openapi_parts import (
    ALWAYS,
    ASKING,
    FAILURES,
    INCLUDE,
    PAGING,
    answered,
    body,
    failure,
    failures,
    named,
    parameter,
    streamed,
)
from antiphon.edge.openapi_resources import conversations, prompts
from antiphon.edge.openapi_schemas import ref, schemas
from antiphon.protocol.json import JSON
from antiphon.protocol.request import LARGEST, Limits

CREATE_PATHS = ("/v1/responses", "/responses", "/v3/responses", "/v3/llm/responses")
_BEARER = "gateway_key"

_ABOUT = """One Responses API in front of every model provider.

Give the key as `Authorization: Bearer sk-gateway-…`. Models are named `provider/model`."""


def document(version: str, limits: Limits | None = None) -> JSON:
    """The document of a gateway of this version, with these limits, as JSON (OpenAPI 3.1)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Antiphon",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{_BEARER: []}],
        "tags": [
            {"name": "Responses", "description": "Make, read and delete responses."},
            {"name": "Conversations", "description": "Items in an order, for responses to go on from."},
            {"name": "Prompts", "description": "Templates of requests."},
            {"name": "Models", "description": "What can be asked for by name."},
            {"name": "Gateway", "description": "The gateway itself; open to all but for its metrics."},
        ],
        "paths": _done_once({**_responses(), **conversations(), **prompts(), **_models(), **_gateway()}),
        "components": {
            "schemas": schemas(limits or Limits()),
            "responses": {name: failure(status, about) for status, (name, about) in FAILURES.items()},
            "securitySchemes": {
                _BEARER: {"type": "http", "scheme": "bearer", "description": "`sk-gateway-…`"}
            },
        },
    }


def _responses() -> JSON:
    return {
        **{path: _create(path) for path in CREATE_PATHS},
        "/v1/responses/input_tokens": {
            "post": {
                **named("count_input_tokens", "Responses", "Count the tokens of an input"),
                "requestBody": body("CountTokens"),
                "responses": {"200": answered("The count.", "InputTokenCount"), **failures(*ASKING)},
            }
        },
        "/v1/responses/compact": {
            "post": {
                **named("compact_conversation", "Responses", "Make a long conversation short"),
                "description": "The body is that of a request for a response, of which nothing is streamed.",
                "requestBody": body("CreateResponse"),
                "responses": {
                    "200": answered("What to go on from.", "CompactedConversation"),
                    **failures(*ASKING),
                },
            }
        },
        "/v1/router/explain": {
            "post": {
                **named("explain_route", "Responses", "See who would be asked, and why nobody else"),
                "description": "The body is that of a request for a response. Nothing is sent.",
                "parameters": [_SESSION],
                "requestBody": body("CreateResponse"),
                "responses": {"200": answered("The route.", "Route"), **failures(*ALWAYS, 408, 413)},
            },
            "get": {
                **named("explain_model", "Responses", "See who would be asked for a model"),
                "parameters": [parameter("query", "model", {"type": "string"}, "As in a request.")],
                "responses": {"200": answered("The route.", "Route"), **failures(*ALWAYS)},
            },
        },
        **_one_response(),
    }


def _one_response() -> JSON:
    response_id = parameter("path", "response_id", {"type": "string"}, "The `id` of a response.")
    include = parameter("query", "include", INCLUDE, "What else to show.")
    one = "/v1/responses/{response_id}"
    return {
        one: {
            "parameters": [response_id],
            "get": {
                **named("retrieve_response", "Responses", "Read a response"),
                "parameters": [include, *_STREAM_AGAIN],
                "responses": {
                    "200": streamed(answered("The response, or its events.", "Response")),
                    **failures(*ALWAYS, 404, 410, 426),
                },
            },
            "delete": {
                **named("delete_response", "Responses", "Delete a response, for good"),
                "responses": {"200": answered("It is gone.", "Deleted"), **failures(*ALWAYS, 404)},
            },
        },
        f"{one}/input_items": {
            "parameters": [response_id],
            "get": {
                **named("list_input_items", "Responses", "Read what a response was asked with"),
                "parameters": [*PAGING, include],
                "responses": {"200": answered("A page.", "InputItemList"), **failures(*ALWAYS, 404)},
            },
        },
        f"{one}/cancel": {
            "parameters": [response_id],
            "post": {
                **named("cancel_response", "Responses", "Cancel a background response"),
                "description": "It ends at once, with what there is. One that has ended is left as it is.",
                "responses": {"200": answered("The response.", "Response"), **failures(*ALWAYS, 404)},
            },
        },
    }


_WEBSOCKET = (
    "The client sends `{type: response.create, …}` with the fields of a request for a response, and the "
    "gateway its events, one in a message; see docs/websocket.md."
)


def _create(path: str) -> JSON:
    name = "" if path == CREATE_PATHS[0] else path.replace("/", "_").removesuffix("_responses") + "_alias"
    other = (
        f"The same as `{CREATE_PATHS[0]}`." if name else "Streamed with `stream: true`, else as one object."
    )
    success = answered(
        "The response, or its events. What of the request could not be sent as asked stands in its "
        "`adaptations`, and in the header as text: `param: action, detail; …`.",
        "Response",
    )
    success = streamed(success)
    success["headers"] = {"x-antiphon-adaptations": {"schema": {"type": "string"}}}
    return {
        "post": {
            **named(f"create_response{name}", "Responses", "Make a response"),
            "description": other,
            "parameters": [_SESSION],
            "requestBody": body("CreateResponse"),
            "responses": {"200": success, **failures(*ASKING)},
        },
        "get": {
            **named(f"open_websocket{name}", "Responses", "Open a WebSocket"),
            "description": _WEBSOCKET,
            "parameters": [_SESSION],
            "responses": {"101": {"description": "It is open."}, **failures(*ALWAYS, 403, 426)},
        },
    }


def _models() -> JSON:
    return {
        "/v1/models": {
            "get": {
                **named("list_models", "Models", "List the models"),
                "parameters": [_CLIENT_VERSION],
                "responses": {"200": answered("The models.", "ModelList"), **failures(*ALWAYS)},
            }
        },
        "/v1/models/{model}": {
            "parameters": [
                parameter("path", "model", {"type": "string"}, "`provider/model`, slash and all.")
            ],
            "get": {
                **named("retrieve_model", "Models", "Look a model up"),
                "responses": {"200": answered("The model.", "Model"), **failures(*ALWAYS, 404)},
            },
        },
    }


def _gateway() -> JSON:
    def page(name: str, about: str, media_type: str, schema: JSON, *statuses: int) -> JSON:
        success = {"description": about, "content": {media_type: {"schema": schema}}}
        operation = {**named(name, "Gateway", about), "security": []}
        return {"get": {**operation, "responses": {"200": success, **failures(*statuses)}}}

    return {
        "/health/live": page("live", "The process lives", "application/json", ref("Health")),
        "/health/ready": page("ready", "Requests can be served", "application/json", ref("Health"), 503),
        "/openapi.json": page("openapi", "This document", "application/json", {"type": "object"}),
        "/docs": page("docs", "This document, to read", "text/html", {"type": "string"}),
        "/metrics": {
            "get": {
                **named("metrics", "Gateway", "What the gateway counts, for Prometheus"),
                "description": "Asks for a key unless the setting `metrics` says otherwise.",
                "responses": {
                    "200": {
                        "description": "In the text format, or OpenMetrics.",
                        "content": {"text/plain": {"schema": {"type": "string"}}},
                    },
                    **failures(*ALWAYS),
                },
            }
        },
    }


_SESSION = parameter(
    "header",
    "x-session-id",
    {"type": "string", "maxLength": 128},
    "The same as `session_id`, which beats it.",
)
_CLIENT_VERSION = parameter(
    "query", "client_version", {"type": "string"}, "Of Codex, which then looks for `models` too."
)
_STREAM_AGAIN = (
    parameter(
        "query", "stream", {"type": "boolean", "default": False}, "The events; of background responses only."
    ),
    parameter(
        "query",
        "starting_after",
        {"type": "integer", "minimum": 0, "maximum": LARGEST},
        "The last event that was seen; with `stream`.",
    ),
    parameter("query", "include_obfuscation", {"type": "boolean", "default": True}, "With `stream`."),
)


_MAKING = ("create_", "compact_")
"""How the names of the operations begin that make something."""

_IDEMPOTENCY_KEY = parameter(
    "header",
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "What is sent again with it is answered as before, and not done again.",
)


def _done_once(paths: JSON) -> JSON:
    """With what `Idempotency-Key` does to them."""
    for methods in paths.values():
        operation = methods.get("post", {})
        if operation.get("operationId", "").startswith(_MAKING):
            operation["parameters"] = [*operation.get("parameters", ()), _IDEMPOTENCY_KEY]
            operation["responses"] |= failures(409)
    return paths
