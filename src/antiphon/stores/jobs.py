"""Jobs: responses that are made in the background, who makes them at the moment, and how they end.

    waiting ── claim ─▶ held ── renew* ─▶ … ── finish ─▶ ended
       ▲                 │ lease over, or release
       └─────────────────┘

A job that has not ended is `due` from some time on: at once while it waits, at the end of the lease while
somebody holds it. Each holder has a fence, one higher than the holder's before. Every write of a holder is
conditional on its fence, within the statement: who was thought dead, and wakes up, writes nothing more. The
times are the database's own, because the processes' clocks may differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ClauseElement,
    ColumnElement,
    Insert,
    Table,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    true,
    tuple_,
    type_coerce,
    update,
)

from antiphon.core.records import Batch, Job, JobState, ResponseRecord
from antiphon.protocol import json
from antiphon.stores.clock import database_now
from antiphon.stores.deliveries import Outbox
from antiphon.stores.drivers.base import Driver, Parameters, Row, Statement, Step
from antiphon.stores.fences import given, held, is_held, mark
from antiphon.stores.journals import batch_row, insert_batch
from antiphon.stores.ledger import entry
from antiphon.stores.queued_conversations import QueuedConversations
from antiphon.stores.responses import item_rows
from antiphon.stores.schema import attempts, items, jobs, journals, responses


class Jobs:
    """The jobs of all projects. All methods raise StorageUnavailable and Overloaded."""

    def __init__(self, driver: Driver, outbox: Outbox | None = None) -> None:
        """Compiles the statements, once. `outbox`: for webhooks that are told of the ends."""
        compiled = driver.compile
        self._driver = driver
        self._queue_response: Statement = compiled(_insert_response())
        self._queue_item: Statement = compiled(_insert_from(items, _queued_response()))
        self._queue_job: Statement = compiled(_insert_job())
        self._queue_batch: Statement = compiled(
            _insert_from(journals, _queued_response()).returning(journals.c.first)
        )
        self._next_project: Statement = compiled(_select_next_project())
        self._claim: Statement = compiled(_claim())
        self._renew: Statement = compiled(_renew())
        self._select_held: Statement = compiled(select(jobs.c.response_id).where(held()))
        self._release: Statement = compiled(_release())
        self._seize: Statement = compiled(_seize())
        self._state: Statement = compiled(_select_state())
        self._last_batch: Statement = compiled(insert_batch())
        self._finish_response: Statement = compiled(_finish_response())
        self._finish_item: Statement = compiled(_insert_from(items, is_held()))
        self._finish_attempt: Statement = compiled(_insert_from(attempts, is_held()))
        self._finish_job: Statement = compiled(_finish_job())
        self._trim: Statement = compiled(_trim())
        self._conversations = QueuedConversations(driver)
        self._outbox = outbox

    # Waiting

    async def enqueue(
        self,
        record: ResponseRecord,
        key_id: str,
        request: bytes,
        batch: Batch,
        *,
        of_project: int,
        in_all: int,
    ) -> bool:
        """Store the response, its job and the first of its events; committed when this returns.

        False, and nothing is stored, if the project has `of_project` jobs that have not ended, or all
        together `in_all`. Several at the same moment may come a little above that.
        """
        bounds: Parameters = {"of_project": of_project, "in_all": in_all}
        owner: Parameters = {"project_id": record.project_id, "response_id": record.id}
        steps = [Step(self._queue_response, [{**_response_row(record), **bounds}])]
        if record.input:
            steps.append(Step(self._queue_item, item_rows(record)))
        steps += self._conversations.queued(record)
        steps.append(Step(self._queue_job, [{**owner, "key_id": key_id, "request": request}]))
        steps.append(Step(self._queue_batch, [{**owner, **batch_row(batch)}]))
        return bool(await self._driver.write(*steps))

    async def next_project(self, after: str) -> str | None:
        """A project that has a job due: the first whose id follows, else the first of all."""
        rows = await self._driver.read(self._next_project, {"after": after})
        return rows[0][0] if rows else None

    # Holding

    async def claim(self, project_id: str, *, lease: float) -> Job | None:
        """Take the project's job that is due for the longest time, for `lease` seconds."""
        rows = await self._driver.write(
            Step(self._claim, [{"in_project": project_id, "lease": _milliseconds(lease)}])
        )
        return _job(rows[0]) if rows else None

    async def renew(self, held: Sequence[Job], *, lease: float) -> set[str]:
        """Hold on for `lease` seconds from now; the ids of those that are still held."""
        if not held:
            return set()
        rows = [{**mark(job), "lease": _milliseconds(lease)} for job in held]
        return {id for (id,) in await self._driver.note(Step(self._renew, rows))}

    async def still_held(self, held: Sequence[Job]) -> set[str]:
        """The ids of those that nobody else has taken, and that nobody wants to have cancelled."""
        if not held:
            return set()
        return {id for (id,) in await self._driver.read(self._select_held, *map(mark, held))}

    async def release(self, job: Job) -> bool:
        """Give it back to whoever comes, as if it had not been begun; False if it is another's."""
        return bool(await self._driver.write(Step(self._release, [mark(job)])))

    async def seize(self, project_id: str, response_id: str, *, lease: float) -> Job | None:
        """Take this job from whoever holds it, to cancel it; None if it has ended, or there is none.

        Whoever takes it next knows that it is to be cancelled.
        """
        row: Parameters = {
            "in_project": project_id,
            "of_response": response_id,
            "lease": _milliseconds(lease),
        }
        rows = await self._driver.write(Step(self._seize, [row]))
        return _job(rows[0]) if rows else None

    async def state(self, project_id: str, response_id: str) -> JobState | None:
        rows = await self._driver.read(self._state, {"project_id": project_id, "response_id": response_id})
        return JobState(rows[0][0], bool(rows[0][1])) if rows else None

    # Ending

    async def finish(self, job: Job, record: ResponseRecord, batch: Batch) -> bool:
        """The end, all of it or nothing: the response, its output, what it cost, its last events,
        what webhooks are to be told.

        False if the job is not held any more.
        """
        holder = mark(job)
        body: Parameters = {"body": json.encode(record.body), "status": record.body["status"]}
        output = item_rows(record)[len(record.input) :]
        steps = [
            Step(self._last_batch, [{**holder, **batch_row(batch)}]),
            Step(self._finish_response, [{**holder, **body}]),
        ]
        if output:
            steps.append(Step(self._finish_item, [{**row, "fence": job.fence} for row in output]))
        if record.attempts:
            rows = [{**entry(attempt), "fence": job.fence} for attempt in record.attempts]
            steps.append(Step(self._finish_attempt, rows))
        steps += self._conversations.finished(job, record)
        if self._outbox is not None:
            steps += self._outbox.ended(job, record)
        return bool(await self._driver.write(*steps, Step(self._finish_job, [holder])))

    # Forgetting

    async def trim(self, *, after: float, most: int) -> int:
        """Forget up to `most` jobs that ended `after` seconds ago, with their journals; how many."""
        row: Parameters = {"age": _milliseconds(after), "most": most}
        return len(await self._driver.erase(Step(self._trim, [row])))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _response_row(record: ResponseRecord) -> Parameters:
    return {
        "project_id": record.project_id,
        "id": record.id,
        "previous_response_id": record.previous_response_id,
        "status": record.body["status"],
        "model": record.body["model"],
        "created_at": record.created_at,
        "body": json.encode(record.body),
        "conversation_id": record.conversation.conversation_id if record.conversation else None,
        "conversation_position": record.conversation.position if record.conversation else None,
    }


