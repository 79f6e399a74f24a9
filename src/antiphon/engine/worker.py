"""The worker: makes the responses that wait, so many at a time; any number of workers share one database.

    a slot is free ─▶ the next project's turn ─▶ claim ─▶ plan again ─▶ run, recorded ─▶ the slot is free

Projects take turns, however much each has waiting. A job is held by a lease that is renewed; twice a second,
and when it is signalled, the worker looks whether somebody took a job away, and ends what it makes for it.

A job that another worker began is made again as long as its journal holds nothing of an answer, and only so
often: a request that ends the process must not go round for ever. If something was said already, the
response fails with what there is: half of one answer and half of another would be neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog
from msgspec import Struct
from msgspec.structs import replace

from antiphon.core.records import Caller, Job
from antiphon.engine.background import POLL, QUEUED, TAKEN
from antiphon.engine.books import Books
from antiphon.engine.deadline import Deadline
from antiphon.engine.interrupted import Undertaker, is_visible
from antiphon.engine.ports import JobStore, JournalStore, Signals
from antiphon.engine.recording import Keeper, Recorder
from antiphon.engine.run import Run
from antiphon.engine.service import Service
from antiphon.observe.clock import NewId
from antiphon.protocol.errors import AntiphonError, ClientGone, GatewayError, ShuttingDown
from antiphon.protocol.events import Event
from antiphon.protocol.json import MalformedJSON
from antiphon.protocol.request import unpacked

_ENDING = 5.0  # seconds that what is ended gets to end

log = structlog.get_logger()


class Terms(Struct, frozen=True):
    """`runs` at a time. A job is held for `lease` seconds at a time, and begun `attempts` times at most; a
    response takes `seconds` at most. `batch_seconds`: how long events are collected before they are written.
    """

    runs: int
    lease: float
    attempts: int
    seconds: float
    batch_seconds: float = 0.025


class _Held:
    """A job in our hands, and how far we are with it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.is_lost = False
        self.run: Run | None = None
        self.recorder: Recorder | None = None


