"""A crew: tasks that take jobs from one queue, each with a connection of its own.

    submit ──> queue ──> a task that is free: connect, gather, work ──> every caller answered

What a `Lane` is to a library that blocks, a crew is to one that does not. A job runs in a task of the crew,
never in its caller's: a caller who gives up disturbs no connection, and nobody is ever answered with what
was meant for somebody else.

Waiting is bounded twice: by the length of the queue, and by the time that a job may spend in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from antiphon.observe.metrics import group_sizes
from antiphon.protocol.errors import Overloaded, StorageUnavailable
from antiphon.stores.drivers.base import Queue, own, unavailable

Job = TypeVar("Job")
Answer = TypeVar("Answer")
JobIn = TypeVar("JobIn", contravariant=True)
AnswerOut = TypeVar("AnswerOut", covariant=True)


class Hand(Protocol[JobIn, AnswerOut]):
    """One task's way to the database."""

    async def connect(self) -> None:
        """Be ready to work. Raises StorageUnavailable, which all who wait are told."""
        ...

    async def work(self, group: Sequence[JobIn]) -> Sequence[AnswerOut | BaseException]:
        """An answer for each job, in order."""
        ...

    async def finish(self) -> None:
        """The last act."""
        ...


class _Ticket(NamedTuple, Generic[Job, Answer]):
    job: Job
    answer: asyncio.Future[Answer]
    until: float


class Crew(Generic[Job, Answer]):
    """The tasks and their queue. Made, used and closed on one event loop."""

    def __init__(
        self, hands: Sequence[Hand[Job, Answer]], *, group: int, limit: int, patience: float
    ) -> None:
        """`group`: jobs that are worked on together. `limit`: jobs that may wait, for `patience` seconds."""
        self._group = group
        self._limit = limit
        self._groups = group_sizes()
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[_Ticket[Job, Answer] | None] = asyncio.Queue()
        self._open = True
        self._tasks = [self._loop.create_task(self._run(hand)) for hand in hands]

    def queue(self, name: str) -> Queue:
        """How it is doing."""
        return Queue(name, self.waiting, self._limit, self._groups)

    @property
    def waiting(self) -> int:
        """Jobs that no task has taken yet."""
        return self._queue.qsize()

    def submit(self, job: Job) -> asyncio.Future[Answer]:
        """The job's outcome, by and by. Raises Overloaded, StorageUnavailable after the end."""
        if not self._open:
            raise StorageUnavailable("The storage is closed.")
        if self._queue.qsize() >= self._limit:
            raise Overloaded("Too many requests wait for the storage.", retry_after=1)
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._queue.put_nowait(_Ticket(job, answer, self._loop.time() + self._patience))
        return answer

    async def close(self) -> None:
        """Finish the jobs that wait, then end the tasks."""
        if self._open:
            self._open = False
            for _ in self._tasks:
                self._queue.put_nowait(None)
        await asyncio.wait(self._tasks)

    async def _run(self, hand: Hand[Job, Answer]) -> None:
        try:
            while first := await self._queue.get():
                await self._serve(hand, [first])
        finally:
            self._end()
            await hand.finish()

    def _end(self) -> None:
        """Nobody waits for a crew of which one has gone; after a close nobody is left who would."""
        self._open = False
        left: list[_Ticket[Job, Answer]] = []
        while self._queue.qsize():
            if ticket := self._queue.get_nowait():
                left.append(ticket)
        _tell(left, [_stopped() for _ in left])
        for _ in self._tasks:
            self._queue.put_nowait(None)

    async def _serve(self, hand: Hand[Job, Answer], group: list[_Ticket[Job, Answer]]) -> None:
        outcomes: Sequence[Answer | BaseException] = ()
        try:
            await hand.connect()
            self._gather(group, self._group)
            self._dismiss_the_late(group)
            outcomes = await hand.work([ticket.job for ticket in group]) if group else ()
            if outcomes:
                self._groups.observe(len(outcomes))
        except StorageUnavailable as error:
            self._gather(group, self._limit)
            outcomes = [own(error) for _ in group]
        finally:  # a bug is for the log of the loop; whoever waits for it must not wait for ever
            _tell(group, outcomes or [_stopped() for _ in group])

    def _gather(self, group: list[_Ticket[Job, Answer]], most: int) -> None:
        """What waits joins the group."""
        while len(group) < most and self._queue.qsize():
            ticket = self._queue.get_nowait()
            if ticket is None:  # the end, of which each task needs its own
                self._queue.put_nowait(None)
                return
            group.append(ticket)

    def _dismiss_the_late(self, group: list[_Ticket[Job, Answer]]) -> None:
        now = self._loop.time()
        late = [ticket for ticket in group if ticket.until < now]
        if late:
            group[:] = [ticket for ticket in group if ticket.until >= now]
            _tell(late, [unavailable(TimeoutError("waited too long")) for _ in late])


def _stopped() -> StorageUnavailable:
    return StorageUnavailable("The storage has stopped.")


def _tell(group: Sequence[_Ticket[Job, Answer]], outcomes: Sequence[Answer | BaseException]) -> None:
    for ticket, outcome in zip(group, outcomes, strict=True):
        if ticket.answer.done():  # its caller gave up
            continue
        if isinstance(outcome, BaseException):
            ticket.answer.set_exception(outcome)
        else:
            ticket.answer.set_result(outcome)
