"""Around every exchange: a request id, our errors as answers, an access line, the last resort.

Pure ASGI. `except Exception` stands here and nowhere else on this floor: whatever escapes a handler is a
bug, is logged with its trace, and reaches the client as a plain 500 that says nothing of our insides.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from antiphon.edge.errors import Envelope, answer_error, envelope
from antiphon.edge.exchange import ConnectionLost, Exchange
from antiphon.observe.clock import NewId
from antiphon.observe.log import AccessLog
from antiphon.observe.metrics import Metrics
from antiphon.protocol.errors import (
    AntiphonError,
    GatewayError,
    MethodNotAllowed,
    ShuttingDown,
    UpgradeRequired,
)
from antiphon.protocol.json import encode

Handler: TypeAlias = Callable[[Exchange], Awaitable[None]]

log = structlog.get_logger()

_SWITCHED = 101  # to a WebSocket, whose life is no request's duration
_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"}
)


class Front:
    """The outermost application. Puts an Exchange into the scope for the endpoints inside."""

    def __init__(
        self, app: ASGIApp, errors: Envelope, new_id: NewId, access: AccessLog, metrics: Metrics
    ) -> None:
        self._app = app
        self._access = access
        self._metrics = metrics
        self._errors = errors
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _refuse(scope, send)
            return
        began = time.perf_counter()
        exchange = Exchange(scope, receive, send, self._new_id("request"))
        scope["antiphon.exchange"] = exchange
        self._metrics.active_requests += 1
        try:
            await self._app(scope, receive, send)
        except AntiphonError as error:
            await self._answer(exchange, error)
            error.__traceback__ = None  # whose frames hold the run, as the run its failure
        except asyncio.CancelledError:  # by the server, which is going away and waits no longer
            if not exchange.answered:
                leaving = ShuttingDown("The gateway is shutting down.", retry_after=1)
                await answer_error(exchange, leaving, self._errors)
        except ConnectionLost as lost:
            log.warning("connection_lost", request_id=exchange.request_id, reason=str(lost))
        except Exception:
            log.exception("unexpected_error", request_id=exchange.request_id)
            await self._answer(
                exchange, GatewayError("The gateway had an unexpected error.", code="server_error")
            )
        finally:
            del scope["antiphon.exchange"]  # or each holds the other until the garbage is collected
            self._metrics.active_requests -= 1
        seconds = time.perf_counter() - began
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        if exchange.status != _SWITCHED:
            self._metrics.requested(method, exchange.route, exchange.status, seconds)
        self._access.request(
            exchange.request_id, scope["method"], scope["path"], exchange.status, seconds * 1000
        )

    async def _answer(self, exchange: Exchange, error: AntiphonError) -> None:
        """An answer that has begun cannot become another: the server closes the connection instead."""
        if not exchange.answered:
            await answer_error(exchange, error, self._errors)


async def _refuse(scope: Scope, send: Send) -> None:
    """What another server than ours made of a handshake: agents that get 426 go on over HTTP."""
    if scope["type"] != "websocket":
        return
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    error = UpgradeRequired("WebSocket is not served here; send POST requests over HTTP.")
    head = [(b"content-type", b"application/json"), (b"upgrade", b"HTTP/1.1")]
    await send({"type": "websocket.http.response.start", "status": 426, "headers": head})
    await send({"type": "websocket.http.response.body", "body": encode(envelope(error))})


class Endpoint:
    """What stands behind one path: a handler for each method, and who may call it. `route`: its name."""

    def __init__(self, handlers: dict[str, Handler], route: str) -> None:
        self._handlers = handlers
        self._route = route
        if "GET" in handlers:
            self._handlers = {**handlers, "HEAD": handlers["GET"]}  # the exchange leaves its body out
        self._allowed = ", ".join(sorted(self._handlers)).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope["antiphon.exchange"]
        exchange.route = self._route
        handler = self._handlers.get(scope["method"])
        if handler is None:
            exchange.add_header(b"allow", self._allowed)
            raise MethodNotAllowed(f"{exchange.path} does not take {exchange.method}.")
        exchange.path_params = scope.get("path_params", {})
        await handler(exchange)
