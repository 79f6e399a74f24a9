"""Responses: what was answered, and from which items.

What a response continues is found by the statements of `chains`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    ScalarSelect,
    and_,
    bindparam,
    delete,
    insert,
    select,
    union_all,
)

from antiphon.core.records import ConversationLock, Page, ResponseRecord
from antiphon.protocol import json
from antiphon.protocol.errors import ConversationLocked, InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.stores.answers import delete_answers_about
from antiphon.stores.bodies import decoded, decoded_array, joined
from antiphon.stores.chains import select_history, select_listing
from antiphon.stores.conversations import Appending
from antiphon.stores.drivers.base import ConstraintViolated, Driver, Parameters, Row, Statement, Step
from antiphon.stores.ledger import entry
from antiphon.stores.schema import attempts, conversation_items, conversations, items, responses


class Responses:
    """The stored responses of all projects. Every method names the project; none finds by id alone.

    All raise StorageUnavailable and Overloaded.
    """

    def __init__(self, driver: Driver) -> None:
        """Compiles the statements, once."""
        self._driver = driver
        self._insert_response: Statement = driver.compile(insert(responses))
        self._insert_item: Statement = driver.compile(insert(items))
        self._insert_attempt: Statement = driver.compile(insert(attempts))
        self._delete: Statement = driver.compile(_delete())
        self._delete_answers: Statement = driver.compile(delete_answers_about())
        self._select_response: Statement = driver.compile(_select_response())
        self._select_history: Statement = driver.compile(select_history())
        self._select_listing: Statement = driver.compile(select_listing())
        self._select_body: Statement = driver.compile(_select_body())
        self._select_by_item_id: Statement = driver.compile(_select_by_item_id())
        self._appending = Appending(driver)
        self._select_conversation: Statement = driver.compile(_select_conversation())

    async def ready(self) -> None:
        """Raises StorageUnavailable when a save would fail now."""
        await self._driver.ready()

    async def save(self, record: ResponseRecord) -> None:
        """Store a new response, and enter what it cost; committed when this returns.

        Where its conversation was deleted, it is stored without. ConstraintViolated if the id is taken.
        Raises ConversationLocked, and nothing is stored, if it appends with a lock that is lost.
        """
        response: Parameters = {
            "project_id": record.project_id,
            "id": record.id,
            "previous_response_id": record.previous_response_id,
            "status": record.body.get("status"),
            "model": record.body.get("model"),
            "created_at": record.created_at,
            "body": json.encode(record.body),
            "conversation_id": record.conversation.conversation_id if record.conversation else None,
            "conversation_position": record.conversation.position if record.conversation else None,
        }
        steps = [Step(self._insert_response, [response]), Step(self._insert_item, item_rows(record))]
        if record.attempts:
            steps.append(Step(self._insert_attempt, [entry(attempt) for attempt in record.attempts]))
        if record.conversation is not None and record.appends:
            await self._append(record.conversation, record, steps)
        else:
            await self._driver.write(*steps)

    async def _append(self, lock: ConversationLock, record: ResponseRecord, steps: list[Step]) -> None:
        said = [*record.input, *record.output]
        try:
            await self._driver.write(*steps, *self._appending.steps(lock, said, record.created_at))
        except ConstraintViolated:
            of: Parameters = {"project_id": lock.project_id, "id": lock.conversation_id}
            if await self._driver.read(self._select_conversation, of):
                raise ConversationLocked from None
            await self._driver.write(*steps)

    async def get(self, project_id: str, id: str) -> ResponseRecord | None:
        """The response with its own input and output."""
        found = await self._driver.read(self._select_response, {"project_id": project_id, "id": id})
        if not found:
            return None
        previous, created_at, body, asked, said = found[0]
        return ResponseRecord(
            id=id,
            project_id=project_id,
            previous_response_id=previous,
            created_at=created_at,
            body=decoded(body),
            input=decoded_array(asked),
            output=decoded_array(said),
        )

    async def delete(self, project_id: str, id: str) -> bool:
        """Delete the response and its items for good; False if there is none."""
        row: Parameters = {"project_id": project_id, "id": id}
        return bool(await self._driver.erase(Step(self._delete_answers, [row]), Step(self._delete, [row])))

    async def history(self, project_id: str, id: str) -> list[JSON] | None:
        """All items of the response and its ancestors, oldest first; None if any of them is not there."""
        rows = await self._driver.read(self._select_history, {"project_id": project_id, "id": id})
        whole, of_chain, of_conversation = rows[0]
        return decoded_array(of_conversation, of_chain) if whole else None

    async def input_items(
        self,
        project_id: str,
        id: str,
        *,
        limit: int,
        order: Literal["asc", "desc"],
        after: str | None = None,
    ) -> Page | None:
        """The items that the response was made from: its ancestors' and its own input.

        `order` "asc" is oldest first. `after` is the id of an item; the page begins behind its last
        occurrence in that order, so that paging ends even if an id occurs twice. Items of ancestors that
        were deleted are not there any more. None if the response is not there.
        Raises InvalidRequest (`after`).
        """
        listing = await self._driver.read(self._select_listing, {"project_id": project_id, "id": id})
        if not listing:
            return None
        listed = [row for row in listing if row[2] is not None]
        if order == "desc":
            listed.reverse()
        start = _behind(after, listed)
        wanted = listed[start : start + limit]
        rows = await self._driver.read(
            self._select_body,
            *({"project_id": project_id, "id": owner, "position": place} for owner, place, _ in wanted),
        )
        if len(rows) < len(wanted):  # deleted in between
            return None
        return Page(data=[decoded(body) for (body,) in rows], has_more=len(listed) > start + limit)

    async def items(self, project_id: str, ids: Sequence[str]) -> dict[str, JSON]:
        """The items of these ids, of any response of the project; of several with one id, the latest."""
        rows = await self._driver.read(
            self._select_by_item_id, *({"project_id": project_id, "id": id} for id in dict.fromkeys(ids))
        )
        return {item_id: decoded(body) for item_id, body in rows}


def item_rows(record: ResponseRecord) -> list[Parameters]:
    first_output = len(record.input)
    return [
        {
            "project_id": record.project_id,
            "response_id": record.id,
            "position": position,
            "kind": "input" if position < first_output else "output",
            "item_id": item["id"],
            "body": json.encode(item),
        }
        for position, item in enumerate([*record.input, *record.output])
    ]


def _behind(after: str | None, listed: list[Row]) -> int:
    """Where a page begins."""
    if after is None:
        return 0
    for place in range(len(listed), 0, -1):
        if listed[place - 1][2] == after:
            return place
    raise InvalidRequest("No item with this id is in the list.", param="after")


def _of_response() -> ColumnElement[bool]:
    return and_(items.c.project_id == bindparam("project_id"), items.c.response_id == bindparam("id"))


def _delete() -> ClauseElement:
    """Its items go with it: ON DELETE CASCADE."""
    return (
        delete(responses)
        .where(responses.c.project_id == bindparam("project_id"), responses.c.id == bindparam("id"))
        .returning(responses.c.id)
    )


def _select_response() -> ClauseElement:
    """One row, so that it is one moment's: the response, its input joined, its output joined."""
    return select(
        responses.c.previous_response_id,
        responses.c.created_at,
        responses.c.body,
        _items_of_kind("input"),
        _items_of_kind("output"),
    ).where(responses.c.project_id == bindparam("project_id"), responses.c.id == bindparam("id"))


