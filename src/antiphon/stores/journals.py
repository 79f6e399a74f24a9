"""Journals: the events of responses that are made in the background, batch by batch, for all who read.

Who makes a response adds to its journal, under its fence (`stores/jobs.py`). Sequence numbers leave no gaps:
what is read behind a number is all there is behind it.
"""

from __future__ import annotations

from sqlalchemy import ClauseElement, Insert, bindparam, insert, select

from antiphon.core.records import Batch, Job
from antiphon.stores.drivers.base import ConstraintViolated, Driver, Parameters, Statement, Step
from antiphon.stores.fences import given, held, mark
from antiphon.stores.schema import jobs, journals


class Journals:
    """The journals of all projects. All methods raise StorageUnavailable and Overloaded."""

    def __init__(self, driver: Driver) -> None:
        """Compiles the statements, once."""
        self._driver = driver
        self._append: Statement = driver.compile(insert_batch().returning(journals.c.first))
        self._select_behind: Statement = driver.compile(_select_behind())

    async def append(self, job: Job, batch: Batch) -> bool:
        """Add to the job's journal; False, and nothing is added, if it is not held any more.

        Who does not know whether that happened may do it again.
        """
        row: Parameters = {**mark(job), **batch_row(batch)}
        try:
            return bool(await self._driver.write(Step(self._append, [row])))
        except ConstraintViolated:  # it is there already, and by this holder
            return True

    async def read(self, project_id: str, response_id: str, *, after: int, most: int = 200) -> list[Batch]:
        """Up to `most` batches with events behind sequence number `after`, in order.

        The first of them may begin before that number.
        """
        rows = await self._driver.read(
            self._select_behind,
            {"project_id": project_id, "response_id": response_id, "after": after, "most": most},
        )
        return [Batch(*row) for row in rows]


def batch_row(batch: Batch) -> Parameters:
    """Its columns but for whose it is."""
    return {"first": batch.first, "last": batch.last, "events": batch.events}


def insert_batch() -> Insert:
    """The job's row is locked, so that nobody takes it between the look at its fence and the commit."""
    names = journals.c.keys()
    of_holder = select(*given(journals, names)).select_from(jobs).where(held()).with_for_update()
    return insert(journals).from_select(names, of_holder)


def _select_behind() -> ClauseElement:
    of_response = (
        journals.c.project_id == bindparam("project_id"),
        journals.c.response_id == bindparam("response_id"),
    )
    return (
        select(journals.c.first, journals.c.last, journals.c.events)
        .where(*of_response, journals.c.last > bindparam("after"))
        .order_by(journals.c.first)
        .limit(bindparam("most"))
        .offset(0)
    )
