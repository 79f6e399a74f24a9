"""What the settings say, made into the parts that `app.py` joins: routing, engine, edge."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from antiphon.accounts import keys, pepper
from antiphon.core.envelopes import SealKeys
from antiphon.core.records import Caller
from antiphon.edge.idempotency import Once
from antiphon.edge.models import Models
from antiphon.edge.outlet import StreamStyle
from antiphon.edge.responses import Responses as ResponseHandlers
from antiphon.edge.socket import Serving
from antiphon.engine.attempts import Accounting
from antiphon.engine.background import Background
from antiphon.engine.books import Books
from antiphon.engine.choosing import Chooser
from antiphon.engine.compaction import Fitting
from antiphon.engine.conversations import Conversations
from antiphon.engine.hedging import Hedging
from antiphon.engine.idempotency import Idempotency
from antiphon.engine.metering import Meter
from antiphon.engine.prompts import Prompts
from antiphon.engine.run import Bounds
from antiphon.engine.sealing import Sealing
from antiphon.engine.service import Service
from antiphon.engine.writers import Writers
from antiphon.observe import clock
from antiphon.observe.log import AccessLog
from antiphon.observe.metrics import Metrics
from antiphon.protocol.errors import GatewayError, IdempotencyConflict, IdempotencyKeyReused, InvalidRequest
from antiphon.protocol.request import LARGEST, Limits
from antiphon.routing.affinity import Affinity
from antiphon.routing.catalogue import Catalogue
from antiphon.routing.health import Health
from antiphon.routing.listing import Listing
from antiphon.routing.names import Names
from antiphon.routing.router import Router
from antiphon.routing.tariff import Tariff
from antiphon.settings import Settings, codex, targets
from antiphon.settings.providers import build
from antiphon.settings.providers import simulated as simulated_models
from antiphon.settings.sockets import sockets
from antiphon.stores.accounts import Accounts
from antiphon.stores.answers import Answers
from antiphon.stores.conversations import Conversations as ConversationStore
from antiphon.stores.drivers.base import Driver
from antiphon.stores.ledger import Ledger
from antiphon.stores.responses import Responses
from antiphon.stores.schema import DEFAULT_PROJECT
from antiphon.upstream.client import Client
from antiphon.upstream.media import fetcher as media
from antiphon.upstream.speaker import Upstreams
from antiphon.version import __version__

_SEAL = "seal of reasoning"  # what the pepper's derived secret is for
_USER_AGENT = f"antiphon/{__version__}"
_FOLDER = "~"  # the id of that secret, which no configured key can have


@dataclass(frozen=True, slots=True)
class Routing:
    """Who can be asked, and what is known of them."""

    speaker: Upstreams
    names: Names
    catalogue: Catalogue
    everything: tuple[str, ...]
    health: Health
    affinity: Affinity
    tariff: Tariff


@dataclass(frozen=True, slots=True)
class Stores:
    """What the engine keeps, and where."""

    responses: Responses
    conversations: ConversationStore
    books: Books


def routing(settings: Settings) -> Routing:
    """Raises GatewayError for an alias of nothing."""
    simulated = simulated_models(settings)
    listed = targets.listed(settings, simulated.models)
    known = targets.catalogue(settings, simulated.models)
    return Routing(
        speaker=Upstreams(build(settings), simulated, Client(), _USER_AGENT, _fetcher(settings)),
        names=_names(settings, listed, known),
        catalogue=known,
        everything=targets.everything(listed),
        health=Health(),
        affinity=Affinity(),
        tariff=Tariff(known.facts),
    )


def stores(database: Driver) -> Stores:
    return Stores(Responses(database), ConversationStore(database), Books(Ledger(database)))


def service(
    settings: Settings,
    known: Routing,
    kept: Stores,
    conversations: Conversations,
    *,
    secret: bytes,
    metrics: Metrics,
    new_id: clock.NewId,
) -> Service:
    accounting = Accounting(known.health, known.tariff, time.monotonic, time.time, Meter(metrics))
    return Service(
        speaker=known.speaker,
        chooser=_chooser(settings, known),
        store=kept.responses,
        books=kept.books,
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
        conversations=conversations,
        writers=Writers(kept.conversations, new_id),
        fitting=Fitting(known.speaker, lambda target: known.catalogue.facts(target).context_window),
        hedging=_hedging(settings, accounting, known.catalogue),
    )


def _chooser(settings: Settings, known: Routing) -> Chooser:
    return Chooser(
        Router(known.names, known.catalogue.facts, targets.policies(settings), known.health),
        known.names,
        known.everything,
        known.affinity,
        time.monotonic,
        clock.today,
        lambda: int.from_bytes(os.urandom(4), "big"),
    )


def models(settings: Settings, known: Routing) -> Models:
    listing = Listing(known.names, known.catalogue.facts, known.health)
    return Models(listing, clock.now(), time.monotonic, clock.today, codex.instructions(settings))


def once(settings: Settings, database: Driver, new_id: clock.NewId) -> Once:
    reused = settings.requests.idempotency_conflict == "unprocessable"
    conflict = IdempotencyKeyReused if reused else IdempotencyConflict
    answers = Answers(database)
    return Once(Idempotency(answers, new_id, conflict=conflict), settings.limits.body_bytes)


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


def handlers(
    settings: Settings,
    service: Service,
    background: Background,
    prompts: Prompts,
    authenticator: keys.Authenticator,
    access: AccessLog,
) -> ResponseHandlers:
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
    on_disconnect = settings.requests.on_disconnect
    serving = Serving(service, prompts, authenticator, limits, style.heartbeat, on_disconnect, access)
    served = sockets(settings, serving)
    return ResponseHandlers(service, background, limits, style, prompts, on_disconnect, served)


def authenticator(settings: Settings, accounts: Accounts, secret: bytes) -> keys.Authenticator:
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