def _job(row: Row) -> Job:
    project_id, response_id, key_id, request, begun, fence, cancel_requested = row
    return Job(
        project_id=project_id,
        response_id=response_id,
        key_id=key_id,
        request=request,
        attempts=begun,
        fence=fence,
        cancel_requested=bool(cancel_requested),
    )


_GIVEN_BACK = (
    jobs.c.project_id,
    jobs.c.response_id,
    jobs.c.key_id,
    jobs.c.request,
    jobs.c.attempts,
    jobs.c.fence,
    jobs.c.cancel_requested,
)


_RESPONSE = (
    *("project_id", "id", "previous_response_id", "status", "model", "created_at", "body"),
    *("conversation_id", "conversation_position"),
)


def _insert_from(table: Table, condition: ColumnElement[bool], names: Sequence[str] = ()) -> Insert:
    """A row of parameters, if the condition holds; of all columns, or of these."""
    names = names or table.c.keys()
    return insert(table).from_select(names, select(*given(table, names)).where(condition))


def _queued_response() -> ColumnElement[bool]:
    """The response that the same transaction was to store is there."""
    return exists().where(
        responses.c.project_id == bindparam("project_id"), responses.c.id == bindparam("response_id")
    )


def _insert_response() -> ClauseElement:
    of_project = jobs.c.project_id == bindparam("project_id")
    is_room = and_(_fewer(of_project, "of_project"), _fewer(true(), "in_all"))
    return _insert_from(responses, is_room, _RESPONSE)


