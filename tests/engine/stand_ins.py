"""Stand-ins at the engine's two seams: a speaker that follows a script, a store that is a list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from antiphon.core.adaptations import Adaptation
from antiphon.core.compaction import estimated_tokens
from antiphon.core.deltas import Delta
from antiphon.core.envelopes import SealKeys
from antiphon.core.grammars.judge import HeldTool, ToolName
from antiphon.core.records import Attempt, Caller, Page, ResponseRecord, Target
from antiphon.core.turn import Turn
from antiphon.engine.attempts import Accounting
from antiphon.engine.books import Books
from antiphon.engine.choosing import Chooser
from antiphon.engine.compaction import Fitting
from antiphon.engine.conversations import Conversations
from antiphon.engine.hedging import Hedging
from antiphon.engine.ports import Order
from antiphon.engine.run import Bounds
from antiphon.engine.sealing import Foreign, Sealing
from antiphon.engine.service import Service
from antiphon.engine.writers import LEASE, Writers
from antiphon.protocol.errors import GatewayError, StorageUnavailable
from antiphon.protocol.json import JSON
from antiphon.protocol.request import Limits, create_response
from antiphon.routing.affinity import Affinity
from antiphon.routing.catalogue import Facts
from antiphon.routing.health import Health
from antiphon.routing.names import Names
from antiphon.routing.pricing import PriceList, Prices
from antiphon.routing.router import Router
from antiphon.routing.tariff import Tariff
from tests.play import counting_ids

CALLER = Caller("project", "key")

Step = Delta | Exception | float  # said, raised, or waited for (seconds)


@dataclass
class ScriptedSpeech:
    speaker: ScriptedSpeaker
    script: Sequence[Step]
    adaptations: tuple[Adaptation, ...] = ()
    grammars: Mapping[ToolName, HeldTool] = field(default_factory=dict)

    async def deltas(self) -> AsyncGenerator[list[Delta], None]:
        self.speaker.open += 1
        try:
            for step in self.script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield [step]
        finally:
            self.speaker.open -= 1


@dataclass
class ScriptedSpeaker:
    """Plays one script for each turn, in order."""

    scripts: list[Sequence[Step]]
    adaptations: Sequence[tuple[Adaptation, ...]] = ()  # of each turn
    turns: list[Turn] = field(default_factory=list)
    open: int = 0

    async def fetch(self, target: Target, turn: Turn) -> tuple[Turn, tuple[Adaptation, ...]]:
        return turn, ()

    def prepare(self, target: Target, turn: Turn) -> ScriptedSpeech:
        self.turns.append(turn)
        at = len(self.turns) - 1
        told = self.adaptations[at] if at < len(self.adaptations) else ()
        return ScriptedSpeech(self, self.scripts[at], told)

    def reads(self, target: Target) -> frozenset[str]:
        return frozenset({"anthropic", target.provider})

    async def estimate(self, target: Target, turn: Turn) -> int:
        return estimated_tokens(turn.items)

    def compacts(self, target: Target) -> bool:
        return target.provider == "openai"

    def truncates(self, target: Target) -> bool:
        return target.provider == "openai"

    async def count(self, target: Target, turn: Turn) -> int:
        self.turns.append(turn)
        return len(turn.items)


@dataclass
class ListStore:
    """Keeps what is saved; fails to when told."""

    records: list[ResponseRecord] = field(default_factory=list)
    broken: bool = False
    refusal: GatewayError = field(default_factory=lambda: StorageUnavailable("The disk is full."))
    slow: float = 0.0  # seconds a save takes

    async def ready(self) -> None:
        pass

    async def save(self, record: ResponseRecord) -> None:
        await asyncio.sleep(self.slow)
        if self.broken:
            raise self.refusal
        assert all(record.id != stored.id for stored in self.records), "stored twice"
        self.records.append(record)

    async def get(self, project_id: str, response_id: str, /) -> ResponseRecord | None:
        found = [row for row in self.records if (row.project_id, row.id) == (project_id, response_id)]
        return found[0] if found else None

    async def delete(self, project_id: str, response_id: str, /) -> bool:
        record = await self.get(project_id, response_id)
        if record is not None:
            self.records.remove(record)
        return record is not None

    async def history(self, project_id: str, response_id: str, /) -> list[JSON] | None:
        record = await self.get(project_id, response_id)
        if record is None:
            return None
        before: list[JSON] | None = []
        if record.previous_response_id is not None:
            before = await self.history(project_id, record.previous_response_id)
        return None if before is None else [*before, *record.input, *record.output]

    async def input_items(
        self, project_id: str, response_id: str, /, *, limit: int, order: Order, after: str | None
    ) -> Page | None:
        record = await self.get(project_id, response_id)
        return None if record is None else Page(record.input[:limit], len(record.input) > limit)

    async def items(self, project_id: str, ids: Sequence[str], /) -> dict[str, JSON]:
        said = [item for record in self.records for item in [*record.input, *record.output]]
        return {item["id"]: item for item in said if item["id"] in ids}


PRICES = PriceList((Prices({"input_tokens": 2_000 * 10**6, "output_tokens": 10_000 * 10**6}),))
"""2,000 nano-US-dollars for a token of input, 10,000 for one of output."""


@dataclass
class ListLedger:
    """Keeps the rows that are entered apart from a response."""

    rows: list[Attempt] = field(default_factory=list)

    async def add(self, made: Sequence[Attempt]) -> None:
        self.rows += made


def sealing(*, foreign: Foreign = "drop", now: int = 1, lifetime: int = 100) -> Sealing:
    """Under one key; each nonce is one higher than that before."""
    nonces = count(1)
    return Sealing(
        SealKeys({"k": bytes(32)}),
        lifetime=lifetime,
        foreign=foreign,
        now=lambda: now,
        random_bytes=lambda length: next(nonces).to_bytes(length, "big"),
    )


def service(
    speaker: ScriptedSpeaker,
    store: ListStore,
    *,
    most_runs: int = 10,
    seals: Sealing | None = None,
    ledger: ListLedger | None = None,
    retries: int = 0,
    seconds: float = 60,
    hedge: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    window: int | None = None,
    conversations: Any = None,
    lease: float = LEASE,
) -> Service:
    """With `hedge`, the dollars that a second answer may cost: a model says 1,000 tokens at most.

    Without a store of `conversations` there are none that could be asked for.
    """
    alike = (("sim/a", 1.0), ("anthropic/b", 1.0))
    names = Names({"sim": (), "anthropic": (), "openai": ()}, {"alike": alike})
    health, new_id = Health(), counting_ids()
    facts = {name: Facts(prices=PRICES) for name in ("sim", "anthropic")}
    router = Router(names, lambda target: facts.get(target.provider, Facts()), {}, health)
    tariff = Tariff(lambda target: facts.get(target.provider, Facts()))
    accounting = Accounting(health, tariff, clock, lambda: 1.0)
    return Service(
        speaker=speaker,
        chooser=Chooser(router, names, ("sim/m",), Affinity(), clock, lambda: "2026-11-21", lambda: 0),
        store=store,
        books=Books(ledger or ListLedger(), within=0.001),
        accounting=accounting,
        sealing=seals or sealing(),
        new_id=new_id,
        now=lambda: 1,
        bounds=Bounds(runs=most_runs, corrections=2, retries=retries, seconds=seconds),
        conversations=Conversations(conversations, store, new_id, lambda: 1),
        writers=Writers(conversations, new_id, lease=lease),
        fitting=Fitting(speaker, lambda _: window),
        hedging=None if hedge is None else Hedging(accounting, lambda _: 1000, hedge),
    )


def request(**fields: Any) -> Any:
    return create_response({"model": "sim/model", "input": "hi", **fields}, Limits())
