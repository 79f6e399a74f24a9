"""Responses: what was answered, and from which items.

A response continues another through `previous_response_id`; the chain from a response to its oldest
ancestor is walked inside the database, by one recursive statement, whatever its length:

    chain(id, previous, depth)      depth 0 is the response itself, then its parent, …
    whole                           the oldest row of the chain has no previous: nobody is missing

A chain with a missing link (unknown, deleted, another project's) has no history at all: an answer that
silently forgot half of a conversation would be worse than none. The history is put together into one
JSON text inside the database, because each row that crosses into Python costs a turn at the
interpreter's lock, and a history may have thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import (
    CTE,
    ClauseElement,
    ColumnElement,
    LargeBinary,
    ScalarSelect,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
)

from antiphon.core.records import Page, ResponseRecord
from antiphon.protocol import json
from antiphon.protocol.errors import InvalidRequest, StorageUnavailable
from antiphon.protocol.json import JSON
from antiphon.stores.drivers.base import Driver, Parameters, Row, Statement, Step
from antiphon.stores.ledger import entry
from antiphon.stores.schema import attempts, items, responses

LONGEST_CHAIN = 100_000  # a bound for the recursion; a longer chain counts as broken


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
        self._select_response: Statement = driver.compile(_select_response())
        self._select_history: Statement = driver.compile(_select_history())
        self._select_listing: Statement = driver.compile(_select_listing())
        self._select_body: Statement = driver.compile(_select_body())
        self._select_by_item_id: Statement = driver.compile(_select_by_item_id())

    async def ready(self) -> None:
        """Raises StorageUnavailable when a save would fail now."""
        await self._driver.ready()

    async def save(self, record: ResponseRecord) -> None:
        """Store a new response, and enter what it cost; committed when this returns.

        ConstraintViolated if the id is taken.
        """
        response: Parameters = {
            "project_id": record.project_id,
            "id": record.id,
            "previous_response_id": record.previous_response_id,
            "status": record.body.get("status"),
            "model": record.body.get("model"),
            "created_at": record.created_at,
            "body": json.encode(record.body),
        }
        steps = [Step(self._insert_response, [response]), Step(self._insert_item, _item_rows(record))]
        if record.attempts:
            steps.append(Step(self._insert_attempt, [entry(attempt) for attempt in record.attempts]))
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
            body=_decode(body),
            input=_decode_joined(asked),
            output=_decode_joined(said),
        )

    async def delete(self, project_id: str, id: str) -> bool:
        """Delete the response and its items for good; False if there is none."""
        return bool(await self._driver.erase(Step(self._delete, [{"project_id": project_id, "id": id}])))

    async def history(self, project_id: str, id: str) -> list[JSON] | None:
        """All items of the response and its ancestors, oldest first; None if any of them is not there."""
        rows = await self._driver.read(self._select_history, {"project_id": project_id, "id": id})
        whole, joined = rows[0]
        if not whole:
            return None
        return _decode_joined(joined)

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
        listed = [row[1:] for row in listing if row[2] is not None]
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
        return Page(data=[_decode(body) for (body,) in rows], has_more=len(listed) > start + limit)

    async def items(self, project_id: str, ids: Sequence[str]) -> dict[str, JSON]:
        """The items of these ids, of any response of the project; of several with one id, the latest."""
        rows = await self._driver.read(
            self._select_by_item_id, *({"project_id": project_id, "id": id} for id in dict.fromkeys(ids))
        )
        return {item_id: _decode(body) for item_id, body in rows}


def _item_rows(record: ResponseRecord) -> list[Parameters]:
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


def _decode(body: bytes) -> Any:
    try:
        return json.decode(body)
    except json.MalformedJSON:
        raise StorageUnavailable("What is stored here cannot be read.", code="storage_corrupt") from None


def _decode_joined(bodies: bytes | None) -> list[JSON]:
    decoded: list[JSON] = _decode(b"[%b]" % (bodies or b""))
    return decoded


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
    return select(_joined(items.c.position)).where(_of_response(), items.c.kind == kind).scalar_subquery()


def _joined(*order: ColumnElement[int]) -> ColumnElement[bytes]:
    """The bodies with commas between them: a JSON array but for its brackets."""
    return cast(func.aggregate_strings(items.c.body, ",").aggregate_order_by(*order), LargeBinary)


def _chain() -> CTE:
    """The response and its ancestors, all of the project."""
    first = (
        select(
            responses.c.id,
            responses.c.previous_response_id.label("previous"),
            literal(0).label("depth"),
        )
        .where(responses.c.project_id == bindparam("project_id"), responses.c.id == bindparam("id"))
        .cte("chain", recursive=True)
    )
    parent = responses.alias("parent")
    return first.union_all(
        select(parent.c.id, parent.c.previous_response_id, first.c.depth + 1).where(
            parent.c.project_id == bindparam("project_id"),
            parent.c.id == first.c.previous,
            first.c.depth < LONGEST_CHAIN,
        )
    )


def _select_history() -> ClauseElement:
    """One row: whether the chain reaches a response without a previous one, and all items, joined."""
    chain = _chain()
    of_chain = and_(items.c.project_id == bindparam("project_id"), items.c.response_id == chain.c.id)
    joined = _joined(chain.c.depth.desc(), items.c.position)
    whole = func.max(case((chain.c.previous.is_(None), 1), else_=0))
    return select(whole, joined).select_from(chain.outerjoin(items, of_chain))


def _select_listing() -> ClauseElement:
    """Which items the response was made from, without their bodies; oldest first."""
    chain = _chain()
    of_chain = and_(
        items.c.project_id == bindparam("project_id"),
        items.c.response_id == chain.c.id,
        (chain.c.depth > 0) | (items.c.kind == "input"),
    )
    return (
        select(chain.c.previous, items.c.response_id, items.c.position, items.c.item_id)
        .select_from(chain.outerjoin(items, of_chain))
        .order_by(chain.c.depth.desc(), items.c.position)
    )


def _select_body() -> ClauseElement:
    return select(items.c.body).where(_of_response(), items.c.position == bindparam("position"))


def _select_by_item_id() -> ClauseElement:
    """The latest item of the id."""
    return (
        select(items.c.item_id, items.c.body)
        .join(
            responses,
            and_(responses.c.project_id == items.c.project_id, responses.c.id == items.c.response_id),
        )
        .where(items.c.project_id == bindparam("project_id"), items.c.item_id == bindparam("id"))
        .order_by(responses.c.created_at.desc(), items.c.position.desc())
        .limit(1)
        .offset(0)  # else SQLite's dialect adds one as a parameter
    )