def _items_of_kind(kind: str) -> ScalarSelect[bytes]:
    return (
        select(joined(items.c.body, items.c.position))
        .where(_of_response(), items.c.kind == kind)
        .scalar_subquery()
    )


def _select_body() -> ClauseElement:
    """Of an item, by the id of the response or the conversation that it is of, and its position there."""
    of_conversation = select(conversation_items.c.body).where(
        conversation_items.c.project_id == bindparam("project_id"),
        conversation_items.c.conversation_id == bindparam("id"),
        conversation_items.c.position == bindparam("position"),
    )
    of_response = select(items.c.body).where(_of_response(), items.c.position == bindparam("position"))
    return union_all(of_response, of_conversation)


def _select_by_item_id() -> ClauseElement:
    """The latest item of the id, in a response or a conversation."""
    in_response = (
        select(items.c.item_id, items.c.body, responses.c.created_at, items.c.position)
        .join(
            responses,
            and_(responses.c.project_id == items.c.project_id, responses.c.id == items.c.response_id),
        )
        .where(items.c.project_id == bindparam("project_id"), items.c.item_id == bindparam("id"))
    )
    in_conversation = select(
        conversation_items.c.item_id,
        conversation_items.c.body,
        conversation_items.c.created_at,
        conversation_items.c.position,
    ).where(
        conversation_items.c.project_id == bindparam("project_id"),
        conversation_items.c.item_id == bindparam("id"),
    )
    found = union_all(in_response, in_conversation).subquery("found")
    return (
        select(found.c.item_id, found.c.body)
        .order_by(found.c.created_at.desc(), found.c.position.desc())
        .limit(1)
        .offset(0)  # else SQLite's dialect adds one as a parameter
    )


def _select_conversation() -> ClauseElement:
    return select(conversations.c.id).where(
        conversations.c.project_id == bindparam("project_id"), conversations.c.id == bindparam("id")
    )
