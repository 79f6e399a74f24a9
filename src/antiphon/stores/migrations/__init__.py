"""The way from any earlier schema to the present one.

The revisions are alembic's (`versions/`), but alembic never opens the database. It renders the steps
from the revision found to the newest as a text of SQL (its "offline mode"), and the driver runs that
text on its own connection, in one transaction together with the new `alembic_version` row. Two reasons:
SQLAlchemy has no dialect that runs on apsw, and a second SQLite library on the same file (Python's own
`sqlite3`) would break the locks of the first: https://www.sqlite.org/howtocorrupt.html §2.2.1. The price
is that a migration is SQL only; it cannot look at rows in Python.

Importing alembic takes longer than the rest of a start, so it is only imported when there is a database
to migrate: one at HEAD needs nothing, a new one is made from the tables themselves (`fresh`).

A new migration: a module in `versions/` with the next revision, and HEAD here (a test compares it with
alembic's own idea of the newest).
"""

from __future__ import annotations

HEAD = "0007"


class UnknownSchema(Exception):
    """The database is at a revision that this version has never heard of: a newer version made it."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database has schema revision {revision!r}, which a newer version made; "
            f"this version knows revisions up to {HEAD!r}"
        )


def render(dialect: str, current: str | None) -> str:
    """The SQL from revision `current` (None: an empty database) to HEAD, for SQLAlchemy's `dialect`.

    It leaves BEGIN and COMMIT to the driver. Raises UnknownSchema.
    """
    if current is None:
        from antiphon.stores.migrations import fresh

        return fresh.render(dialect)
    from antiphon.stores.migrations import rendering  # imports alembic: see above

    return rendering.render(dialect, current)
