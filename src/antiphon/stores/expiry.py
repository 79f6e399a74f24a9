"""Expiry: responses that are old enough to be forgotten. A few at a time, so that nobody waits for it."""

from __future__ import annotations

from sqlalchemy import ClauseElement, bindparam, delete, or_, select

from antiphon.stores.clock import database_now
from antiphon.stores.drivers.base import Driver, Parameters, Statement, Step
from antiphon.stores.schema import projects, responses


class Expiry:
    """Of the responses of all projects. All methods raise StorageUnavailable and Overloaded."""

    def __init__(self, driver: Driver) -> None:
        """Compiles the statements, once."""
        self._driver = driver
        self._select_projects: Statement = driver.compile(select(projects.c.id))
        self._delete: Statement = driver.compile(_delete())

    async def projects(self) -> list[str]:
        """The ids of all projects."""
        return [id for (id,) in await self._driver.read(self._select_projects, {})]

    async def delete(self, project_id: str, *, after: float, most: int) -> int:
        """Delete up to `most` of the project's responses that are `after` seconds old; how many.

        What is still to be made in the background is left.
        """
        row: Parameters = {"in_project": project_id, "age": round(after), "most": most}
        return len(await self._driver.erase(Step(self._delete, [row])))


def _delete() -> ClauseElement:
    """With all that belongs to them: ON DELETE CASCADE."""
    old = responses.alias("old")
    chosen = (
        select(old.c.id)
        .where(
            old.c.project_id == bindparam("in_project"),
            old.c.created_at < database_now() / 1000 - bindparam("age"),
            or_(old.c.status.is_(None), old.c.status != "queued"),
        )
        .order_by(old.c.created_at)
        .limit(bindparam("most"))
        .offset(0)
    )
    return (
        delete(responses)
        .where(responses.c.project_id == bindparam("in_project"), responses.c.id.in_(chosen))
        .returning(responses.c.id)
    )
