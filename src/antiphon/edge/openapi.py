"""The OpenAPI document: every endpoint, what it takes, and all that it may answer."""

from __future__ import annotations

from typing import get_args

from antiphon.edge.openapi_schemas import ref, schemas
from antiphon.protocol.json import JSON
from antiphon.protocol.request import LARGEST, Include, Limits

CREATE_PATHS = ("/v1/responses", "/responses", "/v3/responses", "/v3/llm/responses")
_BEARER = "gateway_key"

_ABOUT = """One Responses API in front of every model provider.

Give the key as `Authorization: Bearer sk-gateway-…`. Models are named `provider/model`."""

# The answers that are not a success: name of the component, and what it means.
_FAILURES = {
    400: ("Invalid", "The request cannot be served as written; `param` names the field."),
    401: ("Unauthenticated", "No gateway key, or not one of ours."),
    404: ("NotFound", "There is nothing by that name."),
    408: ("RequestTimeout", "The client stopped sending its request."),
    413: ("TooLarge", "The body is over the cap."),
    426: ("UpgradeRequired", "WebSocket is not served here; send POST requests over HTTP."),
    429: ("RateLimited", "The provider asks to slow down; see `Retry-After`."),
    500: ("Failed", "The gateway failed."),
    502: ("ProviderFailed", "The provider failed, or cannot be reached."),
    503: ("Unavailable", "The gateway cannot serve now; see `Retry-After`."),
    504: ("ProviderTimeout", "The provider took too long."),
}
_ALWAYS = (400, 401, 503)
_ASKING = (*_ALWAYS, 408, 413, 429, 500, 502, 504)


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
            {"name": "Models", "description": "What can be asked for by name."},
            {"name": "Gateway", "description": "The gateway itself; open to all."},
        ],
        "paths": {**_responses(), **_models(), **_gateway()},
        "components": {
            "schemas": schemas(limits or Limits()),
            "responses": {name: _failure(status, about) for status, (name, about) in _FAILURES.items()},
            "securitySchemes": {
                _BEARER: {"type": "http", "scheme": "bearer", "description": "`sk-gateway-…`"}
            },
        },
    }


def _responses() -> JSON:
    response_id = _parameter("path", "response_id", {"type": "string"}, "The `id` of a response.")
    include = _parameter("query", "include", _INCLUDE, "What else to show.")
    one = "/v1/responses/{response_id}"
    return {
        **{path: _create(path) for path in CREATE_PATHS},
        "/v1/responses/input_tokens": {
            "post": {
                **_named("count_input_tokens", "Responses", "Count the tokens of an input"),
                "requestBody": _body("CountTokens"),
                "responses": {"200": _json("The count.", "InputTokenCount"), **_failures(*_ASKING)},
            }
        },
        "/v1/router/explain": {
            "post": {
                **_named("explain_route", "Responses", "See who would be asked, and why nobody else"),
                "description": "The body is that of a request for a response. Nothing is sent.",
                "parameters": [_SESSION],
                "requestBody": _body("CreateResponse"),
                "responses": {"200": _json("The route.", "Route"), **_failures(*_ALWAYS, 408, 413)},
            },
            "get": {
                **_named("explain_model", "Responses", "See who would be asked for a model"),
                "parameters": [_parameter("query", "model", {"type": "string"}, "As in a request.")],
                "responses": {"200": _json("The route.", "Route"), **_failures(*_ALWAYS)},
            },
        },
        one: {
            "parameters": [response_id],
            "get": {
                **_named("retrieve_response", "Responses", "Read a response"),
                "parameters": [include, *_STREAM_AGAIN],
                "responses": {"200": _json("The response.", "Response"), **_failures(*_ALWAYS, 404, 426)},
            },
            "delete": {
                **_named("delete_response", "Responses", "Delete a response, for good"),
                "responses": {"200": _json("It is gone.", "Deleted"), **_failures(*_ALWAYS, 404)},
            },
        },
        f"{one}/input_items": {
            "parameters": [response_id],
            "get": {
                **_named("list_input_items", "Responses", "Read what a response was asked with"),
                "parameters": [*_PAGING, include],
                "responses": {"200": _json("A page.", "InputItemList"), **_failures(*_ALWAYS, 404)},
            },
        },
        f"{one}/cancel": {
            "parameters": [response_id],
            "post": {
                **_named("cancel_response", "Responses", "Cancel a background response"),
                "description": "There are none yet: 400 for every response that exists.",
                "responses": {"200": _json("The response.", "Response"), **_failures(*_ALWAYS, 404)},
            },
        },
    }


