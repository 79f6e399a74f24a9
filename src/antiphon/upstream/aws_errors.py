"""What an error of an AWS service means.

    over HTTP        {"message": …} or {"Message": …}; the type is in the header `x-amzn-errortype` (B4)
    in a stream      a frame called `exception:` or `error:` and the type; its data is the same object

Over HTTP the status says as much as the type: each type of Bedrock's has a status, and those that share one
mean the same here (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html). What
AWS says about credentials names accounts and principals and is not passed on.
"""

from __future__ import annotations

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
from antiphon.upstream.base import Frame
from antiphon.upstream.wire.aws_event_stream import ERROR, EXCEPTION

_LONGEST = 500  # characters of a provider's own words that are passed on
_BY_STATUS = {
    400: "validationException",
    401: "accessDeniedException",
    403: "accessDeniedException",
    404: "resourceNotFoundException",
    408: "modelTimeoutException",
    413: "validationException",
    424: "modelErrorException",
    429: "throttlingException",
    503: "serviceUnavailableException",
    504: "modelTimeoutException",
}
_BUSY = frozenset({"throttlingException", "modelNotReadyException", "serviceQuotaExceededException"})
_ACCOUNT = frozenset(
    {"accessDeniedException", "unrecognizedClientException", "expiredTokenException",
     "invalidSignatureException", "missingAuthenticationTokenException", "incompleteSignatureException"}
)  # fmt: skip
_TOO_LONG = ("too long", "maximum context", "context window", "context length", "too many input tokens")
_NO_MODEL = ("model identifier is invalid",)


def error_of(status: int, body: bytes) -> ProviderError:
    """The error that an answer with this status means."""
    try:
        value = decode_leniently(body)
    except MalformedJSON:
        value = None
    kind = _BY_STATUS.get(status, "validationException" if status < 500 else "internalServerException")
    return error_called(kind, value, status)


def raise_exception(frame: Frame) -> None:
    """Raises what a frame means that is no event. Does nothing for an event."""
    name = frame.event or ""
    if not name.startswith((EXCEPTION, ERROR)):
        return
    try:
        value = decode_leniently(frame.data)
    except MalformedJSON:
        value = None
    kind = name.partition(":")[2]
    raise error_called(kind[:1].lower() + kind[1:], value)


def error_called(kind: str, value: Any, status: int | None = None) -> ProviderError:
    """`kind` as it is called in streams (`throttlingException`); `value`: what was said of it, perhaps."""
    said = _message(value)
    message = said or "The provider reported a failure and said no more."
    if kind in _ACCOUNT:
        return UpstreamUnauthorized("The provider does not accept the gateway's credentials.", status=status)
    if kind in _BUSY:
        return RateLimited(message, status=status)
    if kind == "modelTimeoutException":
        return UpstreamTimeout(message, status=status)
    if kind == "resourceNotFoundException" or any(words in said for words in _NO_MODEL):
        return UpstreamRejected(message, code="model_not_found", param="model", status=status)
    if kind == "validationException":
        too_long = any(words in said.lower() for words in _TOO_LONG)
        return UpstreamRejected(message, code="context_length_exceeded" if too_long else None, status=status)
    return UpstreamFailed(message, code=kind or None, status=status)


def unexpected(value: Any) -> ProviderError:
    """What a whole answer means that is not one: the error it tells of, or a violation."""
    said = _message(value)
    return UpstreamFailed(said) if said else ProtocolViolation("The provider's answer is not a message.")


def _message(value: Any) -> str:
    """What it says; with the words of the model's server, where they are all there is."""
    if not isinstance(value, dict):
        return ""
    for field in ("message", "Message", "originalMessage"):
        if isinstance(text := value.get(field), str) and text:
            return text[:_LONGEST]
    return ""
