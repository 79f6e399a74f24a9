"""Errors: one root, and whose fault it is stands in the type.

    AntiphonError
    ├── ClientError                the request cannot be served as written
    │   ├── InvalidRequest             a field is wrong; `param` names it
    │   ├── UnsupportedParameter       a field is known, valid, and not served
    │   ├── ConversationLocked         somebody else is writing to the conversation
    │   ├── IdempotencyConflict        the key of a request stands for another one
    │   │   └── IdempotencyKeyReused       … in the words of the IETF's draft
    │   ├── RequestInFlight            the first request with this key is not answered yet
    │   ├── NotFound                   no such response, model, endpoint (for this caller)
    │   ├── Gone                       it was here, and is not kept any more
    │   ├── MethodNotAllowed           the path exists, not with this method
    │   ├── Unauthenticated            no key, or not one of ours
    │   ├── BodyTooLarge               over the cap
    │   ├── RequestTimeout             the head or the body did not come
    │   ├── ClientGone                 nobody is waiting for the answer any more
    │   ├── UpgradeRequired            WebSocket asked for where there is none
    │   │   └── WebSocketRequired          … and HTTP where there is nothing but a WebSocket
    │   ├── OriginRefused              a web page of somebody else's opens a WebSocket
    │   ├── StreamLimitReached         too much at once on one WebSocket
    │   └── ConnectionLimitReached     a WebSocket is as old as it may become
    ├── ProviderError              a provider did not do its part
    │   ├── UpstreamUnreachable        no connection
    │   ├── UpstreamTimeout            a deadline passed
    │   ├── UpstreamUnauthorized       it does not accept our credentials
    │   ├── RateLimited                it asks us to wait
    │   ├── UpstreamRejected           it calls the request invalid
    │   │   └── StaleReasoning             it no longer takes back what it sealed
    │   ├── UpstreamFailed             it says that it failed, in a status or in the stream
    │   ├── UpstreamDisconnected       the stream broke off
    │   ├── ProtocolViolation          what it sent is not its own protocol
    │   └── UnfitAnswer                what the model said has not the shape that was asked for
    │       └── UnfitCall                  … which is that of a tool's input
    └── GatewayError               our fault, or our operator's
        ├── StorageUnavailable         the database cannot be written or read
        ├── Overloaded                 a bound was reached
        ├── QueueFull                  too much waits already, of this project or of all
        └── ShuttingDown               the process is going away

The one table from these types to HTTP statuses is `edge/errors.py`. Anything else that escapes is a bug.
Messages are written for the client and never quote keys, headers or URLs.
"""

from __future__ import annotations


class AntiphonError(Exception):
    """Something a client is told. `code` is stable and machine-readable; `param` is the field it is about."""

    default_code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code if code is not None else self.default_code
        self.param = param
        self.retry_after = retry_after  # seconds


class ClientError(AntiphonError):
    """The request cannot be served as written; sending it again will not help."""


class InvalidRequest(ClientError):
    """A field is missing, mistyped or out of range."""


class UnsupportedParameter(InvalidRequest):
    """The field is known and well-formed, but this gateway (or this model) does not serve it."""

    default_code = "unsupported_parameter"


class ConversationLocked(InvalidRequest):
    """Somebody else is writing to the conversation; sent again a little later, the request may be served."""

    default_code = "conversation_locked"

    def __init__(self) -> None:
        super().__init__(
            "Another process is currently operating on this conversation. Please retry in a few seconds.",
            param="conversation",
            retry_after=2,
        )


class IdempotencyConflict(ClientError):
    """The key of a request stands for another one, with another body."""

    default_code = "idempotency_key_conflict"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was sent before with another body. Use a new key for a new request.",
            param="Idempotency-Key",
        )


class IdempotencyKeyReused(IdempotencyConflict):
    """The same, as draft-ietf-httpapi-idempotency-key-header says it."""

    default_code = "idempotency_key_reuse"


class RequestInFlight(ClientError):
    """The first request with this key is not answered yet; sent again a little later, it may be."""

    default_code = "idempotency_key_in_flight"

    def __init__(self) -> None:
        super().__init__(
            "The first request with this Idempotency-Key is still being answered. Send it again later.",
            param="Idempotency-Key",
            retry_after=2,
        )


class NotFound(ClientError):
    """Nothing here by that name, or nothing that this caller may see."""


class Gone(ClientError):
    """What is asked for was here, and is not kept any more."""


class MethodNotAllowed(ClientError):
    """The path is served, but not with this method."""

    default_code = "method_not_allowed"


