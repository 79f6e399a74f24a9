"""Prompts: templates of requests in versions. A version is written once and never changed.

Versions count from 1; the latest is the highest. Deleting a prompt deletes them all.
"""

from __future__ import annotations

from sqlalchemy import (
    BindParameter,
    ClauseElement,
    ColumnElement,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
)

from antiphon.core.records import PromptRecord
from antiphon.protocol import json
from antiphon.stores.bodies import decoded
from antiphon.stores.drivers.base import ConstraintViolated, Driver, Parameters, Row, Statement, Step
from antiphon.stores.schema import prompts


class Prompts:
    """The prompts of all projects. All methods raise StorageUnavailable and Overloaded."""

    def __init__(self, driver: Driver) -> None:
        """Compiles the statements, once."""
        self._driver = driver
        self._insert: Statement = driver.compile(insert(prompts))
        self._add: Statement = driver.compile(_add())
        self._select: Statement = driver.compile(_select())
        self._page: Statement = driver.compile(_select_page())
        self._delete: Statement = driver.compile(_delete())

    async def create(self, record: PromptRecord) -> None:
        """The first version; committed when this returns."""
        row = {**_row(record), "project_id": record.project_id, "id": record.id, "version": 1}
        await self._driver.write(Step(self._insert, [row]))

    async def add(self, record: PromptRecord) -> int | None:
        """Another version, whatever number the record has; its number, or None if there is no such prompt."""
        row = {**_row(record), "project": record.project_id, "its_id": record.id}
        while True:
            try:
                rows = await self._driver.write(Step(self._add, [row]))
            except ConstraintViolated:
                continue  # somebody else added one at the same moment
            return int(rows[0][0]) if rows else None

    async def get(self, project_id: str, id: str, version: int | None = None) -> PromptRecord | None:
        """This version, or the latest."""
        row: Parameters = {"project": project_id, "its_id": id, "wanted": 0 if version is None else version}
        rows = await self._driver.read(self._select, row)
        return _record(project_id, rows[0]) if rows else None

    async def list(self, project_id: str, *, after: str, limit: int) -> list[PromptRecord]:
        """The latest versions of prompts whose ids follow `after`, in their order."""
        row: Parameters = {"project": project_id, "behind": after, "most": limit}
        rows = await self._driver.read(self._page, row)
        return [_record(project_id, each) for each in rows]

    async def delete(self, project_id: str, id: str) -> bool:
        """With all its versions; False if there is none."""
        return bool(await self._driver.erase(Step(self._delete, [{"project": project_id, "its_id": id}])))


def _row(record: PromptRecord) -> dict[str, str | int | bytes | None]:
    return {"name": record.name, "created_at": record.created_at, "body": json.encode(record.template)}


def _record(project_id: str, row: Row) -> PromptRecord:
    id, version, name, created_at, body = row
    return PromptRecord(
        project_id=project_id,
        id=id,
        version=version,
        name=name,
        created_at=created_at,
        template=decoded(body),
    )


_SHOWN = (prompts.c.id, prompts.c.version, prompts.c.name, prompts.c.created_at, prompts.c.body)


def _is_it() -> ColumnElement[bool]:
    return and_(prompts.c.project_id == bindparam("project"), prompts.c.id == bindparam("its_id"))


def _add() -> ClauseElement:
    """Nothing is added where there is no version to follow."""
    names = ("project_id", "id", "version", "name", "created_at", "body")
    given = (cast(bindparam(name), prompts.c[name].type) for name in names[3:])
    highest = func.max(prompts.c.version)
    following = (
        select(prompts.c.project_id, prompts.c.id, highest + literal(1), *given)
        .where(_is_it())
        .group_by(prompts.c.project_id, prompts.c.id)
    )
    return insert(prompts).from_select(names, following).returning(prompts.c.version)


def _select() -> ClauseElement:
    wanted: BindParameter[int] = bindparam("wanted")
    return (
        select(*_SHOWN)
        .where(_is_it(), or_(wanted == 0, prompts.c.version == wanted))
        .order_by(prompts.c.version.desc())
        .limit(1)
        .offset(0)
    )


def _select_page() -> ClauseElement:
    later = prompts.alias("later")
    highest = (
        select(func.max(later.c.version))
        .where(later.c.project_id == prompts.c.project_id, later.c.id == prompts.c.id)
        .scalar_subquery()
    )
    return (
        select(*_SHOWN)
        .where(
            prompts.c.project_id == bindparam("project"),
            prompts.c.id > bindparam("behind"),
            prompts.c.version == highest,
        )
        .order_by(prompts.c.id)
        .limit(bindparam("most"))
        .offset(0)
    )


def _delete() -> ClauseElement:
    return delete(prompts).where(_is_it()).returning(prompts.c.id)
