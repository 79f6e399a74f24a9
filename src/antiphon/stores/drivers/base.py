"""Driver: the little a database must do for the stores.

Statements are written once, in SQLAlchemy Core, and compiled once per driver when a store is built; what
runs is the text and a dictionary of parameters. The conformance suite (`tests/conformance`) is the
definition of a driver that is done.

An acknowledged write is committed: when `write` returns, the rows survive the loss of the process and of
the power. `write` is atomic; writes of different callers may share a commit, never a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

from msgspec import Struct
from sqlalchemy import BindParameter, ClauseElement, Insert, insert, literal_column
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import ExternallyTraversible

from antiphon.observe.metrics import Histogram
from antiphon.protocol.errors import StorageUnavailable

RETRY_AFTER = 5.0  # seconds

Value: TypeAlias = str | int | float | bytes | None
Parameters: TypeAlias = Mapping[str, Value]
Row: TypeAlias = tuple[Any, ...]


class ConstraintViolated(Exception):
    """A row is there twice, or refers to one that is not there. A mistake of ours, not of the client."""


class Statement(Struct, frozen=True):
    """A compiled statement: its text and the names of its parameters, in the order of the text."""

    sql: str
    names: tuple[str, ...]
    only_adds: bool = False
    """Whether it inserts the rows it is given and does nothing else: sees no others, returns nothing."""


class Step(NamedTuple):
    """A statement to run once for each row of parameters."""

    statement: Statement
    rows: Sequence[Parameters]


class Queue(NamedTuple):
    """A queue of a driver: jobs that wait, and may wait; how many were done together."""

    name: str
    waiting: int
    limit: int
    groups: Histogram


class Driver(Protocol):
    """A database. All methods raise StorageUnavailable when it cannot serve, Overloaded at their bounds."""

    @property
    def queues(self) -> Sequence[Queue]: ...

    def compile(self, statement: ClauseElement) -> Statement:
        """The statement in this database's language."""
        ...

    async def read(self, statement: Statement, *rows: Parameters) -> list[Row]:
        """Run the statement for each row of parameters; all results, one after the other."""
        ...

    async def write(self, *steps: Step) -> list[Row]:
        """Run the steps in one transaction and commit. What the last step returned (`RETURNING`).

        Raises ConstraintViolated, and then nothing of it happened. After StorageUnavailable it is not
        known whether it happened.
        """
        ...

    async def note(self, *steps: Step) -> list[Row]:
        """As `write`, for a little that nobody waits for: that it succeeds proves nothing to `ready`."""
        ...

    async def erase(self, *steps: Step) -> list[Row]:
        """As `write`; and what the steps delete leaves the database's files too, within seconds."""
        ...

    async def ready(self) -> None:
        """Raise StorageUnavailable unless a write would succeed now, as far as that can be known."""
        ...

    async def close(self) -> None:
        """Finish what is waiting and let go of the database."""
        ...


def unavailable(cause: BaseException) -> StorageUnavailable:
    """What clients are told; the cause, which may name files and hosts, is for logs alone."""
    told = StorageUnavailable("The storage is not available at the moment.", retry_after=RETRY_AFTER)
    told.__cause__ = cause
    return told


def own(told: Exception) -> Exception:
    """One exception a caller: each collects its own traceback."""
    return unavailable(told.__cause__ or told) if isinstance(told, StorageUnavailable) else told


def compile_with(dialect: Dialect, statement: ClauseElement) -> Statement:
    """Compile once. Constants become part of the text; only named parameters are left to give."""
    inlined = cast(ClauseElement, visitors.replacement_traverse(statement, {}, _inline))
    compiled = cast(SQLCompiler, inlined.compile(dialect=dialect))
    names = tuple(compiled.positiontup or compiled.params)
    return Statement(str(compiled), names, _only_adds(statement, dialect, str(compiled)))


def _only_adds(statement: ClauseElement, dialect: Dialect, sql: str) -> bool:
    return isinstance(statement, Insert) and sql == str(insert(statement.table).compile(dialect=dialect))


def _inline(element: ExternallyTraversible, **_: Any) -> ExternallyTraversible | None:
    if not isinstance(element, BindParameter) or element.required:
        return None
    value = element.value
    text = str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
    return literal_column(text, element.type)
