"""Deliveries: the end of a background response, to be told to a webhook, at least once.

    waiting ── claim ─▶ held ── delivered ─────▶ ended
       ▲                 │  └── given_up ──────▶ ended
       └── postponed, or its lease is over ──┘

A row is written by the transaction that ends the job (`Outbox.ended`), so that no end is lost and none is
told that was not committed. As with jobs, a delivery is `due` from some time on. Each claim counts as an
attempt, and their number is the holder's fence: who was too slow changes nothing more. Times are the
database's own, in milliseconds.

What has ended is kept for as long as retention says. What nobody takes, because its webhook is not in
anybody's settings any more, counts as ended when it is 30 days old.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnElement,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    tuple_,
    type_coerce,
    update,
)

from antiphon.core.records import Delivery, Job, ResponseRecord, Webhook
from antiphon.observe.clock import NewId
from antiphon.stores.clock import database_now
from antiphon.stores.drivers.base import Driver, Parameters, Row, Statement, Step
from antiphon.stores.fences import given, is_held, mark
from antiphon.stores.schema import deliveries

_ABANDONED = 30 * 24 * 60 * 60 * 1000  # milliseconds


class Outbox:
    """Writes deliveries for these webhooks."""

    def __init__(self, driver: Driver, webhooks: Sequence[Webhook], new_id: NewId) -> None:
        """Compiles its statement, once."""
        self._webhooks = webhooks
        self._new_id = new_id
        self._insert: Statement = driver.compile(_insert())

    def ended(self, job: Job, record: ResponseRecord) -> list[Step]:
        """Before the step that ends the job: nothing is written if it is not held any more.

        All webhooks are told of the same event, by the same id.
        """
        kind = f"response.{record.body['status']}"
        told = [each for each in self._webhooks if each.project_id == job.project_id and kind in each.events]
        if not told:
            return []
        row: Parameters = {**mark(job), "event_id": self._new_id("event"), "type": kind}
        return [Step(self._insert, [{**row, "webhook": each.id} for each in told])]


class Deliveries:
    """The deliveries of all projects. All methods raise StorageUnavailable and Overloaded."""

    def __init__(self, driver: Driver) -> None:
        """Compiles the statements, once."""
        self._driver = driver
        self._count: Statement = driver.compile(_count())
        self._claim: Statement = driver.compile(_claim())
        self._postpone: Statement = driver.compile(_postpone())
        self._end: Statement = driver.compile(_end())
        self._trim: Statement = driver.compile(_trim())

    async def claim(self, webhook: Webhook, *, lease: float, most: int) -> list[Delivery]:
        """Take up to `most` that are due for the longest time, for `lease` seconds."""
        place: Parameters = {"in_project": webhook.project_id, "of_webhook": webhook.id}
        [(count,)] = await self._driver.read(self._count, {**place, "most": most})
        if not count:
            return []
        row: Parameters = {**place, "lease": _milliseconds(lease)}
        return [_delivery(each) for each in await self._driver.write(Step(self._claim, [row] * count))]

    async def postponed(self, delivery: Delivery, *, delay: float) -> bool:
        """Due again in `delay` seconds; False if it is another's by now."""
        row: Parameters = {**_mark(delivery), "delay": _milliseconds(delay)}
        return bool(await self._driver.write(Step(self._postpone, [row])))

    async def delivered(self, delivery: Delivery) -> bool:
        """False if it is another's by now."""
        return await self._ended(delivery, "delivered")

    async def given_up(self, delivery: Delivery) -> bool:
        """False if it is another's by now."""
        return await self._ended(delivery, "given_up")

    async def _ended(self, delivery: Delivery, outcome: str) -> bool:
        row: Parameters = {**_mark(delivery), "its_outcome": outcome}
        return bool(await self._driver.write(Step(self._end, [row])))

    async def trim(self, *, after: float, most: int) -> int:
        """Forget up to `most` that ended `after` seconds ago; how many."""
        row: Parameters = {"age": _milliseconds(after), "most": most}
        return len(await self._driver.note(Step(self._trim, [row])))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _delivery(row: Row) -> Delivery:
    project_id, webhook, event_id, kind, response_id, created_at, attempts, age = row
    return Delivery(
        project_id=project_id,
        webhook=webhook,
        event_id=event_id,
        type=kind,
        response_id=response_id,
        created_at=created_at // 1000,
        attempts=attempts,
        age=age / 1000,
    )