class Unauthenticated(ClientError):
    """No gateway key, or none that we know."""

    default_code = "invalid_api_key"


class BodyTooLarge(ClientError):
    """The body is larger than the cap."""

    default_code = "body_too_large"


class RequestTimeout(ClientError):
    """The client stopped sending its request."""

    default_code = "request_timeout"


class ClientGone(ClientError):
    """The client closed the connection; no one reads this error."""

    default_code = "client_disconnected"


class UpgradeRequired(ClientError):
    """A WebSocket was asked for where only HTTP is served."""

    default_code = "websocket_not_supported"


class WebSocketRequired(UpgradeRequired):
    """HTTP alone was spoken where a WebSocket is opened, or its handshake was not one."""

    default_code = "websocket_required"


class OriginRefused(ClientError):
    """A browser says that a page opens this WebSocket which is none of the gateway's or its operator's."""

    default_code = "origin_not_allowed"


class StreamLimitReached(ClientError):
    """One WebSocket asks for more at once, or in more lanes, than it may."""

    default_code = "websocket_stream_limit_reached"


class ConnectionLimitReached(ClientError):
    """A WebSocket lives no longer than this; another one may be opened."""

    default_code = "websocket_connection_limit_reached"


class ProviderError(AntiphonError):
    """A provider did not do its part. `status` is the HTTP status it answered with, when it answered.

    `another_key`: that was about one of its keys, and another one may be tried at once.
    """

    another_key = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, param=param, retry_after=retry_after)
        self.status = status


class UpstreamUnreachable(ProviderError):
    """No connection could be made: refused, no such host, TLS not trusted."""

    default_code = "upstream_unreachable"


class UpstreamTimeout(ProviderError):
    """A deadline passed: connect, first byte, first event, idle or total."""

    default_code = "upstream_timeout"


class UpstreamUnauthorized(ProviderError):
    """The provider does not accept the gateway's own credentials."""

    default_code = "upstream_auth"


class RateLimited(ProviderError):
    """The provider asks us to slow down; `retry_after` says how long, when it said so."""

    default_code = "rate_limit_exceeded"


class UpstreamRejected(ProviderError):
    """The provider calls the request invalid (context too long, content refused, bad parameter)."""

    default_code = "upstream_rejected"


class StaleReasoning(UpstreamRejected):
    """The provider does not take back something that it sealed: too old, or of another account or model."""

    default_code = "invalid_encrypted_content"


class UpstreamFailed(ProviderError):
    """The provider says that it failed."""

    default_code = "upstream_error"


class UpstreamDisconnected(ProviderError):
    """The stream broke off before the provider's own end marker."""

    default_code = "upstream_disconnected"


class ProtocolViolation(ProviderError):
    """What the provider sent does not follow its own protocol, or exceeds our caps."""

    default_code = "upstream_invalid_response"


class UnfitAnswer(ProviderError):
    """The model's answer does not meet `text.format`: `fault` says why, `answer` is what it said.

    `place` is where in the turn the shape stands that was asked for.
    """

    default_code = "invalid_structured_output"

    def __init__(self, fault: str, answer: str, place: str = "text.format") -> None:
        super().__init__(
            f"The model's answer does not meet 'text.format': {fault}. Its provider does not enforce it. "
            "Send the request again, or choose a model that is held to a schema."
        )
        self.fault = fault
        self.answer = answer
        self.place = place


class UnfitCall(UnfitAnswer):
    """The input of a call is not of its tool's grammar. `call_id` is what the provider calls it, or empty."""

    def __init__(self, fault: str, answer: str, place: str, *, call: tuple[str, str, str | None]) -> None:
        """`call`: its id, the name of the tool, and its namespace."""
        super().__init__(fault, answer, place)
        self.call_id, self.name, self.namespace = call
        self.message = (
            f"The model called the tool '{self.name}' with an input that is not of its grammar: {fault}. "
            "Its provider does not enforce it. Send the request again, or choose a model that is held to it."
        )


class GatewayError(AntiphonError):
    """Ours to mend; the client may try again."""


class StorageUnavailable(GatewayError):
    """The database cannot be read or written now."""

    default_code = "storage_unavailable"


class Overloaded(GatewayError):
    """A bound of this process was reached."""

    default_code = "overloaded"


class QueueFull(GatewayError):
    """Too many responses wait to be made in the background; nothing of this request was kept."""

    default_code = "queue_full"


class ShuttingDown(GatewayError):
    """The process is going away; another one, or a later one, will serve."""

    default_code = "server_shutdown"
