"""The database's own clock, in statements: the one clock that all processes of an installation share.

`database_now()` is the time at which the statement began, in whole milliseconds since 1970. It stands still
while the statement runs, so every row of it sees the same time, and an index can be searched with it. In a
transaction of several statements it goes on from one to the next.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class database_now(FunctionElement[int]):
    """Milliseconds since 1970 where the database is: `leases.c.until < database_now()`."""

    type = BigInteger()
    name = "database_now"
    inherit_cache = True


@compiles(database_now, "sqlite")
def _in_sqlite(element: database_now, compiler: Any, **_: Any) -> str:
    """https://www.sqlite.org/lang_datefunc.html: "now" is the same throughout one step of a statement."""
    return "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)"


@compiles(database_now, "postgresql")
def _in_postgresql(element: database_now, compiler: Any, **_: Any) -> str:
    """https://www.postgresql.org/docs/current/functions-datetime.html; `now()` would be the transaction's."""
    return "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)"
