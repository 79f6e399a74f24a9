"""Recording: what a run in the background says, written into its durable journal.

The recorder is the one reader of the run's own journal. What comes within a few tens of milliseconds is one
batch, one commit. The run hands over its record as if it were stored; it is, when the recorder comes to the
terminal event: response, output, costs and last events in one transaction, and only then does anybody see
that event.

Everything is written under the job's fence. Who has lost the job hears so from the next write, and writes
nothing more but what the calls have cost. While the storage is away the recorder tries again, and
the run waits for it as it would for a slow reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from msgspec.structs import replace

from antiphon.core import batches
from antiphon.core.records import Attempt, Batch, Job, ResponseRecord
from antiphon.engine.books import Books
from antiphon.engine.ports import JobStore, JournalStore, Signals
from antiphon.engine.run import Run
from antiphon.protocol.errors import GatewayError
from antiphon.protocol.events import LIFECYCLE, TERMINAL, Event

_LONGEST_PAUSE = 1.0  # seconds between two tries to write
_MOST_CALLS = 100  # of one attempt at a job: each attempt numbers its calls from a multiple of it

log = structlog.get_logger()


class Keeper:
    """Takes the run's record, for the recorder."""

    record: ResponseRecord | None = None

    async def save(self, record: ResponseRecord) -> None:
        """See Keeping."""
        self.record = record


class Recorder:
    """Writes the journal of one run. `batch_seconds`: how long events are collected."""

    def __init__(
        self,
        job: Job,
        run: Run,
        keeper: Keeper,
        *,
        jobs: JobStore,
        journals: JournalStore,
        signals: Signals,
        books: Books,
        batch_seconds: float,
    ) -> None:
        self._job = job
        self._run = run
        self._keeper = keeper
        self._jobs = jobs
        self._journals = journals
        self._signals = signals
        self._books = books
        self._batch_seconds = batch_seconds
        self.has_spoken = False  # of the answer something may be in the journal

    async def record(self) -> bool:
        """Until the run's end is committed; False if the job is another's."""
        journal = self._run.journal
        journal.is_revealed = True  # a poll tells of it, whatever becomes of it
        while True:
            await asyncio.sleep(self._batch_seconds)
            events = await journal.read()
            if events and events[-1]["type"] in TERMINAL:
                return await self._finish(events)
            if not await self._append(events):
                return False

    async def _append(self, events: list[Event]) -> bool:
        """False if the job is another's."""
        if not events:
            return True
        batch = batches.written(events)
        self.has_spoken |= any(event["type"] not in LIFECYCLE for event in events)
        if not await self._until_written(lambda: self._journals.append(self._job, batch)):
            return False
        self._signals.publish(self._job.response_id)
        return True

    async def _finish(self, events: list[Event]) -> bool:
        record, batch = self._keeper.record, batches.written(events)
        if record is None:
            return False
        record = replace(record, attempts=self._numbered(record))
        if not await self._until_written(lambda: self._end(record, batch)):
            return False
        self._signals.publish(self._job.response_id)
        return True

    async def _end(self, record: ResponseRecord, batch: Batch) -> bool:
        """After a failure nobody knows whether it was written: then it has ended under this fence."""
        if await self._jobs.finish(self._job, record, batch):
            return True
        state = await self._jobs.state(self._job.project_id, self._job.response_id)
        return state is not None and state.ended and state.fence == self._job.fence

    async def _until_written(self, write: Callable[[], Awaitable[bool]]) -> bool:
        pause = self._batch_seconds
        while True:
            try:
                return await write()
            except GatewayError as error:
                log.warning("journal_waits", response_id=self._job.response_id, reason=str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def account(self) -> None:
        """Of a run that has ended and is not kept: what was called has been paid for all the same."""
        if self._keeper.record is not None:
            self._books.enter(self._numbered(self._keeper.record))

    def _numbered(self, record: ResponseRecord) -> list[Attempt]:
        """So that calls of several attempts at the job can stand side by side in the ledger."""
        before = (self._job.fence - 1) * _MOST_CALLS
        return [replace(each, number=each.number + before) for each in record.attempts]
