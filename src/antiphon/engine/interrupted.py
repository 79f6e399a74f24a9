"""Interrupted: a response that somebody began and another has to end, with what its journal holds.

The journal is read as if a provider that speaks Responses had sent it: an assembler is fed the events, with
the ids that they have, and ends what they leave open. So the stream goes on where it broke off, and comes to
a proper end.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from antiphon.core import batches
from antiphon.core.assembler import Assembler
from antiphon.core.deltas import Relayed
from antiphon.core.records import Batch, Job
from antiphon.engine.ports import JobStore, JournalStore, ResponseStore, Signals
from antiphon.observe.clock import NewId
from antiphon.protocol.errors import AntiphonError, ProtocolViolation
from antiphon.protocol.events import LIFECYCLE, Event
from antiphon.protocol.json import JSON

_STEP = 200  # batches that are read at once


class Ending(Struct, frozen=True):
    """The last events of a response, the response object, and its finished items."""

    events: list[Event]
    response: JSON
    output: list[JSON]


def is_visible(said: Sequence[Event]) -> bool:
    """Whether anything of an answer was said."""
    return any(event["type"] not in LIFECYCLE for event in said)


def cancelled(said: Sequence[Event], new_id: NewId) -> Ending:
    """The end of a response that nobody wants any more: `response.failed`, with the status `cancelled`.

    Neither specification has an event of its own for it; others that speak the protocol say it so.
    """
    assembler = _rebuilt(said, new_id)
    events = [event for event in _failed(assembler, "cancelled", "") if event["type"] != "error"]
    assembler.response.update(status="cancelled", error=None)
    return _ending(assembler, said, events)


def failed(said: Sequence[Event], new_id: NewId, code: str, message: str) -> Ending:
    """The end of a response that cannot be made. `said`: at least the first event."""
    assembler = _rebuilt(said, new_id)
    return _ending(assembler, said, _failed(assembler, code, message))


def _rebuilt(said: Sequence[Event], new_id: NewId) -> Assembler:
    """An assembler that has said all this."""
    snapshot = [event["response"] for event in said if "response" in event][-1]
    ids = [event["item"]["id"] for event in said if event["type"] == "response.output_item.added"]
    ids.reverse()
    assembler = Assembler(
        {**snapshot, "status": "in_progress", "output": []},
        new_id=lambda kind: ids.pop() if ids else new_id(kind),
        reveal_sealed=True,
    )
    for event in said:
        if event["type"] not in LIFECYCLE:
            try:
                assembler.apply(Relayed(event))
            except ProtocolViolation:
                continue
    return assembler


def _failed(assembler: Assembler, code: str, message: str) -> list[Event]:
    return assembler.fail(code, message, error_code="server_error")


def _ending(assembler: Assembler, said: Sequence[Event], events: list[Event]) -> Ending:
    for number, event in enumerate(events, said[-1]["sequence_number"] + 1):
        event["sequence_number"] = number
    return Ending(events, assembler.response, assembler.said)


class Undertaker:
    """Ends jobs in the place of those who held them. All methods raise GatewayError."""

    def __init__(
        self,
        *,
        store: ResponseStore,
        jobs: JobStore,
        journals: JournalStore,
        signals: Signals,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._journals = journals
        self._signals = signals
        self._new_id = new_id

    async def said(self, job: Job) -> list[Event]:
        """All that its journal holds. Nothing is added to it under an earlier fence."""
        found: list[Batch] = []
        after = -1
        while True:
            more = await self._journals.read(job.project_id, job.response_id, after=after, most=_STEP)
            found += more
            if len(more) < _STEP:
                return batches.read(found)
            after = more[-1].last

    async def cancel(self, job: Job) -> bool:
        """False if it is another's meanwhile."""
        return await self._end(job, cancelled(await self.said(job), self._new_id))

    async def fail(self, job: Job, error: AntiphonError) -> bool:
        """False if it is another's meanwhile."""
        code = error.code or "server_error"
        return await self._end(job, failed(await self.said(job), self._new_id, code, error.message))

    async def _end(self, job: Job, ending: Ending) -> bool:
        record = await self._store.get(job.project_id, job.response_id)
        if record is None:  # deleted with its job
            return False
        body = {key: value for key, value in ending.response.items() if key != "output"}
        ended = await self._jobs.finish(
            job, replace(record, body=body, output=ending.output), batches.written(ending.events)
        )
        if ended:
            self._signals.publish(job.response_id)
        return ended
