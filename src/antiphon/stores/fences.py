"""Fences: what makes a write conditional on who holds a job, within the statement (see stores/jobs.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, cast, exists

from antiphon.core.records import Job
from antiphon.stores.drivers.base import Parameters
from antiphon.stores.schema import jobs


def mark(job: Job) -> Parameters:
    """The parameters of `held`."""
    return {"project_id": job.project_id, "response_id": job.response_id, "fence": job.fence}


def given(table: Table, names: Sequence[str]) -> list[ColumnElement[Any]]:
    """A row of parameters, named as the columns and of their types."""
    return [cast(bindparam(name), table.c[name].type) for name in names]


def held() -> ColumnElement[bool]:
    """The job has not ended, and nobody has taken it since."""
    return and_(
        jobs.c.project_id == bindparam("project_id"),
        jobs.c.response_id == bindparam("response_id"),
        jobs.c.fence == bindparam("fence"),
        jobs.c.due_at.is_not(None),
    )


def is_held() -> ColumnElement[bool]:
    return exists().where(held())