def _create(path: str) -> JSON:
    name = "" if path == CREATE_PATHS[0] else path.replace("/", "_").removesuffix("_responses") + "_alias"
    other = (
        f"The same as `{CREATE_PATHS[0]}`." if name else "Streamed with `stream: true`, else as one object."
    )
    success = _json(
        "The response, or its events. What of the request could not be sent as asked stands in its "
        "`adaptations`, and in the header as text: `param: action, detail; …`.",
        "Response",
    )
    success["content"]["text/event-stream"] = {"schema": ref("Event")}
    success["headers"] = {"x-antiphon-adaptations": {"schema": {"type": "string"}}}
    return {
        "post": {
            **_named(f"create_response{name}", "Responses", "Make a response"),
            "description": other,
            "parameters": [_SESSION],
            "requestBody": _body("CreateResponse"),
            "responses": {"200": success, **_failures(*_ASKING)},
        },
        "get": {
            **_named(f"open_websocket{name}", "Responses", "WebSocket: not served yet"),
            "responses": _failures(*_ALWAYS, 426),
        },
    }


def _models() -> JSON:
    return {
        "/v1/models": {
            "get": {
                **_named("list_models", "Models", "List the models"),
                "parameters": [_CLIENT_VERSION],
                "responses": {"200": _json("The models.", "ModelList"), **_failures(*_ALWAYS)},
            }
        },
        "/v1/models/{model}": {
            "parameters": [
                _parameter("path", "model", {"type": "string"}, "`provider/model`, slash and all.")
            ],
            "get": {
                **_named("retrieve_model", "Models", "Look a model up"),
                "responses": {"200": _json("The model.", "Model"), **_failures(*_ALWAYS, 404)},
            },
        },
    }


def _gateway() -> JSON:
    def page(name: str, about: str, media_type: str, schema: JSON, *failures: int) -> JSON:
        success = {"description": about, "content": {media_type: {"schema": schema}}}
        operation = {**_named(name, "Gateway", about), "security": []}
        return {"get": {**operation, "responses": {"200": success, **_failures(*failures)}}}

    return {
        "/health/live": page("live", "The process lives", "application/json", ref("Health")),
        "/health/ready": page("ready", "Requests can be served", "application/json", ref("Health"), 503),
        "/openapi.json": page("openapi", "This document", "application/json", {"type": "object"}),
        "/docs": page("docs", "This document, to read", "text/html", {"type": "string"}),
    }


_INCLUDE: JSON = {"type": "array", "items": {"enum": list(get_args(Include))}}


def _parameter(place: str, name: str, schema: JSON, about: str) -> JSON:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": about}


_SESSION = _parameter(
    "header",
    "x-session-id",
    {"type": "string", "maxLength": 128},
    "The same as `session_id`, which beats it.",
)
_CLIENT_VERSION = _parameter(
    "query", "client_version", {"type": "string"}, "Of Codex, which then looks for `models` too."
)
_PAGING = (
    _parameter(
        "query", "limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}, "Items in a page."
    ),
    _parameter(
        "query", "order", {"enum": ["asc", "desc"], "default": "desc"}, "Oldest first, or newest first."
    ),
    _parameter("query", "after", {"type": "string"}, "The id of the last item of the page before."),
)
_STREAM_AGAIN = (
    _parameter(
        "query", "stream", {"type": "boolean", "default": False}, "Background responses only: 400 yet."
    ),
    _parameter(
        "query",
        "starting_after",
        {"type": "integer", "minimum": 0, "maximum": LARGEST},
        "The last event that was seen; with `stream`.",
    ),
    _parameter("query", "include_obfuscation", {"type": "boolean", "default": True}, "With `stream`."),
)


def _named(name: str, tag: str, summary: str) -> JSON:
    return {"operationId": name, "tags": [tag], "summary": summary}


def _body(schema: str) -> JSON:
    return {"required": True, "content": {"application/json": {"schema": ref(schema)}}}


def _json(about: str, schema: str) -> JSON:
    return {"description": about, "content": {"application/json": {"schema": ref(schema)}}}


def _failures(*statuses: int) -> JSON:
    return {
        str(status): {"$ref": f"#/components/responses/{_FAILURES[status][0]}"} for status in sorted(statuses)
    }


def _failure(status: int, about: str) -> JSON:
    answer = _json(about, "Error")
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    if status == 401:
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return answer
