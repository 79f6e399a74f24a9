"""A run: the life of one response, from `response.created` to its terminal event.

    begin ─▶ turn ─▶ (pause ─▶ turn)* ─▶ end: commit ─▶ terminal event
              └── any failure, or the client gone ──▲

A turn that failed before it said anything may be asked again, of the same target or of another (`asking`,
`recovery`); then nothing was said about it yet. One that broke off may be gone on with by another, if the
client wants that.

The terminal event leaves after the commit that it reports. Whatever happens, the journal ends in exactly
one terminal event: a reader never waits for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from zlib import crc32

import structlog
from msgspec import Struct

from antiphon.core.adaptations import Adaptation
from antiphon.core.assembler import Assembler
from antiphon.core.deltas import Delta
from antiphon.core.records import Caller, ResponseRecord, Target
from antiphon.engine.asking import Asking
from antiphon.engine.attempts import Accounting, Attempts, Heard, cost_of
from antiphon.engine.books import Books
from antiphon.engine.hedging import Hedging, Race
from antiphon.engine.journal import MemoryJournal
from antiphon.engine.plan import Plan
from antiphon.engine.ports import Keeping
from antiphon.engine.recovery import Recovery, Tolerance
from antiphon.engine.sealing import Sealing
from antiphon.engine.writers import Writer
from antiphon.observe.clock import NewId, Now
from antiphon.protocol.errors import (
    AntiphonError,
    GatewayError,
    ProtocolViolation,
    ProviderError,
    RateLimited,
    UpstreamRejected,
)
from antiphon.protocol.events import Event
from antiphon.protocol.items import COMPACTION_TRIGGER
from antiphon.protocol.json import JSON, MalformedJSON

_MOST_TURNS = 10
"""Turns of one response: a provider that pauses for ever is stopped here."""

log = structlog.get_logger()


class Bounds(Struct, frozen=True):
    """`runs` at a time; in each so many `corrections` of unfit answers, `retries` of failures, and `seconds`
    for all its calls together."""

    runs: int
    corrections: int
    retries: int
    seconds: float


class Run:
    """Makes one response and writes its journal. `go` is the body of the task that owns it."""

    def __init__(
        self,
        caller: Caller,
        plan: Plan,
        asking: Asking,
        *,
        store: Keeping,
        writer: Writer | None = None,
        books: Books,
        accounting: Accounting,
        sealing: Sealing,
        new_id: NewId,
        now: Now,
        bounds: Bounds,
        served: Callable[[Target], None],
        hedging: Hedging | None = None,
    ) -> None:
        """`served` hears who answered, when it is done. Without `hedging` one target is asked at a time."""
        self.caller = caller
        self.journal = MemoryJournal()
        self._plan = plan
        self._asking = asking
        self._store = store
        self._writer = writer
        self._books = books
        self._now = now
        self._bounds = bounds
        self._served = served
        self._hedging = hedging
        self.began = accounting.clock()
        self._recovery: Recovery | None = None  # from the first failure on
        self._attempts = Attempts(caller, self.response_id, accounting)
        self._assembler = Assembler(
            plan.response | who_answers(asking),
            new_id=new_id,
            reveal_sealed=plan.reveal_sealed,
            envelope=lambda blob: sealing.seal(blob, caller.project_id, asking.target),
            next_sequence=plan.first_sequence,
        )
        self._opening: list[Event] = []  # the first events, until somebody may be told them
        self._last: list[Event] = []  # the terminal event and what stands before it, until it is told
        self._begun = False
        self._ending = False
        self._cancelled: AntiphonError | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def response_id(self) -> str:
        return str(self._plan.response["id"])

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What could not be sent as asked, or told as it came, so far."""
        return (*self._asking.adaptations, *self._assembler.noted.untold)

    @property
    def target(self) -> Target:
        """Who is asked now, or answered."""
        return self._asking.target

    @property
    def heard(self) -> list[JSON]:
        """The finished items as the provider that said them gets them back."""
        return self._assembler.heard

    @property
    def response(self) -> JSON:
        """The response so far, with the items that are finished."""
        return {**self._assembler.response, "output": self._assembler.said}

    @property
    def transcript(self) -> list[JSON]:
        """All items up to and with this response, as the store would give its history."""
        context = self._plan.context
        return [*(each for each in context if each["type"] != COMPACTION_TRIGGER), *self._assembler.said]

    @property
    def is_stored(self) -> bool:
        return self._plan.store

    def start(self) -> asyncio.Task[None]:
        self._task = asyncio.get_running_loop().create_task(self.go())
        if self._writer is not None:
            self._task.add_done_callback(self._writer.abandon)
        return self._task

    def cancel(self, reason: AntiphonError) -> None:
        """Stop the upstream now; the response fails with this reason, keeping what there is.

        A run that is ending already ends as it was going to: a commit under way is not taken back.
        """
        if self._task is None or self._ending or self._cancelled is not None:
            return
        self._cancelled = reason
        if self._begun:  # a task cancelled before its first step would never end the journal
            self._task.cancel()

    async def go(self) -> None:
        """The worker's last resort stands here: whatever escapes is a bug, and still ends the journal."""
        self._begun = True
        failure: AntiphonError | None = None
        try:
            await self._make()
        except AntiphonError as error:
            failure = error.with_traceback(None)  # whose frames hold this run, as the run its failure
        except asyncio.CancelledError:
            if self._cancelled is None:
                raise  # not ours: the loop is closing
            failure = self._cancelled
        except Exception:
            log.exception("run_failed", response_id=self.response_id)
            failure = _accident()
        try:
            await self._end(failure)
        finally:
            if not self.journal.ended:  # a bug in ending it: still nobody may wait for ever
                self._assembler.response["store"] = False
                await self._tell(self._last or _failed(self._assembler, _accident()))

    async def _make(self) -> None:
        if self._cancelled is not None:
            raise self._cancelled
        await self._open()
        if not self._plan.generates:
            return
        for _ in range(_MOST_TURNS):
            await self._turn()
            stop, events = self._assembler.end_turn()
            await self._tell(events)
            if not self._asking.goes_on(stop):
                return
            self._asking.go_on(self._assembler.heard)
            self._assembler.response["adaptations"] = self._asking.listed
        raise ProtocolViolation(f"The provider paused its turn {_MOST_TURNS} times in one response.")

    async def _open(self) -> None:
        """The first events leave at once, unless another target may yet be the one that answers."""
        self._assembler.quiet = not self.journal.keeps_all
        self._opening = self._assembler.begin()
        if not self._asking.has_others:
            await self._tell(self._opening)

    async def _tell(self, events: list[Event]) -> None:
        """To whoever reads, behind the first events if they wait still."""
        if not events:
            return
        if self._opening:
            events = events if events is self._opening else [*self._opening, *events]
            self._opening = []
        await self.journal.append(events)

    async def _turn(self) -> None:
        """One turn, spoken by whoever can. Raises ProviderError when nobody could."""
        while True:
            try:
                return await self._listen()
            except ProviderError as error:
                if not await self._recover(error):
                    raise

    async def _listen(self) -> None:
        """One call: deltas as they come."""
        target = self._asking.target
        before = len(self._assembler.response["output"])
        self._attempts.begin(target)
        try:
            async with aclosing(self._batches()) as batches:
                async for batch in batches:
                    self._attempts.spoke()
                    await self._apply(batch)
        except BaseException as error:
            self._account(before, self._cancelled or error)
            raise
        self._account(before, None)

    def _batches(self) -> AsyncGenerator[list[Delta], None]:
        if self._hedging is not None and not self._attempts.made:
            patience = self._hedging.patience(self._asking)
            if patience is not None:
                return Race(self._asking, self._attempts, self._begin_again).deltas(patience)
        return self._asking.speech.deltas()

    def _begin_again(self) -> None:
        """Another target answers than was to, and nobody was told anything yet."""
        self._assembler.end_turn()
        self._assembler.response.update(who_answers(self._asking))
        self._opening = self._assembler.begin()

    def _account(self, before: int, failure: BaseException | None) -> None:
        """A call is over, which began to speak behind so many items."""
        assembler = self._assembler
        used, tier = assembler.noted.turn, assembler.noted.tier
        items = assembler.response["output"][before:] if used is not None else assembler.said_since(before)
        heard = Heard(used, tier, items)
        self._attempts.end(self._asking.target, self._asking.turn, heard, failure)

    async def _apply(self, batch: list[Delta]) -> None:
        events: list[Event] = []
        try:
            for delta in batch:
                events += self._assembler.apply(delta)
        finally:  # what was said before a violation is the client's
            if events:
                await self._tell(events)

    async def _recover(self, error: ProviderError) -> bool:
        """See that the turn can be asked again, of this target or another; False if it has failed."""
        if self._recovery is None:
            self._recovery = Recovery(
                self._asking,
                self._attempts,
                self._assembler,
                Tolerance(self._bounds.retries, self._plan.continues, _chance(self.response_id)),
                tell=self._tell,
                begin_again=self._begin_again,
            )
        recovered = await self._recovery.again(error)
        if recovered:
            self._assembler.response.update(who_answers(self._asking))
        return recovered

    async def _end(self, failure: AntiphonError | None) -> None:
        """Commit, and then the terminal event; once, and not to be cancelled."""
        self._ending = True
        self._recovery = None  # which holds this run, as the run holds it
        response = self._assembler.response
        response["cost"], details = cost_of(self._attempts.made)
        if details is not None:
            response["cost_details"] = details
        if self._plan.reveal_routing:
            response["routing"] = self._plan.routing
        if failure is None:
            self._served(self._asking.target)
            self._last = self._assembler.finish(self._now())
        else:
            self._tell_operator(failure)
            self._last = _failed(self._assembler, failure)
        if self._plan.store and (failure is None or self._is_known()):
            await self._commit()
        else:
            self._books.enter(self._attempts.made)
        if self._writer is not None:
            await self._writer.release()
        self.journal.failure = failure
        self._attempts.over(response["status"])
        await self._tell(self._last)

    def _tell_operator(self, failure: AntiphonError) -> None:
        """Which provider failed, and how; its words are not logged, for they may quote what users said."""
        if isinstance(failure, ProviderError):
            log.warning(
                "provider_failed",
                response_id=self.response_id,
                provider=self._asking.target.provider,
                code=failure.code,
                status=failure.status,
            )

    def _is_known(self) -> bool:
        """Whether the client can know the response's id: a failure of which it saw nothing leaves no row."""
        return self.journal.is_revealed or (self._plan.turn.stream and self._assembler.has_spoken)

    async def _commit(self) -> None:
        """What was paid for is delivered even if it cannot be kept; the object then says so."""
        response = self._assembler.response
        record = ResponseRecord(
            id=response["id"],
            project_id=self.caller.project_id,
            previous_response_id=response["previous_response_id"],
            created_at=response["created_at"],
            body={key: value for key, value in response.items() if key != "output"},
            input=self._plan.own_input,
            output=self._assembler.said,
            attempts=self._attempts.made,
        )
        if self._plan.routing is not None:
            record.body["routing"] = self._plan.routing
        try:
            await self._store.save(record)
        except (GatewayError, MalformedJSON) as error:
            response["store"] = False
            self._books.enter(self._attempts.made)
            log.error("response_not_stored", response_id=record.id, reason=str(error))


def who_answers(asking: Asking) -> JSON:
    """What the response says about it."""
    return {"provider": asking.target.provider, "model": asking.name, "adaptations": asking.listed}


def _chance(response_id: str) -> float:
    """Between 0 and 1, different for each response."""
    return crc32(response_id.encode()) / 2**32


def _accident() -> GatewayError:
    return GatewayError("The gateway failed to make this response.", code="server_error")


def _failed(assembler: Assembler, failure: AntiphonError) -> list[Event]:
    code = failure.code or "server_error"
    return assembler.fail(code, failure.message, error_code=_public_code(failure))


def _public_code(error: AntiphonError) -> str:
    """The closed enum of `response.error.code`; our own code stands in the error event beside it."""
    match error:
        case RateLimited():
            return "rate_limit_exceeded"
        case UpstreamRejected():
            return "invalid_prompt"
        case _:
            return "server_error"
