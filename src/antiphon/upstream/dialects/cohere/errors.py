"""Failures as Cohere tells them, to errors of ours.

    {"id", "message", "error_type"?}                          with a status, or alone in a stream
    {"finish_reason": "ERROR", "error", "error_type"}         at the end of an answer under status 200
    text, HTML, nothing                                       proxies

The status decides whose fault it is; in an answer, where it was 200, `error_type` does. That the context is
too long is said as "too many tokens", and agents wait for `context_length_exceeded`. The same words are said
of `max_tokens` above what the model can write.
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
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently

MESSAGE_LIMIT = 500  # characters of the provider's own words that a client may see

TOO_LONG = "context_length_exceeded"
_TOO_LONG = re.compile(r"too many tokens", re.IGNORECASE)
_TOO_MUCH = re.compile(r"too many tokens: max tokens|max_tokens must", re.IGNORECASE)
_NO_MODEL = re.compile(r"model '.*' not found", re.IGNORECASE)
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


def failure_from(status: int | None, body: bytes) -> ProviderError:
    """The error that an answer with this status and body means."""
    try:
        value = decode_leniently(body)
    except MalformedJSON:
        value = body.decode("utf-8", "replace")
    return failure(value, status)


def failure(value: Any, status: int | None) -> ProviderError:
    """`value`: a parsed body. `status` None: it came in a stream, whose status does not count."""
    error: JSON = value if isinstance(value, dict) else {"message": value}
    code = _code(error.get("error_type"))
    words = _words(error)
    if status is None:
        status = 400 if code == "too_many_tokens" or _TOO_LONG.search(words) else 500
    message = words[:MESSAGE_LIMIT] or f"The provider answered with status {status}."
    match status:
        case 401 | 403 | 498:  # its words may quote parts of our key
            return UpstreamUnauthorized("The provider does not accept the gateway's key.", status=status)
        case 402 | 429:  # 402: the account is empty, which OpenAI says with 429 and this very code
            return RateLimited(message, code="insufficient_quota" if status == 402 else code, status=status)
        case 408:
            return UpstreamTimeout(message, status=status)
        case _ if 400 <= status < 500:
            return _rejection(status, message, code)
        case _ if status >= 500:
            return UpstreamFailed(message, code=code, status=status)
        case _:
            return ProtocolViolation("The provider's answer has no message.", status=status)


def broken_off(reason: Any, last: JSON) -> ProviderError | None:
    """The failure that the end of an answer says, if its finish reason says one."""
    if not isinstance(reason, str):
        return None
    if reason == "TIMEOUT":
        return UpstreamTimeout(_words(last)[:MESSAGE_LIMIT] or "The provider ran out of time.")
    if not reason.startswith("ERROR"):
        return None
    said = _words(last) or "The provider broke its answer off."
    return failure({"message": said, "error_type": last.get("error_type")}, None)


def _rejection(status: int, message: str, code: str | None) -> UpstreamRejected:
    param = None
    if _TOO_MUCH.search(message):
        param = "max_output_tokens"
    elif code == "too_many_tokens" or _TOO_LONG.search(message):
        code = TOO_LONG
    elif status == 404 and _NO_MODEL.search(message):
        code, param = "model_not_found", "model"
    return UpstreamRejected(message, code=code, param=param, status=status)


def _words(error: JSON) -> str:
    words = error.get("message") or error.get("error")
    text = words.strip() if isinstance(words, str) else ""
    return "The provider answered with a web page." if text.startswith("<") else text


def _code(kind: Any) -> str | None:
    code = kind.lower() if isinstance(kind, str) else ""
    return code if _CODE.fullmatch(code) else None
