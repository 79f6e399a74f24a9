"""Our errors as clients see them: the one table from type to HTTP status, and the two envelopes.

OpenAI's envelope is `{"error": {message, type, param, code}}`, all four keys always. The setting
`errors: fastapi` answers invalid requests with status 422 and `{"detail": [{loc, msg, type}]}` instead,
as services built on FastAPI do.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from antiphon.edge.exchange import Exchange
from antiphon.protocol.errors import (
    AntiphonError,
    BodyTooLarge,
    ClientGone,
    ConnectionLimitReached,
    GatewayError,
    Gone,
    IdempotencyConflict,
    IdempotencyKeyReused,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    OriginRefused,
    Overloaded,
    ProtocolViolation,
    QueueFull,
    RateLimited,
    RequestInFlight,
    RequestTimeout,
    ShuttingDown,
    StorageUnavailable,
    StreamLimitReached,
    Unauthenticated,
    UnfitAnswer,
    UnsupportedParameter,
    UpgradeRequired,
    UpstreamDisconnected,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
    UpstreamUnreachable,
    WebSocketRequired,
)
from antiphon.protocol.json import JSON

Envelope: TypeAlias = Literal["openai", "fastapi"]

STATUS: dict[type[AntiphonError], int] = {
    InvalidRequest: 400,
    UnsupportedParameter: 400,
    IdempotencyConflict: 409,
    IdempotencyKeyReused: 422,
    RequestInFlight: 409,
    NotFound: 404,
    Gone: 410,
    MethodNotAllowed: 405,
    Unauthenticated: 401,
    BodyTooLarge: 413,
    RequestTimeout: 408,
    ClientGone: 499,
    UpgradeRequired: 426,
    OriginRefused: 403,
    StreamLimitReached: 429,
    ConnectionLimitReached: 400,
    UpstreamUnreachable: 502,
    UpstreamTimeout: 504,
    UpstreamUnauthorized: 502,
    RateLimited: 429,
    UpstreamRejected: 400,
    UpstreamFailed: 502,
    UpstreamDisconnected: 502,
    ProtocolViolation: 502,
    UnfitAnswer: 502,
    StorageUnavailable: 503,
    Overloaded: 503,
    QueueFull: 429,
    ShuttingDown: 503,
    GatewayError: 500,
}
_WAIT = {429: 5, 503: 1}  # seconds, when nobody said how long
_LONGEST_WAIT = 120  # seconds: OpenAI's clients do not retry at all when asked to wait longer


def status_of(error: AntiphonError) -> int:
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def envelope(error: AntiphonError) -> JSON:
    """OpenAI's body."""
    return {
        "error": {
            "message": error.message,
            "type": _type_of(status_of(error)),
            "param": error.param,
            "code": error.code,
        }
    }


def error_message(error: AntiphonError) -> JSON:
    """The same as a message over a WebSocket: `{type: error, status, error}`; `code` is never null there.

    Headers that tell when to come back stand in `error.headers`.
    """
    status, told = status_of(error), envelope(error)["error"]
    told["code"] = told["code"] or told["type"]
    if (wait := _wait(error, status)) is not None:
        told["headers"] = {"retry-after": str(wait)}
    return {"type": "error", "status": status, "error": told}


async def answer_error(exchange: Exchange, error: AntiphonError, shape: Envelope) -> None:
    status = status_of(error)
    if (wait := _wait(error, status)) is not None:
        exchange.add_header(b"retry-after", str(wait).encode())
    if status == 401:
        exchange.add_header(b"www-authenticate", b"Bearer")
    if isinstance(error, IdempotencyConflict):
        exchange.add_header(b"x-should-retry", b"false")  # OpenAI's clients retry a 409
    if status == 426:
        wanted = b"websocket" if isinstance(error, WebSocketRequired) else b"HTTP/1.1"
        exchange.add_header(b"upgrade", wanted)
        exchange.add_header(b"connection", b"upgrade, close")
    if shape == "fastapi" and isinstance(error, InvalidRequest):
        await exchange.answer_json(422, {"detail": [_detail(error)]})
    else:
        await exchange.answer_json(status, envelope(error))


def _wait(error: AntiphonError, status: int) -> int | None:
    """Seconds that the client is asked to wait."""
    wait = error.retry_after if error.retry_after is not None else _WAIT.get(status)
    return None if wait is None else min(_LONGEST_WAIT, max(1, math.ceil(wait)))


def _type_of(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def _detail(error: InvalidRequest) -> JSON:
    path = (error.param or "").replace("]", "").replace("[", ".").split(".")
    place = [int(step) if step.isdigit() else step for step in path if step]
    return {"loc": ["body", *place], "msg": error.message, "type": error.code or "value_error"}
