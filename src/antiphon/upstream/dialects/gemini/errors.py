"""What an error of Google's means.

    {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": …, "details": [{"@type": …}, …]}}

or a list with one such object; with a status, and in a stream that began with 200 as an event
(https://cloud.google.com/apis/design/errors). The content type is not looked at: an error of a stream is
plain JSON under text/event-stream. `details` tell more than the code: a wrong key is a 400 with the reason
API_KEY_INVALID, and RetryInfo says how long to wait. What is wrong with our account is never the client's
fault.
"""

from __future__ import annotations

import re
from typing import Any

from antiphon.protocol.errors import (
    ProviderError,
    RateLimited,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
)
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently
from antiphon.upstream.dialects.gemini.wire import mapping, mappings, string
from antiphon.upstream.retry_after import LONGEST, SHORTEST

_LONGEST = 500  # characters of the provider's own words that are passed on

_CODES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""The HTTP statuses of `google.rpc.Code`."""

_OF_OUR_KEY = re.compile(r"API_KEY_|CONSUMER_|SERVICE_DISABLED|BILLING_DISABLED|ACCESS_TOKEN_|CREDENTIALS_")
_OF_OUR_ACCOUNT = re.compile(r"API[ _]key|billing|User location", re.IGNORECASE)
_OF_OUR_KEY_IN_WORDS = re.compile(r"API key (not valid|expired|not found)", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"token count.*(exceeds|only supports)|exceeds the maximum number of tokens", re.IGNORECASE
)
_MODEL = re.compile(r"\bmodels?[ /`]", re.IGNORECASE)
_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")

_PARAMS = {
    "contents": "input",
    "system_instruction": "instructions",
    "tools": "tools",
    "tool_config": "tool_choice",
    "max_output_tokens": "max_output_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "thinking_config": "reasoning.effort",
    "thinking_budget": "reasoning.effort",
    "thinking_level": "reasoning.effort",
    "response_json_schema": "text.format",
    "response_schema": "text.format",
}
"""Google's name of a field, and ours."""


def error_of(status: int, body: bytes) -> ProviderError:
    """The error that an answer with this status means."""
    try:
        value = decode_leniently(body)
    except MalformedJSON:
        value = None
    return failure(value, status)


def failure(value: Any, status: int | None) -> ProviderError:
    """`value`: a parsed body, or an event of a stream, whose `status` is None: it said 200."""
    if isinstance(value, list) and value:
        value = value[0]
    error = mapping(value).get("error")
    if not isinstance(error, dict):
        error = {"message": error}
    if status is None:
        status = _status_of(error)
    message = string(error.get("message"))[:_LONGEST] or f"The provider answered with status {status}."
    details = mappings(error.get("details"))
    if _is_our_fault(status, error, details, message):
        return UpstreamUnauthorized("The provider does not accept the gateway's credentials.", status=status)
    if status == 429:
        return RateLimited(message, retry_after=_delay(details), status=status)
    if status in (408, 504):
        return UpstreamTimeout(message, status=status)
    if 400 <= status < 499:
        return _rejected(status, message, details)
    return UpstreamFailed(message, retry_after=_delay(details), status=status)


def _rejected(status: int, message: str, details: list[JSON]) -> UpstreamRejected:
    if status == 404 and _MODEL.search(message):
        return UpstreamRejected(message, code="model_not_found", param="model", status=status)
    if _TOO_LONG.search(message):
        return UpstreamRejected(message, code="context_length_exceeded", param="input", status=status)
    return UpstreamRejected(message, param=_param(details), status=status)


def _status_of(error: JSON) -> int:
    code = error.get("code")
    if type(code) is int and 400 <= code < 600:
        return code
    return _CODES.get(string(error.get("status")), 500)


def _is_our_fault(status: int, error: JSON, details: list[JSON], message: str) -> bool:
    if status in (401, 403):
        return True
    if any(_OF_OUR_KEY.match(string(each.get("reason"))) for each in details):
        return True
    if status == 400 and _OF_OUR_KEY_IN_WORDS.match(message):
        return True
    return string(error.get("status")) == "FAILED_PRECONDITION" and bool(_OF_OUR_ACCOUNT.search(message))


def _delay(details: list[JSON]) -> float | None:
    """Seconds to wait, within what we say to clients."""
    for each in details:
        if found := _SECONDS.fullmatch(string(each.get("retryDelay"))):
            return min(max(float(found[1]), SHORTEST), LONGEST)
    return None


def _param(details: list[JSON]) -> str | None:
    """Our name of the field that is wrong, by the last word of Google's path that we know."""
    for each in details:
        for violation in mappings(each.get("fieldViolations")):
            for word in reversed(re.findall(r"[a-z_]+", string(violation.get("field")))):
                if word in _PARAMS:
                    return _PARAMS[word]
    return None
