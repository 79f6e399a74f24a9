"""A run: the life of one response, from `response.created` to its terminal event.

    begin ─▶ turn ─▶ (pause or unfit answer ─▶ turn)* ─▶ end: commit ─▶ terminal event
                └── any failure, or the client gone ──▲

The terminal event leaves after the commit that it reports. Whatever happens, the journal ends in exactly
one terminal event: a reader never waits for ever.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial

import structlog
from msgspec.structs import asdict, replace

from antiphon.core.adaptations import Adaptation, abridged
from antiphon.core.assembler import Assembler
from antiphon.core.records import Caller, ResponseRecord
from antiphon.core.turn import Turn
from antiphon.engine.enforcement import asked_again, correction, enforced
from antiphon.engine.journal import MemoryJournal
from antiphon.engine.places import Places
from antiphon.engine.plan import Plan
from antiphon.engine.ports import ResponseStore, Speaker, Speech
from antiphon.engine.sealing import Sealing, Told, without_thoughts
from antiphon.observe.clock import NewId, Now
from antiphon.protocol.errors import (
    AntiphonError,
    GatewayError,
    InvalidRequest,
    ProtocolViolation,
    ProviderError,
    RateLimited,
    StaleReasoning,
    UnfitAnswer,
    UpstreamRejected,
)
from antiphon.protocol.json import JSON, MalformedJSON

_MOST_TURNS = 10
"""Turns of one response: a provider that pauses for ever is stopped here."""

log = structlog.get_logger()


class Run:
    """Makes one response and writes its journal. `go` is the body of the task that owns it."""

    def __init__(
        self,
        caller: Caller,
        plan: Plan,
        *,
        speaker: Speaker,
        store: ResponseStore,
        sealing: Sealing,
        new_id: NewId,
        now: Now,
        most_corrections: int,
    ) -> None:
        self.caller = caller
        self.journal = MemoryJournal()
        self._plan = plan
        self._speaker = speaker
        self._store = store
        self._now = now
        self._most_corrections = most_corrections
        self._corrections = 0
        self._retold = 0  # of the items that were heard, those that the turn of the plan has already
        self._adapted = dict.fromkeys(plan.adaptations)
        self._speech = self._prepare(plan.turn)
        if plan.strict and self._adapted:
            raise _not_as_asked(self.adaptations)
        response = {**plan.response, "adaptations": self._listed()}
        self._assembler = Assembler(
            response,
            new_id=new_id,
            reveal_sealed=plan.reveal_sealed,
            envelope=partial(sealing.seal, project_id=caller.project_id, target=plan.target),
        )
        self._begun = False
        self._ending = False
        self._cancelled: AntiphonError | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def response_id(self) -> str:
        return str(self._plan.response["id"])

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What could not be sent as asked, so far: a paused turn that goes on may add to it."""
        return abridged(self._adapted) if self._adapted else ()

    @property
    def response(self) -> JSON:
        """The response so far, with the items that are finished."""
        return {**self._assembler.response, "output": self._assembler.said}

    @property
    def is_stored(self) -> bool:
        return self._plan.store

    def start(self) -> asyncio.Task[None]:
        self._task = asyncio.get_running_loop().create_task(self.go())
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
            failure = error
        except asyncio.CancelledError:
            if self._cancelled is None:
                raise  # not ours: the loop is closing
            failure = self._cancelled
        except Exception:
            log.exception("run_failed", response_id=self.response_id)
            failure = GatewayError("The gateway failed to make this response.", code="server_error")
        await self._end(failure)

    async def _make(self) -> None:
        if self._cancelled is not None:
            raise self._cancelled
        await self.journal.append(self._assembler.begin())
        for _ in range(_MOST_TURNS):
            try:
                await self._listen()
            except StaleReasoning:
                if not self._forget_thoughts():
                    raise
                continue
            except UnfitAnswer as unfit:
                if not self._ask_again(unfit):
                    raise
                continue
            stop, events = self._assembler.end_turn()
            await self.journal.append(events)
            if stop != "pause":
                return
            self._go_on()
        raise ProtocolViolation(f"The provider paused its turn {_MOST_TURNS} times in one response.")

    def _prepare(self, turn: Turn) -> Speech:
        """Raises InvalidRequest; a dialect counts the turn's items, the client those that it sent."""
        try:
            speech = self._speaker.prepare(self._plan.target, turn)
        except InvalidRequest as error:
            error.param = self._plan.places.of_client(error.param or "") or None
            raise
        for adaptation in speech.adaptations:
            self._adapted[replace(adaptation, param=self._plan.places.of_client(adaptation.param))] = None
        return enforced(speech, turn)

    async def _listen(self) -> None:
        """One turn, as it is spoken."""
        async with aclosing(self._speech.deltas()) as batches:
            async for batch in batches:
                events = []
                try:
                    for delta in batch:
                        events += self._assembler.apply(delta)
                finally:  # what was said before a violation is the client's
                    await self.journal.append(events)

    def _go_on(self) -> None:
        """The provider paused a long turn: it goes on when it is shown what it said so far."""
        turn = self._plan.turn
        heard = self._assembler.heard[self._retold :]
        self._speech = self._prepare(replace(turn, items=[*turn.items, *heard]))
        self._assembler.response["adaptations"] = self._listed()

    def _forget_thoughts(self) -> bool:
        """Prepare the turn again without what was sealed earlier; False if that is too late, or no help."""
        if self._assembler.has_spoken or self._plan.strict:
            return False
        told = without_thoughts(Told(self._plan.turn, self._plan.places))
        if told is None:
            return False
        self._plan = replace(self._plan, turn=told.turn, places=told.places)
        self._adapted.update(dict.fromkeys(told.adaptations))
        self._speech = self._prepare(told.turn)
        self._assembler.response["adaptations"] = self._listed()
        return True

    def _ask_again(self, unfit: UnfitAnswer) -> bool:
        """Show the model what is wrong with its answer; False if it was shown often enough.

        Nothing of that answer was told the client, but what it cost is counted.
        """
        if self._corrections == self._most_corrections:
            return False
        self._assembler.end_turn()
        turn, places = self._plan.turn, self._plan.places
        told = [*self._assembler.heard[self._retold :], *correction(unfit)]
        self._retold = len(self._assembler.heard)
        self._plan = replace(
            self._plan,
            turn=replace(turn, items=[*turn.items, *told]),
            places=Places.known(items=(*places.items, *("output" for _ in told)), tools=places.tools),
        )
        self._adapted.pop(asked_again(self._corrections), None)
        self._corrections += 1
        self._adapted[asked_again(self._corrections)] = None
        self._speech = self._prepare(self._plan.turn)
        self._assembler.response["adaptations"] = self._listed()
        return True

    def _listed(self) -> list[JSON]:
        return [asdict(adaptation) for adaptation in self.adaptations]

    async def _end(self, failure: AntiphonError | None) -> None:
        """Commit, and then the terminal event; once, and not to be cancelled."""
        self._ending = True
        if failure is None:
            events = self._assembler.finish(self._now())
        else:
            self._tell_operator(failure)
            code = failure.code or "server_error"
            events = self._assembler.fail(code, failure.message, error_code=_public_code(failure))
        if self._plan.store and (failure is None or self._is_known()):
            await self._commit()
        self.journal.failure = failure
        await self.journal.append(events)

    def _tell_operator(self, failure: AntiphonError) -> None:
        """Which provider failed, and how; its words are not logged, for they may quote what users said."""
        if isinstance(failure, ProviderError):
            log.warning(
                "provider_failed",
                response_id=self.response_id,
                provider=self._plan.target.provider,
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
        )
        try:
            await self._store.save(record)
        except (GatewayError, MalformedJSON) as error:
            response["store"] = False
            log.error("response_not_stored", response_id=record.id, reason=str(error))


def _not_as_asked(told: tuple[Adaptation, ...]) -> InvalidRequest:
    return InvalidRequest(
        f"'adaptation' is strict, and this model cannot be asked exactly this: {'; '.join(map(str, told))}. "
        "Leave it out or change it, or allow it with 'adaptation': 'lenient'.",
        code="adaptation_required",
        param=told[0].param,
    )


def _public_code(error: AntiphonError) -> str:
    """The closed enum of `response.error.code`; our own code stands in the error event beside it."""
    match error:
        case RateLimited():
            return "rate_limit_exceeded"
        case UpstreamRejected():
            return "invalid_prompt"
        case _:
            return "server_error"