def _mark(delivery: Delivery) -> Parameters:
    return {
        "in_project": delivery.project_id,
        "of_webhook": delivery.webhook,
        "of_event": delivery.event_id,
        "fence": delivery.attempts,
    }


def _held() -> ColumnElement[bool]:
    return and_(
        deliveries.c.project_id == bindparam("in_project"),
        deliveries.c.webhook == bindparam("of_webhook"),
        deliveries.c.event_id == bindparam("of_event"),
        deliveries.c.attempts == bindparam("fence"),
        deliveries.c.due_at.is_not(None),
    )


def _insert() -> ClauseElement:
    names = ("project_id", "webhook", "event_id", "type", "response_id")
    begun: dict[str, ColumnElement[Any]] = {
        "attempts": literal(0),
        "due_at": type_coerce(database_now(), BigInteger),
        "created_at": type_coerce(database_now(), BigInteger),
        "retained_from": type_coerce(database_now() + _ABANDONED, BigInteger),
    }
    row = select(*given(deliveries, names), *begun.values()).where(is_held())
    return insert(deliveries).from_select([*names, *begun], row)


def _count() -> ClauseElement:
    """How many are due; no more than `most` are counted."""
    due = (
        select(literal(1))
        .select_from(deliveries)
        .where(
            deliveries.c.project_id == bindparam("in_project"),
            deliveries.c.webhook == bindparam("of_webhook"),
            deliveries.c.due_at <= database_now(),
        )
        .limit(bindparam("most"))
        .offset(0)
    )
    return select(func.count()).select_from(due.subquery())


def _claim() -> ClauseElement:
    """One. `=` and not IN, so that the row is chosen once: others that claim are not waited for."""
    due = deliveries.alias("due")
    chosen = (
        select(due.c.event_id)
        .where(
            due.c.project_id == bindparam("in_project"),
            due.c.webhook == bindparam("of_webhook"),
            due.c.due_at <= database_now(),
        )
        .order_by(due.c.due_at)
        .limit(1)
        .offset(0)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return (
        update(deliveries)
        .where(
            deliveries.c.project_id == bindparam("in_project"),
            deliveries.c.webhook == bindparam("of_webhook"),
            deliveries.c.event_id == chosen,
        )
        .values(attempts=deliveries.c.attempts + 1, due_at=database_now() + bindparam("lease"))
        .returning(
            deliveries.c.project_id,
            deliveries.c.webhook,
            deliveries.c.event_id,
            deliveries.c.type,
            deliveries.c.response_id,
            deliveries.c.created_at,
            deliveries.c.attempts,
            (database_now() - deliveries.c.created_at).label("age"),
        )
    )


def _postpone() -> ClauseElement:
    due_at = database_now() + bindparam("delay")
    return update(deliveries).where(_held()).values(due_at=due_at).returning(deliveries.c.event_id)


def _end() -> ClauseElement:
    ended = {"due_at": null(), "retained_from": database_now(), "outcome": bindparam("its_outcome")}
    return update(deliveries).where(_held()).values(ended).returning(deliveries.c.event_id)


def _trim() -> ClauseElement:
    place = (deliveries.c.project_id, deliveries.c.webhook, deliveries.c.event_id)
    old = (
        select(*place)
        .where(deliveries.c.retained_from <= database_now() - bindparam("age"))
        .order_by(deliveries.c.retained_from)
        .limit(bindparam("most"))
        .offset(0)
    )
    return delete(deliveries).where(tuple_(*place).in_(old)).returning(deliveries.c.event_id)
