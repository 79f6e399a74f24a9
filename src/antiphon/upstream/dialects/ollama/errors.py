"""Failures as Ollama tells them, to errors of ours (https://docs.ollama.com/api/errors).

    {"error": "…"}                    with a status, or as a line of a stream, whose status was 200
    {"error": {"message", "code"}}    what it passes on from models that run elsewhere
    text, HTML, nothing               proxies

The status decides whose fault it is; in a stream its words do. That the context is too long is said in many
ways, and agents wait for one: `context_length_exceeded`.
"""

from __future__ import annotations

import re
from typing import Any

from antiphon.protocol.errors import (
    ProtocolViolation,
    ProviderError,
    RateLimited,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
)
from antiphon.protocol.json import MalformedJSON, decode_leniently

MESSAGE_LIMIT = 500  # characters of the provider's own words that a client may see

_TOO_LONG = re.compile(
    r"exceed\w* [\w ]*context|context (length|size|window)[\w ]* exceed|prompt (is )?too long", re.IGNORECASE
)
_NO_MODEL = re.compile(r"model .*not found", re.IGNORECASE)
_PARAMS = (
    ("does not support tools", "tools"),
    ("does not support thinking", "reasoning.effort"),
    ("think value", "reasoning.effort"),
)
"""What a refusal is about, by its words."""


def failure_from(status: int | None, body: bytes) -> ProviderError:
    """The error that an answer with this status and body means."""
    try:
        value = decode_leniently(body)
    except MalformedJSON:
        value = body.decode("utf-8", "replace")
    return failure(value, status)


def failure(value: Any, status: int | None) -> ProviderError:
    """`value`: a parsed body. `status` None: it came in a stream, whose status does not count."""
    words = _words(value)
    if status is None:
        status = 400 if _TOO_LONG.search(words) else 500
    message = words[:MESSAGE_LIMIT] or f"The provider answered with status {status}."
    match status:
        case 401 | 403:  # its words may quote parts of our key
            return UpstreamUnauthorized("The provider does not accept the gateway's key.", status=status)
        case 402 | 429:  # 402: the account is empty, which OpenAI says with 429 and this very code
            return RateLimited(message, code="insufficient_quota" if status == 402 else None, status=status)
        case 408:
            return UpstreamTimeout(message, status=status)
        case _ if status >= 400 and _TOO_LONG.search(message):  # some builds say so with 500
            return UpstreamRejected(message, code="context_length_exceeded", status=status)
        case 404 if _NO_MODEL.search(message):
            return UpstreamRejected(message, code="model_not_found", param="model", status=status)
        case _ if 400 <= status < 500:
            param = next((param for said, param in _PARAMS if said in message), None)
            return UpstreamRejected(message, param=param, status=status)
        case _ if status >= 500:
            return UpstreamFailed(message, status=status)
        case _:
            return ProtocolViolation("The provider's answer has no message.", status=status)


def _words(value: Any) -> str:
    error = value.get("error") if isinstance(value, dict) else value
    if isinstance(error, dict):
        error = error.get("message")
    text = error.strip() if isinstance(error, str) else ""
    return "The provider answered with a web page." if text.startswith("<") else text
