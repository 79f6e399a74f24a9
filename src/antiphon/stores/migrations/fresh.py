"""The schema of a new database, as SQL, from the tables themselves.

A new database need not go the way of all migrations, and so the first start need not import alembic,
which costs 0.2 s and 13 MB for the life of the process. A test compares what both build.
"""

from __future__ import annotations

import time

from sqlalchemy import ClauseElement, Column, MetaData, PrimaryKeyConstraint, String, Table, insert
from sqlalchemy.engine import URL
from sqlalchemy.schema import CreateIndex, CreateTable

from antiphon.stores.migrations import HEAD
from antiphon.stores.schema import DEFAULT_PROJECT, metadata, projects

# Alembic's own table, as alembic makes it.
_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def render(dialect: str) -> str:
    """SQL for SQLAlchemy's `dialect`; BEGIN and COMMIT are the driver's."""
    steps: list[ClauseElement] = []
    for table in (*metadata.sorted_tables, _version):
        steps.append(CreateTable(table))
        steps.extend(CreateIndex(index) for index in table.indexes)
    default = {"id": DEFAULT_PROJECT, "name": DEFAULT_PROJECT, "created_at": int(time.time())}
    steps += [insert(projects).values(default), insert(_version).values(version_num=HEAD)]
    language = URL.create(dialect).get_dialect()()
    options = {"literal_binds": True}
    return ";\n".join(str(step.compile(dialect=language, compile_kwargs=options)) for step in steps) + ";"
