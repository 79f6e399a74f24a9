"""The table of endpoints: each path, its handlers, and who may call it.

Deny by default: every handler of the keyed table is wrapped at one place, and gets its Caller from there; the
key is asked for before a body is read. What is open to all is a table of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from antiphon.edge import health, reference_page
from antiphon.edge.auth import Authenticator, caller_of
from antiphon.edge.conversations import Conversations
from antiphon.edge.errors import Envelope
from antiphon.edge.exchange import Exchange
from antiphon.edge.idempotency import KeyedHandler, Once
from antiphon.edge.metrics import expose
from antiphon.edge.middleware import Endpoint, Front, Handler
from antiphon.edge.models import Models
from antiphon.edge.openapi import CREATE_PATHS, document
from antiphon.edge.prompts import Prompts
from antiphon.edge.responses import Responses
from antiphon.observe.clock import NewId
from antiphon.observe.log import AccessLog
from antiphon.observe.metrics import Metrics
from antiphon.protocol.errors import NotFound
from antiphon.protocol.json import encode

MetricsFor: TypeAlias = Literal["key", "all", "nobody"]


def application(
    responses: Responses,
    conversations: Conversations,
    prompts: Prompts,
    models: Models,
    authenticator: Authenticator,
    once: Once,
    *,
    errors: Envelope,
    version: str,
    new_id: NewId,
    access: AccessLog,
    metrics: Metrics,
    metrics_for: MetricsFor,
) -> ASGIApp:
    """The whole edge as one ASGI application. `once` is put around what makes something; `metrics_for` says
    who may read the metrics.
    """

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
        **{path: {"POST": once(responses.create), "GET": responses.upgrade} for path in CREATE_PATHS},
        "/v1/responses/input_tokens": {"POST": responses.input_tokens},
        "/v1/responses/compact": {"POST": once(responses.compact)},
        one: {"GET": responses.retrieve, "DELETE": responses.delete},
        f"{one}/input_items": {"GET": responses.input_items},
        f"{one}/cancel": {"POST": responses.cancel},
        "/v1/router/explain": {"POST": responses.explain, "GET": responses.explain_model},
        **_of_conversations(conversations, once),
        **_of_prompts(prompts, once),
        "/v1/models": {"GET": models.list},
        "/v1/models/{model:path}": {"GET": models.retrieve},
    }
    open_to_all: dict[str, dict[str, Handler]] = {
        "/health/live": {"GET": health.live},
        "/health/ready": {"GET": ready},
        "/openapi.json": {"GET": openapi},
        "/docs": {"GET": docs},
    }
    if metrics_for == "key":
        with_key["/metrics"] = {"GET": lambda exchange, caller: expose(exchange, metrics)}
    elif metrics_for == "all":
        open_to_all["/metrics"] = {"GET": lambda exchange: expose(exchange, metrics)}
    endpoints = {
        **{
            path: Endpoint({method: keyed(handler) for method, handler in handlers.items()}, path)
            for path, handlers in with_key.items()
        },
        **{path: Endpoint(handlers, path) for path, handlers in open_to_all.items()},
    }
    return Front(Paths(endpoints), errors, new_id, access, metrics)


def _of_conversations(conversations: Conversations, once: Once) -> dict[str, dict[str, KeyedHandler]]:
    one = "/v1/conversations/{conversation_id}"
    return {
        "/v1/conversations": {"POST": once(conversations.create)},
        one: {
            "GET": conversations.retrieve,
            "POST": conversations.update,
            "DELETE": conversations.delete,
        },
        f"{one}/items": {"GET": conversations.list_items, "POST": once(conversations.add_items)},
        f"{one}/items/{{item_id}}": {
            "GET": conversations.retrieve_item,
            "DELETE": conversations.delete_item,
        },
    }


def _of_prompts(prompts: Prompts, once: Once) -> dict[str, dict[str, KeyedHandler]]:
    return {
        "/v1/prompts": {"GET": prompts.list, "POST": once(prompts.create)},
        "/v1/prompts/{prompt_id}": {
            "GET": prompts.retrieve,
            "POST": once(prompts.add),
            "DELETE": prompts.delete,
        },
    }


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
