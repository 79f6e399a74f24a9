"""Background responses, as clients meet them: queued, polled, followed, cancelled. Workers make them.

    create ─▶ queued ─▶ in_progress ─▶ completed | incomplete | failed | cancelled

All of it is in the database: any process may be asked. What can be refused is refused before anything is
stored; what is acknowledged is committed. Who cancels takes the job from its holder, and ends it himself: a
cancelled response is cancelled when the answer is given, whatever the holder does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct
from msgspec.structs import replace

from antiphon.core import batches
from antiphon.core.history import references
from antiphon.core.records import Caller, ConversationLock, ResponseRecord
from antiphon.engine.following import Follower, gone
from antiphon.engine.interrupted import Undertaker
from antiphon.engine.plan import Plan
from antiphon.engine.ports import JobStore, JournalStore, Signals
from antiphon.engine.run import who_answers
from antiphon.engine.service import Service
from antiphon.observe.clock import NewId, Now
from antiphon.protocol.conversations import conversation_id
from antiphon.protocol.errors import InvalidRequest, QueueFull
from antiphon.protocol.items import normalised
from antiphon.protocol.json import JSON
from antiphon.protocol.request import CreateResponse, packed

QUEUED = "queued"  # the topic: there is something to make
TAKEN = "taken"  # … : something was taken from its holder
POLL = 0.5  # seconds between two looks of who hears no signals

_OPENING = ("response.created", "response.queued")
_SEIZED = 10.0  # seconds: the lease of who cancels


class Bounds(Struct, frozen=True):
    """How many background responses may wait or be made: of one project, and in all."""

    of_project: int
    in_all: int


class Background:
    """What the edge may ask for."""

    def __init__(
        self,
        *,
        service: Service,
        jobs: JobStore,
        journals: JournalStore,
        signals: Signals,
        undertaker: Undertaker,
        new_id: NewId,
        now: Now,
        bounds: Bounds,
    ) -> None:
        self._service = service
        self._jobs = jobs
        self._journals = journals
        self._signals = signals
        self._undertaker = undertaker
        self._new_id = new_id
        self._now = now
        self._bounds = bounds
        self._following = 0
        self._nobody_follows = asyncio.Event()
        self._nobody_follows.set()
        self._is_leaving = False

    async def create(self, caller: Caller, request: CreateResponse) -> JSON:
        """The response as it is queued; committed. Raises QueueFull, and what any request is refused for."""
        await self._service.ready()
        response_id, named = self._new_id("response"), conversation_id(request.conversation)
        if named is None:
            return await self._queue(caller, request, response_id, None)
        async with self._service.writers.claimed(caller.project_id, named, response_id) as lock:
            return await self._queue(caller, request, response_id, lock)

    async def _queue(
        self, caller: Caller, request: CreateResponse, response_id: str, lock: ConversationLock | None
    ) -> JSON:
        def new_id(kind: str) -> str:
            return response_id if kind == "response" else self._new_id(kind)

        made, asking = await self._service.prepared(caller, request, new_id, self._now())
        response = {**made.response, **who_answers(asking), "status": "queued"}
        record = ResponseRecord(
            id=response["id"],
            project_id=caller.project_id,
            previous_response_id=response["previous_response_id"],
            created_at=response["created_at"],
            body={key: value for key, value in response.items() if key != "output"},
            input=made.own_input,
            output=[],
            conversation=lock,
        )
        opening = [
            {"type": kind, "response": response, "sequence_number": number}
            for number, kind in enumerate(_OPENING)
        ]
        is_queued = await self._jobs.enqueue(
            record,
            caller.key_id,
            packed(_settled(request, made)),
            batches.written(opening),
            of_project=self._bounds.of_project,
            in_all=self._bounds.in_all,
        )
        if not is_queued:
            raise QueueFull(
                "Too many background responses wait or are being made: try again when some have ended.",
                retry_after=5,
            )
        self._signals.publish(QUEUED)
        return response

    # Asking after it

    async def retrieve(self, caller: Caller, response_id: str, include: Iterable[str]) -> JSON:
        """The response, also one that is still to be made: without output, until it has ended."""
        shown = await self._service.retrieve(caller, response_id, include)
        if shown["status"] != "queued":
            return shown
        state = await self._jobs.state(caller.project_id, response_id)
        if state is None or state.ended:  # since we looked
            return await self._service.retrieve(caller, response_id, include)
        return {**shown, "status": "in_progress"} if state.fence else shown

    async def delete(self, caller: Caller, response_id: str) -> None:
        """Raises InvalidRequest while it is made."""
        state = await self._jobs.state(caller.project_id, response_id)
        if state is not None and not state.ended:
            raise InvalidRequest("Cannot delete an in-flight response.", param="response_id")
        await self._service.delete(caller, response_id)

    async def cancel(self, caller: Caller, response_id: str) -> JSON:
        """The response, which is cancelled, or has ended before. Raises InvalidRequest for any other."""
        job = await self._jobs.seize(caller.project_id, response_id, lease=_SEIZED)
        if job is not None:
            self._signals.publish(TAKEN)
            if not await self._undertaker.cancel(job):
                await self._end_of(caller, response_id)
        response = await self._service.retrieve(caller, response_id, ())
        if not response["background"]:
            raise InvalidRequest("Cannot cancel a synchronous response.", param="response_id")
        return response

    async def _end_of(self, caller: Caller, response_id: str) -> None:
        """Somebody else cancels it too."""
        with self._signals.subscribe(response_id) as heard:
            while (
                state := await self._jobs.state(caller.project_id, response_id)
            ) is not None and not state.ended:
                await heard.wait(POLL)

    # Reading its events

    async def check_followed(self, caller: Caller, response_id: str) -> None:
        """Raises NotFound, InvalidRequest, Gone, where there are no events to read."""
        if await self._jobs.state(caller.project_id, response_id) is not None:
            return
        response = await self._service.retrieve(caller, response_id, ())
        if response["background"]:
            raise gone()
        raise InvalidRequest(
            "This response cannot be streamed because it was not created with background=true.",
            param="stream",
        )

    @contextmanager
    def follower(self, caller: Caller, response_id: str, after: int) -> Iterator[Follower]:
        """A reader of the response's events behind number `after`."""
        self._following += 1
        self._nobody_follows.clear()
        try:
            with self._signals.subscribe(response_id) as heard:
                yield Follower(
                    caller.project_id,
                    response_id,
                    after=after,
                    jobs=self._jobs,
                    journals=self._journals,
                    heard=heard,
                    patience=POLL,
                    is_leaving=lambda: self._is_leaving,
                )
        finally:
            self._following -= 1
            if not self._following:
                self._nobody_follows.set()

    async def drain(self, timeout: float) -> None:
        """Readers get `timeout` seconds to come to the end; then they are sent elsewhere."""
        try:
            async with asyncio.timeout(timeout):
                await self._nobody_follows.wait()
        except TimeoutError:
            self._is_leaving = True
            await asyncio.sleep(POLL)


def _settled(request: CreateResponse, made: Plan) -> CreateResponse:
    """With the items that it refers to in the place of references: they may be deleted meanwhile."""
    items = normalised(request.input)
    if not references(items):
        return request
    stored = zip(items, made.own_input, strict=True)
    return replace(request, input=[own if item["type"] == "item_reference" else item for item, own in stored])
