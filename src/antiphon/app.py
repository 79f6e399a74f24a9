"""The composition root: the only place where parts are joined; `building.py` makes them from the settings.

settings ─▶ database ─▶ stores ─┐
         ─▶ providers ─▶ client ─▶ upstreams ─▶ service ─▶ edge ─▶ server (serving.py)
         ─▶ keys ─▶ authenticator ──────────────────────────┘
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from antiphon import building, measures, storage
from antiphon.edge.conversations import Conversations as ConversationHandlers
from antiphon.edge.prompts import Prompts as PromptHandlers
from antiphon.edge.routes import application
from antiphon.engine.conversations import Conversations
from antiphon.engine.prompts import Prompts
from antiphon.engine.service import Service
from antiphon.observe import clock, log
from antiphon.observe.log import AccessLog
from antiphon.observe.metrics import Metrics
from antiphon.settings import Settings
from antiphon.settings.signals import open_signals
from antiphon.settings.workers import Backstage, backstage
from antiphon.stores.accounts import Accounts
from antiphon.stores.prompts import Prompts as PromptStore
from antiphon.version import __version__


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that is ready to serve."""

    app: ASGIApp
    service: Service
    behind: Backstage
    ring: storage.KeyRing

    async def drain(self, timeout: float) -> None:
        """Let all that runs here finish for `timeout` seconds, then end it or leave it to others."""
        await asyncio.gather(self.behind.drain(timeout), self.service.drain(timeout))


@asynccontextmanager
async def open_gateway(settings: Settings, access: AccessLog | None = None) -> AsyncIterator[Gateway]:
    """Everything, built and joined; taken apart again at the end. Without `access` no requests are logged."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(storage.open_database(settings))
        known, kept = building.routing(settings), building.stores(database)
        stack.push_async_callback(known.speaker.aclose)
        new_id, secret, access = clock.Ids(), storage.secret(settings), access or AccessLog()
        model_is_known = measures.is_known(settings, known.names, known.catalogue)
        metrics = Metrics(model_is_known)
        conversations = Conversations(kept.conversations, kept.responses, new_id, clock.now)
        service = building.service(
            settings, known, kept, conversations, secret=secret, metrics=metrics, new_id=new_id
        )
        behind = backstage(
            settings,
            database,
            service=service,
            store=kept.responses,
            books=kept.books,
            signals=await stack.enter_async_context(open_signals(settings, new_id("process"))),
            new_id=new_id,
        )
        if settings.background.worker:
            behind.start()
        stack.push_async_callback(behind.drain, 0)
        accounts, prompts = Accounts(database), Prompts(PromptStore(database), new_id, clock.now)
        authenticator = building.authenticator(settings, accounts, secret)
        handlers = building.handlers(settings, service, behind.background, prompts, authenticator, access)
        held = (service, kept.books, known.health, known.affinity, known.tariff, authenticator, known.speaker)
        measures.measure(metrics, model_is_known, known.health, time.monotonic, database, held)
        yield Gateway(
            app=application(
                handlers,
                ConversationHandlers(conversations, handlers.limits),
                PromptHandlers(prompts, handlers.limits),
                building.models(settings, known),
                authenticator,
                building.once(settings, database, new_id),
                errors=settings.errors,
                version=__version__,
                new_id=new_id,
                access=access,
                metrics=metrics,
                metrics_for=settings.metrics,
            ),
            service=service,
            behind=behind,
            ring=storage.KeyRing(accounts, secret),
        )


class _Application:
    """The gateway as an ASGI application of any server: built at lifespan startup, drained at shutdown."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._gateway: Gateway | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._gateway is None:
            raise RuntimeError("Antiphon needs a server that runs the ASGI lifespan.")
        else:
            await self._gateway.app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        access = log.configure(self._settings.log.level, self._settings.log.format)
        async with open_gateway(self._settings, access) as self._gateway:
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._gateway.drain(self._settings.drain_timeout)
        await send({"type": "lifespan.shutdown.complete"})


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The gateway as an ASGI application, for a server of your own choice.

    Such a server must refuse ambiguous HTTP itself; `antiphon serve` brings one that does.
    """
    return _Application(settings or Settings())
