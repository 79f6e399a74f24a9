"""What the edge may ask for. It decides who does what; the work is done by the run and the stores."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

import structlog
from msgspec.structs import replace

from antiphon.core.history import listed, references, resolve, unsealed
from antiphon.core.records import Caller, Page, Target
from antiphon.engine.asking import Asking
from antiphon.engine.attempts import Accounting
from antiphon.engine.books import Books
from antiphon.engine.choosing import Chooser
from antiphon.engine.deadline import Deadline
from antiphon.engine.hedging import Hedging
from antiphon.engine.places import places_of
from antiphon.engine.plan import Plan, plan, turn_of
from antiphon.engine.ports import Order, ResponseStore, Speaker
from antiphon.engine.run import Bounds, Run
from antiphon.engine.sealing import Reader, Sealing, Told, is_sealed, stored_paths
from antiphon.observe.clock import NewId, Now
from antiphon.protocol.errors import InvalidRequest, NotFound, Overloaded, ShuttingDown
from antiphon.protocol.items import normalised
from antiphon.protocol.json import JSON
from antiphon.protocol.request import ROUTING, CreateResponse
from antiphon.routing.asked import Asked
from antiphon.routing.router import Route

log = structlog.get_logger()


class Service:
    """Responses: made, kept, read, deleted."""

    def __init__(
        self,
        *,
        speaker: Speaker,
        chooser: Chooser,
        store: ResponseStore,
        books: Books,
        accounting: Accounting,
        sealing: Sealing,
        new_id: NewId,
        now: Now,
        bounds: Bounds,
        hedging: Hedging | None = None,
    ) -> None:
        self._speaker = speaker
        self._chooser = chooser
        self._store = store
        self._books = books
        self._accounting = accounting
        self._sealing = sealing
        self._new_id = new_id
        self._now = now
        self._bounds = bounds
        self._hedging = hedging
        self._runs: dict[asyncio.Task[None], Run] = {}
        self._deadline = Deadline(bounds.seconds, accounting.clock, self._runs.values())
        self._draining = False

    @property
    def runs(self) -> int:
        """How many responses are being made now."""
        return len(self._runs)

    async def ready(self) -> None:
        """Raises StorageUnavailable or ShuttingDown when no response could be made now."""
        if self._draining:
            raise ShuttingDown("The gateway is shutting down.", retry_after=1)
        await self._store.ready()

    # Making

    async def create(self, caller: Caller, request: CreateResponse) -> Run:
        """Start to make a response. Every refusal is raised here, before money is spent."""
        self._admit()
        settled = self._chooser.check(request)
        if request.store:
            await self._store.ready()
        own_input = await self._own_input(caller, request)
        history = await self._history(caller, request)
        route, routing = (settled, None) if settled else self._routed(caller, request, history, own_input)
        made = plan(
            request,
            target=route.targets[0],
            history=history,
            own_input=own_input,
            new_id=self._new_id,
            created_at=self._now(),
            routing=routing,
        )
        asking = Asking(
            route,
            partial(self._tell, caller, request, made),
            self._speaker,
            strict=made.strict,
            most_corrections=self._bounds.corrections,
        )
        await asking.begin()
        self._admit()  # what had to be fetched may have taken a minute
        run = Run(
            caller,
            made,
            asking,
            store=self._store,
            books=self._books,
            accounting=self._accounting,
            sealing=self._sealing,
            new_id=self._new_id,
            now=self._now,
            bounds=self._bounds,
            served=partial(self._chooser.served, caller, request),
            hedging=self._hedging,
        )
        task = run.start()
        self._runs[task] = run
        self._deadline.watch()
        task.add_done_callback(self._forget)
        return run

    def _admit(self) -> None:
        """Raises ShuttingDown, or Overloaded, when no other response can be begun."""
        if self._draining:
            raise ShuttingDown("The gateway is shutting down.", retry_after=1)
        if len(self._runs) >= self._bounds.runs:
            raise Overloaded("The gateway is at its limit of responses in progress.", retry_after=1)

    async def count_input_tokens(self, caller: Caller, request: CreateResponse) -> int:
        """The input tokens that `create` would use."""
        self._chooser.check(request)
        own_input = await self._own_input(caller, request)
        history = await self._history(caller, request)
        items = [*history, *own_input]
        target = self._chooser.route(self._asked(caller, request, items)).targets[0]
        told = Told(turn_of(request, target, items), places_of(history, own_input, request.tools))
        told = await self._fetched(target, self._opened(caller, request, target, told))
        return await self._speaker.count(target, told.turn)

    async def explain(self, caller: Caller, request: CreateResponse) -> JSON:
        """Who would be asked, in which order, and why nobody else. Nothing is sent."""
        self._chooser.check(request)
        history = await self._history(caller, request)
        items = [*history, *await self._own_input(caller, request)]
        return self._chooser.explain(self._asked(caller, request, items))

    def _routed(
        self, caller: Caller, request: CreateResponse, history: list[JSON], own_input: list[JSON]
    ) -> tuple[Route, JSON | None]:
        """The route, and what the response says about it. Raises InvalidRequest `no_target`."""
        asked = self._asked(caller, request, [*history, *own_input])
        route = self._chooser.route(asked)
        return route, self._chooser.explained(asked, route, request)

    def _asked(self, caller: Caller, request: CreateResponse, items: Sequence[JSON]) -> Asked:
        sealed_by = self._sealing.sealed_by(items, caller.project_id)
        return self._chooser.asked(caller, request, items, sealed_by)

    async def _tell(self, caller: Caller, request: CreateResponse, made: Plan, target: Target) -> Told:
        """What this target is told. Raises InvalidRequest."""
        turn = made.turn if made.turn.model == target.model else replace(made.turn, model=target.model)
        told = Told(turn, made.places)
        if is_sealed(turn):
            told = self._opened(caller, request, target, told)
        if not made.strict:  # which takes nothing in another form than the client's
            told = await self._fetched(target, told)
        return told

    def _opened(self, caller: Caller, request: CreateResponse, target: Target, told: Told) -> Told:
        """With the envelopes of earlier thoughts opened. Raises InvalidRequest."""
        reads = self._speaker.reads(target)
        return self._sealing.open(told, Reader(caller.project_id, target, reads, stored_paths(request)))

    async def _fetched(self, target: Target, told: Told) -> Told:
        """With the data of images and files in place of URLs that the target does not take.

        Raises InvalidRequest.
        """
        try:
            turn, adaptations = await self._speaker.fetch(target, told.turn)
        except InvalidRequest as error:
            error.param = told.places.of_client(error.param or "") or None
            raise
        if turn is told.turn:
            return told
        placed = (replace(each, param=told.places.of_client(each.param)) for each in adaptations)
        return replace(told, turn=turn, adaptations=(*told.adaptations, *placed))

    async def _own_input(self, caller: Caller, request: CreateResponse) -> list[JSON]:
        """The items of this request, references resolved."""
        items = normalised(request.input)
        if wanted := references(items):
            items = resolve(items, await self._store.items(caller.project_id, wanted))
        return items

    async def _history(self, caller: Caller, request: CreateResponse) -> list[JSON]:
        previous = request.previous_response_id
        if previous is None:
            return []
        items = await self._store.history(caller.project_id, previous)
        if items is None:
            raise InvalidRequest(
                f"Previous response with id '{previous}' not found.",
                code="previous_response_not_found",
                param="previous_response_id",
            )
        return items

    def _forget(self, task: asyncio.Task[None]) -> None:
        run = self._runs.pop(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("run_failed", response_id=run.response_id, exc_info=bug)

    # Reading and deleting

    async def retrieve(self, caller: Caller, response_id: str, include: Iterable[str]) -> JSON:
        if (run := self._in_flight(caller, response_id)) is not None:
            response = run.response
            return {**response, "output": _shown(response["output"], include)}
        record = await self._store.get(caller.project_id, response_id)
        if record is None:
            raise _unknown(response_id)
        shown = {**record.body, "output": _shown(record.output, include)}
        if ROUTING not in include:
            shown.pop(ROUTING, None)
        return shown

    async def input_items(
        self,
        caller: Caller,
        response_id: str,
        *,
        limit: int,
        order: Order,
        after: str | None,
        include: Iterable[str],
    ) -> Page:
        page = await self._store.input_items(
            caller.project_id, response_id, limit=limit, order=order, after=after
        )
        if page is None:
            raise _unknown(response_id)
        return Page(data=listed(_shown(page.data, include)), has_more=page.has_more)

    async def delete(self, caller: Caller, response_id: str) -> None:
        if self._in_flight(caller, response_id) is not None:
            raise InvalidRequest("Cannot delete an in-flight response.", param="response_id")
        if not await self._store.delete(caller.project_id, response_id):
            raise _unknown(response_id)

    async def cancel(self, caller: Caller, response_id: str) -> JSON:
        """Only background responses can be cancelled, and there are none yet."""
        in_flight = self._in_flight(caller, response_id)
        if in_flight is None and await self._store.get(caller.project_id, response_id) is None:
            raise _unknown(response_id)
        raise InvalidRequest("Cannot cancel a synchronous response.", param="response_id")

    def _in_flight(self, caller: Caller, response_id: str) -> Run | None:
        """The run that is making this response, if it will be stored."""
        for run in self._runs.values():
            if run.response_id == response_id and run.caller.project_id == caller.project_id:
                return run if run.is_stored and not run.journal.ended else None
        return None

    # Going away

    async def drain(self, timeout: float) -> None:
        """Let what runs finish for `timeout` seconds; then end it, each with a terminal event."""
        self._draining = True
        if self._runs:
            await asyncio.wait(list(self._runs), timeout=timeout)
        self._deadline.stop()
        for run in list(self._runs.values()):
            run.cancel(ShuttingDown("The gateway is shutting down."))
        if self._runs:
            await asyncio.wait(list(self._runs), timeout=5)
        await self._books.close()


def _shown(items: list[JSON], include: Iterable[str]) -> list[JSON]:
    return items if "reasoning.encrypted_content" in include else unsealed(items)


def _unknown(response_id: str) -> NotFound:
    return NotFound(f"Response with id '{response_id[:100]}' not found.", param="response_id")
