"""What the edge may ask for. It decides who does what; the work is done by the run and the stores."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

import structlog
from msgspec.structs import replace

from antiphon.core.compaction import summary_of
from antiphon.core.history import listed, references, resolve, unsealed
from antiphon.core.records import Caller, Page, Target
from antiphon.core.seals import SEALED
from antiphon.engine.asking import Asking
from antiphon.engine.attempts import Accounting
from antiphon.engine.books import Books
from antiphon.engine.choosing import Chooser
from antiphon.engine.compaction import Fitting, unfolded
from antiphon.engine.conversations import Conversations
from antiphon.engine.deadline import Deadline
from antiphon.engine.hedging import Hedging
from antiphon.engine.plan import Plan, places_in, plan, turn_of
from antiphon.engine.ports import Held, Keeping, Order, ResponseStore, Speaker
from antiphon.engine.run import Bounds, Run
from antiphon.engine.sealing import Reader, Sealing, Told, is_sealed, stored_paths
from antiphon.engine.writers import Writer, Writers
from antiphon.observe.clock import NewId, Now
from antiphon.protocol.conversations import conversation_id
from antiphon.protocol.errors import InvalidRequest, NotFound, Overloaded, ShuttingDown
from antiphon.protocol.items import COMPACTION_TRIGGER, normalised
from antiphon.protocol.json import JSON
from antiphon.protocol.request import ROUTING, CreateResponse
from antiphon.protocol.response import compaction_object
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
        fitting: Fitting,
        conversations: Conversations,
        writers: Writers,
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
        self._fitting = fitting
        self._conversations = conversations
        self.writers = writers
        self._hedging = hedging
        self._runs: dict[asyncio.Task[None], Run] = {}
        self._deadline = Deadline(bounds.seconds, accounting.clock, self._runs.values())
        self._draining = False

    @property
    def runs(self) -> int:
        """How many responses are being made now."""
        return len(self._runs)

    @property
    def held(self) -> list[tuple[str, int, int]]:
        """See antiphon.measures."""
        return [("responses in progress", len(self._runs), self._bounds.runs)]

    async def ready(self) -> None:
        """Raises StorageUnavailable or ShuttingDown when no response could be made now."""
        if self._draining:
            raise ShuttingDown("The gateway is shutting down.", retry_after=1)
        await self._store.ready()

    # Making

    async def create(self, caller: Caller, request: CreateResponse, held: Held | None = None) -> Run:
        """Start to make a response. Every refusal is raised here, before money is spent.

        `held`: what the caller's connection remembers, beside the store.
        """
        self._admit()
        writer = await self.writer(caller, request, self._store) if request.conversation else None
        try:
            made, asking = await self.prepared(caller, request, self._new_id, self._now(), held)
            self._admit()  # what had to be fetched may have taken a minute
        except BaseException:
            if writer is not None:
                await writer.release()
            raise
        run = self.run_of(caller, request, made, asking, self._store, writer)
        task = run.start()
        self._runs[task] = run
        self._deadline.watch()
        task.add_done_callback(self._forget)
        return run

    async def writer(self, caller: Caller, request: CreateResponse, keeping: Keeping) -> Writer | None:
        """Who may write to the request's conversation; None for what is not stored, which is only told it.

        Raises NotFound, ConversationLocked.
        """
        named = conversation_id(request.conversation)
        if named is None or not request.store:
            return None
        return await self.writers.open(caller.project_id, named, keeping)

    async def prepared(
        self,
        caller: Caller,
        request: CreateResponse,
        new_id: NewId,
        created_at: int,
        held: Held | None = None,
    ) -> tuple[Plan, Asking]:
        """What is to be made, and who is asked first. Raises whatever the request is refused for."""
        settled = self._chooser.check(request)
        if request.store:
            await self._store.ready()
        own_input = await self._own_input(caller, request)
        history = await self._history(caller, request, held)
        route, routing = (settled, None) if settled else self._routed(caller, request, history, own_input)
        made = plan(
            request,
            target=route.targets[0],
            history=history,
            own_input=own_input,
            new_id=new_id,
            created_at=created_at,
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
        return made, asking

    def run_of(
        self,
        caller: Caller,
        request: CreateResponse,
        made: Plan,
        asking: Asking,
        store: Keeping,
        writer: Writer | None = None,
    ) -> Run:
        """The run that makes it, not started yet; the `writer` keeps it in place of `store`."""
        return Run(
            caller,
            made,
            asking,
            store=writer or store,
            writer=writer,
            books=self._books,
            accounting=self._accounting,
            sealing=self._sealing,
            new_id=self._new_id,
            now=self._now,
            bounds=self._bounds,
            served=partial(self._chooser.served, caller, request),
            hedging=self._hedging,
        )

    async def compact(self, caller: Caller, request: CreateResponse) -> Run:
        """Start to compact a conversation; `compacted` is what the client gets when it is over."""
        items = [*normalised(request.input), {"type": COMPACTION_TRIGGER}]
        return await self.create(caller, replace(request, input=items, store=False))

    def compacted(self, run: Run) -> JSON:
        """What the conversation goes on from: messages that are kept as they are, and a compaction."""
        made = run.response
        summary = summary_of(run.heard[0])
        if summary is None:  # a provider's own
            return compaction_object(made, made["output"])
        kept = [{**each, "id": self._new_id("message"), "status": "completed"} for each in summary.kept]
        blob = replace(summary, kept=[], whole=False).blob
        sealed = self._sealing.seal(blob, run.caller.project_id, run.target)
        return compaction_object(made, [*kept, {**made["output"][0], SEALED: sealed}])

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
        told = Told(turn_of(request, target, items), places_in(request, history, own_input))
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
        return await self._fitting.fitted(request, target, told)

    def _opened(self, caller: Caller, request: CreateResponse, target: Target, told: Told) -> Told:
        """With the envelopes of earlier thoughts opened. Raises InvalidRequest."""
        reads = self._speaker.reads(target)
        reader = Reader(caller.project_id, target, reads, stored_paths(request))
        return unfolded(self._sealing.open(told, reader))

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

    async def _history(self, caller: Caller, request: CreateResponse, held: Held | None = None) -> list[JSON]:
        previous = request.previous_response_id
        if previous is None:
            named = conversation_id(request.conversation)
            return [] if named is None else await self._conversations.history(caller, named)
        if held is not None and (remembered := held(previous)) is not None:
            return remembered
        items = await self._store.history(caller.project_id, previous)
        if items is None:
            raise await self._no_previous(caller, previous)
        return items

    async def _no_previous(self, caller: Caller, previous: str) -> InvalidRequest:
        record = await self._store.get(caller.project_id, previous)
        if record is not None and record.body["status"] == "queued":
            return InvalidRequest(
                f"Previous response with id '{previous}' is still being made: wait until it has ended.",
                code="previous_response_in_progress",
                param="previous_response_id",
            )
        return InvalidRequest(
            f"Previous response with id '{previous}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
        )

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
