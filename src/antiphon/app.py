"""The composition root: the only place where things are built and joined.

settings ─▶ database ─▶ stores ─┐
         ─▶ providers ─▶ client ─▶ upstreams ─▶ service ─▶ edge ─▶ server
         ─▶ keys ─▶ authenticator ──────────────────────────┘
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from antiphon.accounts import keys, pepper
from antiphon.core.envelopes import SealKeys
from antiphon.core.records import Caller
from antiphon.edge import server as http
from antiphon.edge.models import Models
from antiphon.edge.outlet import StreamStyle
from antiphon.edge.responses import Responses as ResponseHandlers
from antiphon.edge.routes import application
from antiphon.engine.attempts import Accounting
from antiphon.engine.books import Books
from antiphon.engine.choosing import Chooser
from antiphon.engine.hedging import Hedging
from antiphon.engine.run import Bounds
from antiphon.engine.sealing import Sealing
from antiphon.engine.service import Service
from antiphon.observe import clock, log
from antiphon.observe.log import AccessLog
from antiphon.protocol.errors import GatewayError, InvalidRequest, StorageUnavailable
from antiphon.protocol.request import LARGEST, Limits
from antiphon.routing.affinity import Affinity
from antiphon.routing.catalogue import Catalogue
from antiphon.routing.health import Health
from antiphon.routing.listing import Listing
from antiphon.routing.names import Names
from antiphon.routing.router import Router
from antiphon.routing.tariff import Tariff
from antiphon.settings import Settings, targets
from antiphon.settings.providers import build
from antiphon.settings.providers import simulated as simulated_models
from antiphon.stores.accounts import Accounts, KeyRow
from antiphon.stores.drivers.sqlite import SQLite
from antiphon.stores.ledger import Ledger
from antiphon.stores.migrations import UnknownSchema
from antiphon.stores.responses import Responses
from antiphon.stores.schema import DEFAULT_PROJECT
from antiphon.upstream.client import Client
from antiphon.upstream.media import fetcher as media
from antiphon.upstream.speaker import Upstreams
from antiphon.version import __version__

_SEAL = "seal of reasoning"  # what the pepper's derived secret is for
_USER_AGENT = f"antiphon/{__version__}"
_FOLDER = "~"  # the id of that secret, which no configured key can have

Announce = Callable[[str, str | None], None]
"""Called once the gateway listens, with its URL and, if one was made for this data folder, a gateway key."""


class KeyRing:
    """The gateway keys of one data folder, as the command line sees them."""

    def __init__(self, accounts: Accounts, pepper: bytes) -> None:
        self._accounts = accounts
        self._pepper = pepper

    async def create(self, name: str) -> tuple[str, str]:
        """A new key: its id, and the key itself, which is not kept."""
        key, key_id = keys.generate(os.urandom), clock.Ids()("key")
        await self._accounts.create(
            DEFAULT_PROJECT,
            id=key_id,
            name=name,
            digest=keys.digest(self._pepper, key),
            prefix=keys.display_prefix(key),
            created_at=clock.now(),
        )
        return key_id, key

    async def list(self) -> list[KeyRow]:
        return await self._accounts.list(DEFAULT_PROJECT)

    async def revoke(self, key_id: str) -> bool:
        """False if there is none, or it was revoked before."""
        return await self._accounts.revoke(DEFAULT_PROJECT, key_id, revoked_at=clock.now())


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that is ready to serve."""

    app: ASGIApp
    service: Service
    ring: KeyRing


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[SQLite]:
    """Raises GatewayError, which names the folder or the file that cannot be used."""
    file = Path(settings.database.removeprefix("sqlite:///"))
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = await SQLite.open(file)
    except OSError as error:
        raise GatewayError(f"{error.filename or settings.data}: {error.strerror}") from error
    except StorageUnavailable as error:
        raise GatewayError(f"{file}: cannot be used as the database: {error.__cause__}") from error
    except UnknownSchema as error:
        raise GatewayError(f"{file}: {error}") from error
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_accounts(settings: Settings) -> AsyncIterator[KeyRing]:
    """The keys of this data folder; a gateway may be running on it."""
    async with open_database(settings) as database:
        yield KeyRing(Accounts(database), _pepper(settings))


@asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """The ledger of this data folder; a gateway may be running on it."""
    async with open_database(settings) as database:
        yield Ledger(database)


