"""A place for background responses: a real database, a scripted speaker, any number of workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from antiphon.core import deltas as d
from antiphon.core.records import Caller
from antiphon.core.turn import Turn
from antiphon.engine.background import Background, Bounds
from antiphon.engine.books import Books
from antiphon.engine.interrupted import Undertaker
from antiphon.engine.service import Service
from antiphon.engine.signals import LocalSignals
from antiphon.engine.worker import Terms, Worker
from antiphon.observe.clock import Ids
from antiphon.protocol.events import Event
from antiphon.protocol.json import JSON
from antiphon.stores.drivers.sqlite import SQLite
from antiphon.stores.jobs import Jobs
from antiphon.stores.journals import Journals
from antiphon.stores.ledger import Ledger
from antiphon.stores.responses import Responses
from tests.engine.stand_ins import CALLER, ScriptedSpeaker, ScriptedSpeech, Step, request, service

HELLO: Sequence[Step] = [d.Text("0", "hel"), 0.03, d.Text("0", "lo"), d.Usage(3, 1), d.Stop("stop")]
SLOW: Sequence[Step] = [d.Text("0", "begun "), *(60.0 for _ in range(3)), d.Stop("stop")]
SILENT: Sequence[Step] = [60.0, d.Text("0", "late"), d.Stop("stop")]


@dataclass
class Repeating(ScriptedSpeaker):
    """Plays the same script for each turn that is listened to; `begun` counts those."""

    begun: int = 0

    def prepare(self, target: Any, turn: Turn) -> ScriptedSpeech:
        self.turns.append(turn)
        speaker = self

        class Counted(ScriptedSpeech):
            async def deltas(self) -> Any:
                speaker.begun += 1
                async for batch in super().deltas():
                    yield batch

        return Counted(self, self.scripts[0])


@dataclass
class Place:
    """What one process has, but that each worker may have a speaker and signals of its own."""

    database: SQLite
    ledger: Ledger
    jobs: Jobs
    journals: Journals
    responses: Responses
    workers: list[Worker] = field(default_factory=list)

    def service(self, speaker: ScriptedSpeaker) -> Service:
        store: Any = self.responses
        made: Any = service(speaker, store)
        made._new_id = Ids()
        return cast(Service, made)

    def background(
        self, signals: LocalSignals, speaker: ScriptedSpeaker | None = None, **bounds: int
    ) -> Background:
        chosen = {"of_project": 100, "in_all": 100, **bounds}
        return Background(
            service=self.service(speaker or Repeating([HELLO])),
            jobs=self.jobs,
            journals=self.journals,
            signals=signals,
            undertaker=self.undertaker(signals),
            new_id=Ids(),
            now=lambda: int(time.time()),
            bounds=Bounds(**chosen),
        )

    def undertaker(self, signals: LocalSignals) -> Undertaker:
        return Undertaker(
            store=self.responses,
            jobs=self.jobs,
            journals=self.journals,
            signals=signals,
            new_id=Ids(),
        )

    def worker(self, signals: LocalSignals, speaker: ScriptedSpeaker, **terms: Any) -> Worker:
        chosen: Any = {"runs": 10, "lease": 30.0, "attempts": 3, "seconds": 60.0, **terms}
        worker = Worker(
            service=self.service(speaker),
            jobs=self.jobs,
            journals=self.journals,
            signals=signals,
            undertaker=self.undertaker(signals),
            books=Books(self.ledger, within=0.001),
            new_id=Ids(),
            clock=time.monotonic,
            terms=Terms(**chosen),
        )
        self.workers.append(worker)
        worker.start()
        return worker


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Place]:
    database = await SQLite.open(folder / "antiphon.db")
    place = Place(database, Ledger(database), Jobs(database), Journals(database), Responses(database))
    try:
        yield place
    finally:
        for worker in place.workers:
            await worker.drain(0)
        await database.close()


async def queued(background: Background, caller: Caller = CALLER, **fields: Any) -> str:
    response = await background.create(caller, request(background=True, **fields))
    assert response["status"] == "queued"
    return str(response["id"])


async def ended(background: Background, response_id: str, caller: Caller = CALLER) -> JSON:
    """Polls until it has ended."""
    async with asyncio.timeout(20):
        while True:
            response = await background.retrieve(caller, response_id, ())
            if response["status"] not in ("queued", "in_progress"):
                return response
            await asyncio.sleep(0.02)


async def events_of(
    background: Background, response_id: str, after: int = -1, caller: Caller = CALLER
) -> list[Event]:
    events: list[Event] = []
    with background.follower(caller, response_id, after) as follower:
        async with asyncio.timeout(20):
            while not follower.ended:
                events += await follower.read()
    return events


async def until(condition: Callable[[], object]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError
