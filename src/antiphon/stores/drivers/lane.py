"""A lane: one thread that works on jobs in groups.

    submit (event loop) ──> queue ──> work (thread) ──> one wake-up of the loop with all outcomes

Whatever waits when the thread becomes free is its next group. Nothing waits on purpose, and the busier
it gets the larger the groups become: with a commit that takes long, the writes that arrive meanwhile
share the next one.

The queue is the only thing both sides touch. `work` gets a function that gathers the group, so that it
can first do what takes long (waiting for a lock) and gather afterwards.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Generic, TypeAlias, TypeVar

from antiphon.observe.metrics import group_sizes
from antiphon.protocol.errors import Overloaded, StorageUnavailable
from antiphon.stores.drivers.base import Queue

Job = TypeVar("Job")
Answer = TypeVar("Answer")
Gather: TypeAlias = Callable[[], list[Job]]
Work: TypeAlias = Callable[[Gather[Job]], list[Answer | BaseException]]

GROUP_LIMIT = 512  # jobs a group: bounds the memory of a transaction


class Lane(Generic[Job, Answer]):
    """A thread and its queue. `submit` and `close` are called on the event loop it was made on."""

    def __init__(self, name: str, work: Work[Job, Answer], *, limit: int, finish: Callable[[], None]) -> None:
        """`work` answers every job of the group it gathered; `finish` runs last, in the thread too."""
        self._work = work
        self._limit = limit
        self._groups = group_sizes()
        self._finish = finish
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[Job, asyncio.Future[Answer]] | None] = SimpleQueue()
        self._group: list[tuple[Job, asyncio.Future[Answer]]] = []
        self._open = True  # written and read on the loop
        self._last = False  # written and read in the thread: nothing comes after this group
        self._ended = self._loop.create_future()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def queue(self, name: str) -> Queue:
        """How it is doing."""
        return Queue(name, self.waiting, self._limit, self._groups)

    @property
    def waiting(self) -> int:
        """Jobs that the thread has not taken yet."""
        return self._queue.qsize()

    def submit(self, job: Job) -> asyncio.Future[Answer]:
        """The job's outcome, by and by. Raises Overloaded, StorageUnavailable after the end."""
        if not self._open:
            raise StorageUnavailable("The storage is closed.")
        if self._queue.qsize() >= self._limit:
            raise Overloaded("Too many requests wait for the storage.", retry_after=1)
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._queue.put((job, future))
        return future

    async def close(self) -> None:
        """Finish the jobs that wait, then end the thread."""
        if self._open:
            self._open = False
            self._queue.put(None)
        await asyncio.shield(self._ended)

    def _run(self) -> None:
        try:
            while not self._last:
                self._await_first()
                outcomes = self._work(self._gather) if self._group else []
                if outcomes:
                    self._groups.observe(len(outcomes))
                self._loop.call_soon_threadsafe(_answer, self._group, outcomes)
            self._finish()
        finally:
            with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                self._loop.call_soon_threadsafe(self._end)

    def _await_first(self) -> None:
        first = self._queue.get()
        self._group = [] if first is None else [first]
        self._last = first is None

    def _gather(self) -> list[Job]:
        while not self._last and len(self._group) < GROUP_LIMIT and self._queue.qsize():
            ticket = self._queue.get()
            if ticket is None:
                self._last = True
            else:
                self._group.append(ticket)
        return [job for job, _ in self._group]

    def _end(self) -> None:
        """The thread is over; after a bug in `work`, jobs may be left, and they must not wait for ever."""
        self._open = False
        left = list(self._group)
        while self._queue.qsize():
            if ticket := self._queue.get():
                left.append(ticket)
        stopped: list[Answer | BaseException] = [StorageUnavailable("The storage has stopped.") for _ in left]
        _answer(left, stopped)
        if not self._ended.done():
            self._ended.set_result(None)


def _answer(group: list[tuple[Job, asyncio.Future[Answer]]], outcomes: list[Answer | BaseException]) -> None:
    for (_, future), outcome in zip(group, outcomes, strict=True):
        if future.done():  # its caller gave up
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