def _fewer(which: ColumnElement[bool], bound: str) -> ColumnElement[bool]:
    """Whether fewer of these jobs than the bound have not ended; no more of them are counted."""
    limit: BindParameter[int] = bindparam(bound)
    unfinished = select(literal(1)).select_from(jobs).where(which, jobs.c.due_at.is_not(None))
    counted = unfinished.limit(limit).offset(0).subquery()
    return select(func.count()).select_from(counted).scalar_subquery() < limit


def _insert_job() -> ClauseElement:
    """Waiting: due at once, begun by nobody."""
    names = ("project_id", "response_id", "key_id", "request")
    begun: dict[str, ColumnElement[Any]] = {
        "attempts": literal(0),
        "fence": literal(0),
        "due_at": type_coerce(database_now(), BigInteger),
        "cancel_requested": literal(0),
        "created_at": type_coerce(database_now(), BigInteger),
    }
    row = select(*given(jobs, names), *begun.values()).where(_queued_response())
    return insert(jobs).from_select([*names, *begun], row)


def _select_next_project() -> ClauseElement:
    """Two looks into one index, whatever waits."""
    due = jobs.c.due_at <= database_now()
    first = select(jobs.c.project_id).where(due).order_by(jobs.c.project_id).limit(1).offset(0)
    following = first.where(jobs.c.project_id > bindparam("after")).scalar_subquery()
    found = func.coalesce(following, first.scalar_subquery()).label("project_id")
    next_one = select(found).subquery()
    return select(next_one.c.project_id).where(next_one.c.project_id.is_not(None))


def _claim() -> ClauseElement:
    """`=` and not IN, so that the row is chosen once: others that claim are not waited for."""
    due = jobs.alias("due")
    chosen = (
        select(due.c.response_id)
        .where(due.c.project_id == bindparam("in_project"), due.c.due_at <= database_now())
        .order_by(due.c.due_at)
        .limit(1)
        .offset(0)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return (
        update(jobs)
        .where(jobs.c.project_id == bindparam("in_project"), jobs.c.response_id == chosen)
        .values(
            attempts=jobs.c.attempts + 1,
            fence=jobs.c.fence + 1,
            due_at=database_now() + bindparam("lease"),
        )
        .returning(*_GIVEN_BACK)
    )


def _renew() -> ClauseElement:
    return (
        update(jobs)
        .where(held())
        .values(due_at=database_now() + bindparam("lease"))
        .returning(jobs.c.response_id)
    )


def _release() -> ClauseElement:
    return (
        update(jobs)
        .where(held())
        .values(attempts=jobs.c.attempts - 1, fence=jobs.c.fence + 1, due_at=database_now())
        .returning(jobs.c.response_id)
    )


def _seize() -> ClauseElement:
    return (
        update(jobs)
        .where(
            jobs.c.project_id == bindparam("in_project"),
            jobs.c.response_id == bindparam("of_response"),
            jobs.c.due_at.is_not(None),
        )
        .values(
            fence=jobs.c.fence + 1, due_at=database_now() + bindparam("lease"), cancel_requested=literal(1)
        )
        .returning(*_GIVEN_BACK)
    )


def _select_state() -> ClauseElement:
    return select(jobs.c.fence, case((jobs.c.due_at.is_(None), 1), else_=0)).where(
        jobs.c.project_id == bindparam("project_id"), jobs.c.response_id == bindparam("response_id")
    )


def _finish_response() -> ClauseElement:
    return (
        update(responses)
        .where(
            responses.c.project_id == bindparam("project_id"),
            responses.c.id == bindparam("response_id"),
            is_held(),
        )
        .values(status=bindparam("status"), body=bindparam("body"))
    )


def _finish_job() -> ClauseElement:
    """The request is forgotten: it may hold what opens doors elsewhere, and nobody needs it any more."""
    return (
        update(jobs)
        .where(held())
        .values(due_at=null(), ended_at=database_now(), request=cast(literal(""), jobs.c.request.type))
        .returning(jobs.c.response_id)
    )


def _trim() -> ClauseElement:
    """Their journals go with them: ON DELETE CASCADE."""
    old = jobs.alias("old")
    chosen = (
        select(old.c.project_id, old.c.response_id)
        .where(old.c.ended_at <= database_now() - bindparam("age"))
        .order_by(old.c.ended_at)
        .limit(bindparam("most"))
        .offset(0)
    )
    return (
        delete(jobs)
        .where(tuple_(jobs.c.project_id, jobs.c.response_id).in_(chosen))
        .returning(jobs.c.response_id)
    )
