"""What clients say over a WebSocket, made into requests.

    response.create   the fields of POST /v1/responses, and `stream_id`, the lane
    response.steer    words for a response that is being made; refused, see `steering_refused`

`stream` says nothing here, for all is streamed; agents send `true` all the same. `generate: false` only
prepares what a later response continues.
Sources: OpenAI's `ResponsesClientEvent`, Open Responses' "WebSocket Transport".
"""

from __future__ import annotations

import re
from typing import Any

from antiphon.protocol import request as wire
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON
from antiphon.protocol.request import CreateResponse, Limits
from antiphon.protocol.schema import type_name, wrong_type

CREATE = "response.create"
STEER = "response.steer"
_LANE = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_ENVELOPE = frozenset({"type", "stream_id"})


def lane_of(event: JSON) -> str | None:
    """The lane that the event names. Raises InvalidRequest."""
    name = event.get("stream_id")
    if name is None:
        return None
    if not isinstance(name, str):
        raise wrong_type("stream_id", ("str",), type_name(name))
    if not _LANE.fullmatch(name):
        raise InvalidRequest(
            "Invalid 'stream_id': 1 to 256 ASCII letters, digits, underscores, periods and hyphens.",
            code="invalid_value",
            param="stream_id",
        )
    return name


def create_request(event: JSON, limits: Limits, session_id: str | None) -> CreateResponse:
    """The request of a `response.create`; `session_id` counts if it names none itself.

    Raises InvalidRequest, UnsupportedParameter.
    """
    if event.get("background"):
        raise UnsupportedParameter(
            "Nothing is made in the background over a WebSocket: leave 'background' out.", param="background"
        )
    if event.get("stream") is False:
        raise UnsupportedParameter(
            "Everything is streamed over a WebSocket: leave 'stream' out.", param="stream"
        )
    body = {name: value for name, value in event.items() if name not in _ENVELOPE}
    if body.get("stream") is None:
        body["stream"] = True
    request = wire.create_response(body, limits, may_prepare=True)
    if request.session_id is None:
        request.session_id = session_id
    return request


def padded(request: CreateResponse) -> bool:
    """Whether its deltas are to be obfuscated."""
    return (request.stream_options or {}).get("include_obfuscation") is not False


def unknown(kind: Any) -> InvalidRequest:
    """Why an event of this type is not understood."""
    shown = f"'{kind[:100]}'" if isinstance(kind, str) else type_name(kind)
    return InvalidRequest(
        f"Invalid value: {shown}. The 'type' of a message is '{CREATE}'.", code="invalid_value", param="type"
    )


def steering_refused(event: JSON) -> JSON:
    """The answer to a `response.steer`: a response goes its way, and gives the words back uncommitted."""
    steer = {name: event[name] for name in ("previous_response_id", "input") if name in event}
    message = "Responses cannot be steered here: send the input with the next 'response.create'."
    refused: JSON = {
        "type": "response.steer.failed",
        "sequence_number": 0,
        "error": {"type": "invalid_request_error", "code": "steering_not_supported", "message": message},
        "steer": steer,
    }
    return refused
