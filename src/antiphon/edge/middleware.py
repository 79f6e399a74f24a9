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

from antiphon.edge.errors import Envelope, answer_error
from antiphon.edge.exchange import ConnectionLost, Exchange
from antiphon.observe.clock import NewId
from antiphon.observe.log import AccessLog
from antiphon.protocol.errors import AntiphonError, GatewayError, MethodNotAllowed, ShuttingDown

Handler: TypeAlias = Callable[[Exchange], Awaitable[None]]

log = structlog.get_logger()


class Front:
    """The outermost application. Puts an Exchange into the scope for the endpoints inside."""

    def __init__(self, app: ASGIApp, errors: Envelope, new_id: NewId, access: AccessLog) -> None:
        self._app = app
        self._access = access
        self._errors = errors
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        exchange = Exchange(scope, receive, send, self._new_id("request"))
        scope["antiphon.exchange"] = exchange
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
        taken = (time.perf_counter() - began) * 1000
        self._access.request(exchange.request_id, scope["method"], scope["path"], exchange.status, taken)

    async def _answer(self, exchange: Exchange, error: AntiphonError) -> None:
        """An answer that has begun cannot become another: the server closes the connection instead."""
        if not exchange.answered:
            await answer_error(exchange, error, self._errors)


class Endpoint:
    """What stands behind one path: a handler for each method, and who may call it."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers
        if "GET" in handlers:
            self._handlers = {**handlers, "HEAD": handlers["GET"]}  # the exchange leaves its body out
        self._allowed = ", ".join(sorted(self._handlers)).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope["antiphon.exchange"]
        handler = self._handlers.get(scope["method"])
        if handler is None:
            exchange.add_header(b"allow", self._allowed)
            raise MethodNotAllowed(f"{exchange.path} does not take {exchange.method}.")
        exchange.path_params = scope.get("path_params", {})
        await handler(exchange)
