"""Conversations in which a response is made in the background: what its job does to them.

The lock is the response's from the moment it is queued to its end, however long that takes and whoever makes
it: its token is the id of the response. The steps here go into the transactions that queue a job and that
finish it. They change nothing where the job is not queued, or is another's; where the conversation was
deleted meanwhile, there is nothing to change.
"""

from __future__ import annotations

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Integer,
    and_,
    bindparam,
    exists,
    insert,
    null,
    select,
    update,
)

from antiphon.core.records import Job, ResponseRecord
from antiphon.stores.drivers.base import Driver, Parameters, Statement, Step
from antiphon.stores.fences import is_held, mark
from antiphon.stores.schema import conversation_items, conversations, items, responses

_APPENDED = ("completed", "incomplete")
_NEVER = 2**53  # milliseconds since 1970


class QueuedConversations:
    """`queued` and `finished` give the steps; none for a response that is not made in a conversation."""

    def __init__(self, driver: Driver) -> None:
        """Compiles the statements, once."""
        self._keep: Statement = driver.compile(_keep())
        self._hold: Statement = driver.compile(_hold())
        self._append: Statement = driver.compile(_append())
        self._release: Statement = driver.compile(_release())

    def queued(self, record: ResponseRecord) -> list[Step]:
        """Behind the step that stores the response: its lock runs out no more."""
        if record.conversation is None:
            return []
        row: Parameters = {
            "project_id": record.project_id,
            "response_id": record.id,
            "conversation_id": record.conversation.conversation_id,
        }
        return [Step(self._keep, [row])]

    def finished(self, job: Job, record: ResponseRecord) -> list[Step]:
        """Behind the step that stores its output, and before the one that ends the job."""
        named = record.body.get("conversation")
        if named is None:
            return []
        row: Parameters = {**mark(job), "conversation_id": named["id"]}
        if record.body["status"] not in _APPENDED:
            return [Step(self._release, [{**row, "added": 0}])]
        added = len(record.input) + len(record.output)
        return [
            Step(self._hold, [row]),
            Step(self._append, [row]),
            Step(self._release, [{**row, "added": added}]),
        ]


def _its_own() -> ColumnElement[bool]:
    return and_(
        conversations.c.project_id == bindparam("project_id"),
        conversations.c.id == bindparam("conversation_id"),
        conversations.c.writer == bindparam("response_id"),
    )


def _keep() -> ClauseElement:
    is_queued = exists().where(
        responses.c.project_id == bindparam("project_id"), responses.c.id == bindparam("response_id")
    )
    return update(conversations).where(_its_own(), is_queued).values(writer_until=_NEVER)


def _hold() -> ClauseElement:
    """Changes nothing, but nobody can delete it, until the commit."""
    return update(conversations).where(_its_own()).values(writer_until=conversations.c.writer_until)


def _append() -> ClauseElement:
    """All items of the response, in their order."""
    row = (
        select(
            items.c.project_id,
            conversations.c.id,
            conversations.c.next_position + items.c.position,
            items.c.item_id,
            responses.c.created_at,
            items.c.body,
        )
        .select_from(items)
        .join(conversations, _its_own())
        .join(
            responses,
            and_(responses.c.project_id == items.c.project_id, responses.c.id == items.c.response_id),
        )
        .where(
            items.c.project_id == bindparam("project_id"),
            items.c.response_id == bindparam("response_id"),
            is_held(),
        )
    )
    columns = ("project_id", "conversation_id", "position", "item_id", "created_at", "body")
    return insert(conversation_items).from_select(columns, row)


def _release() -> ClauseElement:
    return (
        update(conversations)
        .where(_its_own(), is_held())
        .values(
            next_position=conversations.c.next_position + bindparam("added", type_=Integer),
            writer=null(),
            writer_until=null(),
        )
    )
