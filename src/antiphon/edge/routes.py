"""The table of endpoints: each path, its handlers, and who may call it.

Deny by default: every handler of the keyed table is wrapped at one place, and gets its Caller from there; the
key is asked for before a body is read. What is open to all is a table of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from antiphon.core.records import Caller
from antiphon.edge import health, reference_page
from antiphon.edge.auth import Authenticator, caller_of
from antiphon.edge.errors import Envelope
from antiphon.edge.exchange import Exchange
from antiphon.edge.middleware import Endpoint, Front, Handler
from antiphon.edge.models import Models
from antiphon.edge.openapi import CREATE_PATHS, document
from antiphon.edge.responses import Responses
from antiphon.observe.clock import NewId
from antiphon.observe.log import AccessLog
from antiphon.protocol.errors import NotFound
from antiphon.protocol.json import encode

KeyedHandler: TypeAlias = Callable[[Exchange, Caller], Awaitable[None]]


def application(
    responses: Responses,
    models: Models,
    authenticator: Authenticator,
    *,
    errors: Envelope,
    version: str,
    new_id: NewId,
    access: AccessLog,
) -> ASGIApp:
    """The whole edge as one ASGI application."""

    def keyed(handler: KeyedHandler) -> Handler:
        async def handle(exchange: Exchange) -> None:
            await handler(exchange, await caller_of(exchange, authenticator))

        return handle

    async def ready(exchange: Exchange) -> None:
        await health.ready(exchange, responses.service)

    described = document(version, responses.limits)
    specification, page = encode(described), reference_page.render(described)

    async def openapi(exchange: Exchange) -> None:
        await exchange.answer(200, specification, [(b"content-type", b"application/json")])

    async def docs(exchange: Exchange) -> None:
        await exchange.answer(200, page, [(b"content-type", b"text/html; charset=utf-8")])

    one = "/v1/responses/{response_id}"
    with_key: dict[str, dict[str, KeyedHandler]] = {
        **{path: {"POST": responses.create, "GET": responses.upgrade} for path in CREATE_PATHS},
        "/v1/responses/input_tokens": {"POST": responses.input_tokens},
        one: {"GET": responses.retrieve, "DELETE": responses.delete},
        f"{one}/input_items": {"GET": responses.input_items},
        f"{one}/cancel": {"POST": responses.cancel},
        "/v1/router/explain": {"POST": responses.explain, "GET": responses.explain_model},
        "/v1/models": {"GET": models.list},
        "/v1/models/{model:path}": {"GET": models.retrieve},
    }
    open_to_all: dict[str, dict[str, Handler]] = {
        "/health/live": {"GET": health.live},
        "/health/ready": {"GET": ready},
        "/openapi.json": {"GET": openapi},
        "/docs": {"GET": docs},
    }
    endpoints = {
        **{
            path: Endpoint({method: keyed(handler) for method, handler in handlers.items()})
            for path, handlers in with_key.items()
        },
        **{path: Endpoint(handlers) for path, handlers in open_to_all.items()},
    }
    return Front(Paths(endpoints), errors, new_id, access)


class Paths:
    """Finds the endpoint of a path: by its name, or by a pattern where it has parameters."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._exact = {path: endpoint for path, endpoint in endpoints.items() if "{" not in path}
        patterns = [Route(path, endpoint=endpoint) for path, endpoint in endpoints.items() if "{" in path]
        self._patterns = Router(patterns, redirect_slashes=False, default=_nowhere)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        endpoint = self._exact.get(path, self._patterns)
        await endpoint(scope, receive, send)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    exchange: Exchange = scope["antiphon.exchange"]
    raise NotFound(f"There is nothing at {exchange.method} {exchange.path[:200]}.", code="unknown_url")
