"""Parts of the OpenAPI document that many operations share: parameters, bodies, answers, failures."""

from __future__ import annotations

from typing import get_args

from antiphon.edge.openapi_schemas import ref
from antiphon.protocol.json import JSON
from antiphon.protocol.request import Include

# The answers that are not a success: name of the component, and what it means.
FAILURES = {
    400: ("Invalid", "The request cannot be served as written; `param` names the field."),
    401: ("Unauthenticated", "No gateway key, or not one of ours."),
    403: ("OriginRefused", "A web page of this origin may not open a WebSocket."),
    404: ("NotFound", "There is nothing by that name."),
    410: ("Gone", "It was here, and is not kept any more."),
    409: ("Conflict", "The `Idempotency-Key` was sent before, with another body, or a moment ago."),
    408: ("RequestTimeout", "The client stopped sending its request."),
    413: ("TooLarge", "The body is over the cap."),
    426: ("UpgradeRequired", "Only a WebSocket is opened here, or none at all: see `Upgrade`."),
    429: ("RateLimited", "The provider asks to slow down, or too much is queued; see `Retry-After`."),
    500: ("Failed", "The gateway failed."),
    502: ("ProviderFailed", "The provider failed, or cannot be reached."),
    503: ("Unavailable", "The gateway cannot serve now; see `Retry-After`."),
    504: ("ProviderTimeout", "The provider took too long."),
}
LOCKED = "Seconds; with the code `conversation_locked`."
ALWAYS = (400, 401, 503)
ASKING = (*ALWAYS, 408, 413, 429, 500, 502, 504)


INCLUDE: JSON = {"type": "array", "items": {"enum": list(get_args(Include))}}


def parameter(place: str, name: str, schema: JSON, about: str) -> JSON:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": about}


PAGING = (
    parameter(
        "query", "limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}, "Items in a page."
    ),
    parameter(
        "query", "order", {"enum": ["asc", "desc"], "default": "desc"}, "Oldest first, or newest first."
    ),
    parameter("query", "after", {"type": "string"}, "The id of the last item of the page before."),
)


def named(name: str, tag: str, summary: str) -> JSON:
    return {"operationId": name, "tags": [tag], "summary": summary}


def body(schema: str) -> JSON:
    return {"required": True, "content": {"application/json": {"schema": ref(schema)}}}


def answered(about: str, schema: str) -> JSON:
    return {"description": about, "content": {"application/json": {"schema": ref(schema)}}}


def streamed(success: JSON) -> JSON:
    """As events, too."""
    events = {"text/event-stream": {"schema": ref("Event")}}
    return {**success, "content": {**success["content"], **events}}


def failures(*statuses: int) -> JSON:
    return {
        str(status): {"$ref": f"#/components/responses/{FAILURES[status][0]}"} for status in sorted(statuses)
    }


def failure(status: int, about: str) -> JSON:
    answer = answered(about, "Error")
    if status == 400:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": LOCKED}}
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    if status == 401:
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return answer