class Worker:
    """Works from `start` until `drain` has returned."""

    def __init__(
        self,
        *,
        service: Service,
        jobs: JobStore,
        journals: JournalStore,
        signals: Signals,
        undertaker: Undertaker,
        books: Books,
        new_id: NewId,
        clock: Callable[[], float],
        terms: Terms,
    ) -> None:
        """`clock` only goes forward."""
        self._service = service
        self._jobs = jobs
        self._journals = journals
        self._signals = signals
        self._undertaker = undertaker
        self._books = books
        self._new_id = new_id
        self._clock = clock
        self._terms = terms
        self._slots = asyncio.Semaphore(terms.runs)
        self._making: dict[asyncio.Task[None], _Held] = {}
        self._runs: dict[str, Run] = {}
        self._deadline = Deadline(terms.seconds, clock, self._runs.values())
        self._draining = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._take()), loop.create_task(self._watch())]

    @property
    def making(self) -> int:
        """How many jobs it holds."""
        return len(self._making)

    # Taking jobs, and keeping them

    async def _take(self) -> None:
        last = ""
        with self._signals.subscribe(QUEUED) as heard:
            while not self._draining:
                await self._slots.acquire()
                while (job := await self._next(last)) is None and not self._draining:
                    await heard.wait(POLL)
                if job is None:
                    self._slots.release()
                    return
                last = job.project_id
                self._hold(job)

    async def _next(self, last: str) -> Job | None:
        try:
            if self._draining or (project := await self._jobs.next_project(last)) is None:
                return None
            return await self._jobs.claim(project, lease=self._terms.lease)
        except GatewayError as error:
            log.warning("queue_not_available", reason=str(error))
            return None

    def _hold(self, job: Job) -> None:
        held = _Held(job)
        task = asyncio.get_running_loop().create_task(self._make(held))
        self._making[task] = held
        task.add_done_callback(self._let_go)

    def _let_go(self, task: asyncio.Task[None]) -> None:
        held = self._making.pop(task)
        self._runs.pop(held.job.response_id, None)
        self._slots.release()
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("job_failed", response_id=held.job.response_id, exc_info=bug)

    async def _watch(self) -> None:
        """The heartbeat, and an eye on what others take."""
        renewed = self._clock()
        with self._signals.subscribe(TAKEN) as heard:
            while True:
                await heard.wait(POLL)
                is_due = self._clock() - renewed > self._terms.lease / 3
                try:
                    await self._look(renew=is_due)
                except GatewayError:
                    continue  # the lease may end; what is written under it says so
                if is_due:
                    renewed = self._clock()

    async def _look(self, *, renew: bool) -> None:
        watched = list(self._making.values())
        jobs = [held.job for held in watched]
        kept = await (
            self._jobs.renew(jobs, lease=self._terms.lease) if renew else self._jobs.still_held(jobs)
        )
        for held in watched:
            if held.job.response_id not in kept:
                held.is_lost = True
                if held.run is not None:
                    held.run.cancel(_taken())

    # Making one

    async def _make(self, held: _Held) -> None:
        job = held.job
        try:
            said = await self._undertaker.said(job)
            if job.cancel_requested:
                await self._undertaker.cancel(job)
            elif is_visible(said):
                await self._undertaker.fail(job, _lost("began this response went away while it was made"))
            elif job.attempts > self._terms.attempts:
                await self._undertaker.fail(job, _lost("began this response went away, each time"))
            else:
                await self._begin(held, said)
        except GatewayError as error:
            log.warning("job_waits", response_id=job.response_id, reason=str(error))  # for its lease to end

    async def _begin(self, held: _Held, said: Sequence[Event]) -> None:
        """Raises GatewayError when it cannot be made now."""
        try:
            run, keeper = await self._planned(held.job, said)
        except GatewayError:
            raise
        except (AntiphonError, MalformedJSON) as refusal:
            await self._undertaker.fail(held.job, _as_failure(refusal))
            return
        held.run = run
        held.recorder = Recorder(
            held.job,
            run,
            keeper,
            jobs=self._jobs,
            journals=self._journals,
            signals=self._signals,
            books=self._books,
            batch_seconds=self._terms.batch_seconds,
        )
        task = run.start()
        self._runs[held.job.response_id] = run
        self._deadline.watch()
        if held.is_lost or self._draining:
            run.cancel(ShuttingDown("The gateway is shutting down."))
        is_kept = False
        try:
            is_kept = await held.recorder.record()
        finally:
            if not is_kept:
                run.cancel(_taken())
                run.journal.let_go()
            await task
        if not is_kept:
            held.recorder.account()

    async def _planned(self, job: Job, said: Sequence[Event]) -> tuple[Run, Keeper]:
        """As it was planned when it was queued: with its id, and behind the events that were said."""
        caller, request, keeper = Caller(job.project_id, job.key_id), unpacked(job.request), Keeper()

        def new_id(kind: str) -> str:
            return job.response_id if kind == "response" else self._new_id(kind)

        created_at = said[0]["response"]["created_at"]
        made, asking = await self._service.prepared(caller, request, new_id, created_at)
        made = replace(made, first_sequence=said[-1]["sequence_number"] + 1)
        return self._service.run_of(caller, request, made, asking, keeper), keeper

    # Going away

    async def drain(self, timeout: float) -> None:
        """Take nothing more; let what is made finish for `timeout` seconds. Of what is left, that of which
        nothing was said yet is given back for others to make; the rest ends with what there is."""
        self._draining = True
        self._signals.publish(QUEUED)  # which wakes ourselves
        if self._making:
            await asyncio.wait(list(self._making), timeout=timeout)
        self._deadline.stop()
        for held in list(self._making.values()):
            await self._leave(held)
        if self._making:
            await asyncio.wait(list(self._making), timeout=_ENDING)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._books.close()

    async def _leave(self, held: _Held) -> None:
        if held.recorder is None or not held.recorder.has_spoken:
            with suppress(GatewayError):  # then its lease will end
                await self._jobs.release(held.job)
            self._signals.publish(QUEUED)
        if held.run is not None:
            held.run.cancel(ShuttingDown("The gateway is shutting down."))


def _taken() -> ClientGone:
    return ClientGone("This response is made elsewhere, or was cancelled.")


def _lost(what: str) -> GatewayError:
    return GatewayError(f"The worker that {what}.", code="worker_lost")


def _as_failure(refusal: AntiphonError | MalformedJSON) -> AntiphonError:
    if isinstance(refusal, AntiphonError):
        return refusal
    return GatewayError("What was asked for cannot be read any more.", code="server_error")
