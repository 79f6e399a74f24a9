"""Conversations: items in an order, to which one writer at a time appends.

    free ──claim──▶ written by a token until … ──append, or release──▶ free
                      │ ▲
                      └─┘ renew; who does not in time may be replaced by any other claim

Whoever answers in a conversation claims it, reads its items, and appends to them what was asked and said,
in the transaction that lets go of the claim. The token fences: an item's position is read from the
conversation with that token, so that for one who was replaced it is null, which the column refuses, and
with it the whole transaction. Positions rise and are never given twice; gaps are items that were deleted.

To read needs no claim, nor to delete: what a writer has read may be deleted behind its back, as if it had
been deleted right after. Times are the database's own, in milliseconds, so that clocks of different
machines need not agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Integer,
    and_,
    bindparam,
    delete,
    insert,
    null,
    select,
    update,
)

from antiphon.core.records import ConversationLock, ConversationRecord, Page
from antiphon.protocol import json
from antiphon.protocol.errors import ConversationLocked, InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.stores.answers import delete_answers_about
from antiphon.stores.bodies import decoded, decoded_array, joined
from antiphon.stores.clock import database_now
from antiphon.stores.drivers.base import ConstraintViolated, Driver, Parameters, Statement, Step
from antiphon.stores.schema import conversation_items as items
from antiphon.stores.schema import conversations

_BEHIND_ALL = 2**31 - 1  # no item stands here


class Appending:
    """The steps that append to a conversation, for whoever writes something else in the same transaction."""

    def __init__(self, driver: Driver) -> None:
        """Compiles the statements, once."""
        self._hold: Statement = driver.compile(_hold())
        self._insert: Statement = driver.compile(_insert_item())
        self._release: Statement = driver.compile(_release())

    def steps(self, lock: ConversationLock, added: Sequence[JSON], created_at: int) -> list[Step]:
        """The last returns a row, unless there is nothing to append and no such lock.

        ConstraintViolated if there is something, and no such lock. Where rows are locked one by one, the
        first step keeps the conversation's until the commit.
        """
        held = _held(lock)
        rows: list[Parameters] = [
            {
                **held,
                "offset": offset,
                "its_id": item["id"],
                "its_body": json.encode(item),
                "at": created_at,
            }
            for offset, item in enumerate(added)
        ]
        release = Step(self._release, [{**held, "added": len(rows)}])
        return [Step(self._hold, [held]), Step(self._insert, rows), release] if rows else [release]


class Conversations:
    """The conversations of all projects. Every method names the project; none finds by id alone.

    All raise StorageUnavailable and Overloaded.
    """

    def __init__(self, driver: Driver) -> None:
        """Compiles the statements, once."""
        self._driver = driver
        self._appending = Appending(driver)
        self._insert: Statement = driver.compile(_insert())
        self._select: Statement = driver.compile(_select())
        self._update: Statement = driver.compile(_update())
        self._delete: Statement = driver.compile(_delete())
        self._delete_answers: Statement = driver.compile(delete_answers_about())
        self._delete_item: Statement = driver.compile(_delete_item())
        self._claim: Statement = driver.compile(_claim())
        self._renew: Statement = driver.compile(_renew())
        self._release: Statement = driver.compile(_release())
        self._select_item: Statement = driver.compile(_select_item())
        self._select_history: Statement = driver.compile(_select_history())
        self._select_page: dict[str, Statement] = {
            "asc": driver.compile(_select_page(items.c.position > bindparam("behind"), items.c.position)),
            "desc": driver.compile(
                _select_page(items.c.position < bindparam("behind"), items.c.position.desc())
            ),
        }

    async def create(self, record: ConversationRecord, first: Sequence[JSON]) -> None:
        """A new conversation with these items, each with an id. ConstraintViolated if the id is taken."""
        lock = ConversationLock(record.project_id, record.id, record.id, 0)
        row: Parameters = {
            **_held(lock),
            "at": record.created_at,
            "its_metadata": json.encode(record.metadata),
        }
        appended = self._appending.steps(lock, first, record.created_at)
        await self._driver.write(Step(self._insert, [row]), *appended)

    async def get(self, project_id: str, id: str) -> ConversationRecord | None:
        rows = await self._driver.read(self._select, {"project_id": project_id, "id": id})
        if not rows:
            return None
        created_at, metadata = rows[0]
        return ConversationRecord(
            id=id, project_id=project_id, created_at=created_at, metadata=decoded(metadata)
        )

    async def update(self, project_id: str, id: str, metadata: JSON) -> bool:
        """Replace the metadata; False if there is no such conversation."""
        row: Parameters = {"in_project": project_id, "of_id": id, "its_metadata": json.encode(metadata)}
        return bool(await self._driver.write(Step(self._update, [row])))

    async def delete(self, project_id: str, id: str) -> bool:
        """Delete the conversation and its items for good; False if there is none.

        Responses that were made in it stay, with what was asked and said in them.
        """
        row: Parameters = {"project_id": project_id, "id": id}
        return bool(await self._driver.erase(Step(self._delete_answers, [row]), Step(self._delete, [row])))

    # Items

    async def add(self, lock: ConversationLock, added: Sequence[JSON], created_at: int) -> bool:
        """Append items, under a lock of a moment; its position is not looked at.

        False if there is no such conversation. Raises ConversationLocked.
        """
        claim = Step(self._claim, [{**_held(lock), "lease": 0}])
        try:
            done = await self._driver.write(claim, *self._appending.steps(lock, added, created_at))
        except ConstraintViolated:
            done = []
        if not done and await self.get(lock.project_id, lock.conversation_id) is not None:
            raise ConversationLocked
        return bool(done)

    async def item(self, project_id: str, id: str, item_id: str) -> JSON | None:
        """The item, if it is in this conversation."""
        rows = await self._driver.read(
            self._select_item, {"project_id": project_id, "id": id, "item_id": item_id}
        )
        return decoded(rows[0][1]) if rows else None

    async def delete_item(self, project_id: str, id: str, item_id: str) -> bool:
        """Delete an item for good; False if it is not in this conversation."""
        row: Parameters = {"project_id": project_id, "id": id}
        steps = (Step(self._delete_answers, [row]), Step(self._delete_item, [{**row, "item_id": item_id}]))
        return bool(await self._driver.erase(*steps))

    async def items(
        self,
        project_id: str,
        id: str,
        *,
        limit: int,
        order: Literal["asc", "desc"],
        after: str | None = None,
    ) -> Page | None:
        """`order` "asc" is oldest first; the page begins behind the item `after`, in that order.

        None if there is no such conversation. Raises InvalidRequest (`after`).
        """
        behind = -1 if order == "asc" else _BEHIND_ALL
        of: Parameters = {"project_id": project_id, "id": id}
        if after is not None:
            found = await self._driver.read(self._select_item, {**of, "item_id": after})
            if not found:
                await self._check_is_missing(project_id, id)
                return None
            behind = found[0][0]
        rows = await self._driver.read(self._select_page[order], {**of, "behind": behind, "most": limit + 1})
        if not rows:
            return None
        bodies = [body for (body,) in rows if body is not None]
        return Page(data=[decoded(body) for body in bodies[:limit]], has_more=len(bodies) > limit)

    async def _check_is_missing(self, project_id: str, id: str) -> None:
        """Raises InvalidRequest if the conversation is there, and so it is only the item that is not."""
        if await self.get(project_id, id) is not None:
            raise InvalidRequest("No item with this id is in the list.", param="after")

    async def history(self, project_id: str, id: str) -> list[JSON] | None:
        """All items, oldest first; None if there is no such conversation."""
        rows = await self._driver.read(self._select_history, {"project_id": project_id, "id": id})
        return decoded_array(rows[0][0]) if rows else None

    # Who writes

    async def claim(self, project_id: str, id: str, token: str, *, seconds: float) -> ConversationLock | None:
        """The lock, for so many seconds; None if somebody else has it, or there is no such conversation."""
        lock = ConversationLock(project_id, id, token, 0)
        rows = await self._driver.write(Step(self._claim, [{**_held(lock), "lease": round(seconds * 1000)}]))
        return ConversationLock(project_id, id, token, rows[0][0]) if rows else None

    async def renew(self, lock: ConversationLock, *, seconds: float) -> bool:
        """So many seconds more from now, in whichever process; False if it is lost.

        A lock that has run out, and that nobody else has taken since, is as good as before.
        """
        row: Parameters = {**_held(lock), "lease": round(seconds * 1000)}
        return bool(await self._driver.note(Step(self._renew, [row])))

    async def release(self, lock: ConversationLock) -> None:
        """Let go, with nothing appended; nothing happens if the lock is lost."""
        await self._driver.note(Step(self._release, [{**_held(lock), "added": 0}]))


def _held(lock: ConversationLock) -> dict[str, str]:
    return {"in_project": lock.project_id, "of_id": lock.conversation_id, "token": lock.token}


def _insert() -> ClauseElement:
    """It is written by its first token, for `Appending` to go on with."""
    return insert(conversations).values(
        project_id=bindparam("in_project"),
        id=bindparam("of_id"),
        created_at=bindparam("at"),
        metadata=bindparam("its_metadata"),
        next_position=0,
        writer=bindparam("token"),
        writer_until=database_now(),
    )


def _this() -> ColumnElement[bool]:
    return and_(conversations.c.project_id == bindparam("project_id"), conversations.c.id == bindparam("id"))


def _that() -> ColumnElement[bool]:
    """The same in a statement that sets columns, whose names its parameters cannot have."""
    return and_(
        conversations.c.project_id == bindparam("in_project"), conversations.c.id == bindparam("of_id")
    )


def _mine() -> ColumnElement[bool]:
    return and_(_that(), conversations.c.writer == bindparam("token"))


def _select() -> ClauseElement:
    return select(conversations.c.created_at, conversations.c.metadata).where(_this())


def _update() -> ClauseElement:
    changed = update(conversations).where(_that()).values(metadata=bindparam("its_metadata"))
    return changed.returning(conversations.c.id)


def _delete() -> ClauseElement:
    """Its items go with it: ON DELETE CASCADE."""
    return delete(conversations).where(_this()).returning(conversations.c.id)


def _claim() -> ClauseElement:
    free = conversations.c.writer.is_(None) | (conversations.c.writer_until <= database_now())
    return (
        update(conversations)
        .where(_that(), free)
        .values(writer=bindparam("token"), writer_until=_until())
        .returning(conversations.c.next_position)
    )


def _until() -> ColumnElement[int]:
    return database_now() + bindparam("lease", type_=Integer)


def _renew() -> ClauseElement:
    return update(conversations).where(_mine()).values(writer_until=_until()).returning(conversations.c.id)


def _hold() -> ClauseElement:
    """Changes nothing, but nobody else can, until the commit."""
    return update(conversations).where(_mine()).values(writer_until=conversations.c.writer_until)


def _release() -> ClauseElement:
    return (
        update(conversations)
        .where(_mine())
        .values(
            next_position=conversations.c.next_position + bindparam("added", type_=Integer),
            writer=null(),
            writer_until=null(),
        )
        .returning(conversations.c.id)
    )


def _insert_item() -> ClauseElement:
    place = select(conversations.c.next_position + bindparam("offset", type_=Integer)).where(_mine())
    values = {
        "project_id": bindparam("in_project"),
        "conversation_id": bindparam("of_id"),
        "position": place.scalar_subquery(),
        "item_id": bindparam("its_id"),
        "created_at": bindparam("at"),
        "body": bindparam("its_body"),
    }
    return insert(items).values(values).inline()  # else the position is given back


def _of_this() -> ColumnElement[bool]:
    return and_(items.c.project_id == bindparam("project_id"), items.c.conversation_id == bindparam("id"))


def _select_item() -> ClauseElement:
    return select(items.c.position, items.c.body).where(_of_this(), items.c.item_id == bindparam("item_id"))


def _delete_item() -> ClauseElement:
    return delete(items).where(_of_this(), items.c.item_id == bindparam("item_id")).returning(items.c.item_id)


def _select_page(behind: ColumnElement[bool], order: ColumnElement[int]) -> ClauseElement:
    """One row with null for a conversation that has none of the items; no row for one that is not there."""
    return (
        select(items.c.body)
        .select_from(conversations.outerjoin(items, and_(_of_this(), behind)))
        .where(_this())
        .order_by(order)
        .limit(bindparam("most", type_=Integer))
        .offset(0)  # else SQLite's dialect adds one as a parameter
    )


def _select_history() -> ClauseElement:
    """One row for a conversation, also for an empty one."""
    whole = select(joined(items.c.body, items.c.position)).where(_of_this()).scalar_subquery()
    return select(whole).select_from(conversations).where(_this())