@asynccontextmanager
async def open_gateway(settings: Settings, access: AccessLog | None = None) -> AsyncIterator[Gateway]:
    """Everything, built and joined; taken apart again at the end. Without `access` no requests are logged."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        providers = build(settings)
        simulated = simulated_models(settings)
        listed = targets.listed(settings, simulated.models)
        known = targets.catalogue(settings, simulated.models)
        names = _names(settings, listed, known)
        upstreams = Upstreams(providers, simulated, Client(), _USER_AGENT, _fetcher(settings))
        stack.push_async_callback(upstreams.aclose)
        health, new_id = Health(), clock.Ids()
        secret = _pepper(settings)
        accounting = Accounting(health, Tariff(known.facts), time.monotonic, time.time)
        service = Service(
            speaker=upstreams,
            chooser=Chooser(
                Router(names, known.facts, targets.policies(settings), health),
                names,
                targets.everything(listed),
                Affinity(),
                time.monotonic,
                clock.today,
                lambda: int.from_bytes(os.urandom(4), "big"),
            ),
            store=Responses(database),
            books=Books(Ledger(database)),
            accounting=accounting,
            sealing=_sealing(settings, secret),
            new_id=new_id,
            now=clock.now,
            bounds=Bounds(
                runs=settings.limits.in_flight,
                corrections=settings.requests.corrections,
                retries=settings.requests.retries,
                seconds=settings.timeouts.total,
            ),
            hedging=_hedging(settings, accounting, known),
        )
        accounts = Accounts(database)
        yield Gateway(
            app=application(
                _handlers(settings, service),
                Models(Listing(names, known.facts, health), clock.now(), time.monotonic, clock.today),
                _authenticator(settings, accounts, secret),
                errors=settings.errors,
                version=__version__,
                new_id=new_id,
                access=access or AccessLog(),
            ),
            service=service,
            ring=KeyRing(accounts, secret),
        )


def _hedging(settings: Settings, accounting: Accounting, known: Catalogue) -> Hedging | None:
    if not settings.routing.hedge:
        return None
    most_cost = settings.routing.hedge_max_cost
    return Hedging(accounting, lambda target: known.facts(target).max_output_tokens, most_cost)


def _names(settings: Settings, listed: Mapping[str, Sequence[str]], known: Catalogue) -> Names:
    """Raises GatewayError for an alias of nothing."""
    try:
        return targets.names(settings, listed, known)
    except InvalidRequest as error:
        raise GatewayError(f"aliases: {error.message}") from error


def _fetcher(settings: Settings) -> media.Fetcher | None:
    wanted = settings.media
    if not wanted.fetch:
        return None
    bounds = media.Bounds(
        max_bytes=wanted.max_bytes,
        max_request_bytes=wanted.max_request_bytes,
        ports=frozenset(wanted.ports),
        trusted=frozenset(wanted.allow_hosts),
    )
    return media.Fetcher(bounds, _USER_AGENT)


def _handlers(settings: Settings, service: Service) -> ResponseHandlers:
    limits = Limits(
        body_bytes=settings.limits.body_bytes,
        max_output_tokens_minimum=settings.requests.min_output_tokens,
        max_output_tokens_maximum=settings.requests.max_output_tokens or LARGEST,
        user=settings.requests.max_user_length,
        store=settings.requests.store,
        adaptation=settings.requests.adaptation,
        depth=settings.limits.json_depth,
        tools=settings.limits.tools,
        input_items=settings.limits.input_items,
    )
    style = StreamStyle(settings.stream.heartbeat, settings.stream.write_timeout, settings.stream.done_marker)
    return ResponseHandlers(service, limits, style, settings.requests.on_disconnect)


def _authenticator(settings: Settings, accounts: Accounts, secret: bytes) -> keys.Authenticator:
    static = {
        keys.digest(secret, entry.key.get_secret_value()): Caller(DEFAULT_PROJECT, entry.name)
        for entry in settings.keys
    }
    return keys.Authenticator(pepper=secret, find=accounts.find, now=time.monotonic, static=static)


def _sealing(settings: Settings, secret: bytes) -> Sealing:
    chosen = {
        entry.id: pepper.derived(entry.key.get_secret_value().encode(), _SEAL)
        for entry in settings.reasoning.seal_keys
    }
    return Sealing(
        SealKeys({**chosen, _FOLDER: pepper.derived(secret, _SEAL)}),
        lifetime=settings.reasoning.lifetime,
        foreign=settings.reasoning.foreign,
        now=clock.now,
        random_bytes=os.urandom,
    )


def _pepper(settings: Settings) -> bytes:
    """Raises GatewayError."""
    file = settings.data / "pepper"
    try:
        return pepper.load_or_make(file, os.urandom)
    except OSError as error:
        raise GatewayError(f"{file}: {error.strerror}") from error
    except pepper.BadPepper as error:
        raise GatewayError(str(error)) from error


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
            await self._gateway.service.drain(self._settings.drain_timeout)
        await send({"type": "lifespan.shutdown.complete"})


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The gateway as an ASGI application, for a server of your own choice.

    Such a server must refuse ambiguous HTTP itself; `antiphon serve` brings one that does.
    """
    return _Application(settings or Settings())


def serve(settings: Settings, *, announce: Announce) -> int:
    """Serve until told to stop; returns the exit code."""
    serving = _serve(settings, announce, log.configure(settings.log.level, settings.log.format))
    if sys.platform == "win32":
        return asyncio.run(serving)
    import uvloop

    return uvloop.run(serving)


async def _serve(settings: Settings, announce: Announce, access: AccessLog) -> int:
    try:
        listening = listen(settings)
    except OSError as error:
        print(
            f"antiphon: cannot listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr
        )
        return 1
    async with open_gateway(settings, access) as gateway:
        key = None
        if not settings.keys and not await gateway.ring.list():
            _, key = await gateway.ring.create("first")
        _settle_memory()
        server = server_of(settings, gateway, lambda: announce(_url(listening), key))
        await server.serve(sockets=[listening])
    return 0


def _settle_memory() -> None:
    """What was loaded at start lives as long as the process: keep the garbage collector off it.

    A collection of everything stopped all requests for 80 ms; one after each 700 allocations cost a fifth
    of the processor's time, and one after each 5,000 still an eighth with 256 requests in progress: it finds
    nothing but what is alive. At 20,000 it is a twenty-fifth, and the memory is the same. The old generation
    is looked through often, so that circles that nobody knows of do not pile up.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 5, 5)


def server_of(
    settings: Settings, gateway: Gateway, started: Callable[[], None] = lambda: None
) -> http.GracefulServer:
    """The server that `antiphon serve` runs for this gateway."""
    limits = settings.limits
    return http.server(
        gateway.app,
        hygiene=http.Hygiene(
            limits.header_count, limits.header_bytes, limits.header_timeout, limits.body_timeout
        ),
        drain=lambda: gateway.service.drain(settings.drain_timeout),
        started=started,
    )


def listen(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(address)
    listening.listen(2048)
    listening.setblocking(False)
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"
