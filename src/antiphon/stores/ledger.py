"""The ledger: one row for every call to a provider, kept whatever becomes of its response.

Rows are only ever added. Sums are of nano-US-dollars, whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import BigInteger, ClauseElement, ColumnElement, bindparam, cast, func, insert, select

from antiphon.core.records import Attempt, Charge, Target
from antiphon.stores.drivers.base import Driver, Parameters, Row, Statement, Step
from antiphon.stores.schema import attempts


class Total(Struct, frozen=True):
    """What the calls of a project came to. `unpriced` of them have no cost, because no price is known."""

    attempts: int
    cost: int
    unpriced: int
    input_tokens: int
    output_tokens: int


class Ledger:
    """The calls of all projects. All methods raise StorageUnavailable and Overloaded."""

    def __init__(self, driver: Driver) -> None:
        """Compiles the statements, once."""
        self._driver = driver
        self._insert: Statement = driver.compile(insert(attempts))
        self._of_response: Statement = driver.compile(_select_of_response())
        self._total: Statement = driver.compile(_select_total())
        self._by_model: Statement = driver.compile(_select_by_model())

    async def add(self, made: Sequence[Attempt]) -> None:
        """Committed when this returns. ConstraintViolated if one of them is there already."""
        await self._driver.note(Step(self._insert, [entry(attempt) for attempt in made]))

    async def of_response(self, project_id: str, response_id: str) -> list[Attempt]:
        """In the order they were made. What of a cost was for input, output and tools is not kept."""
        rows = await self._driver.read(self._of_response, {"project_id": project_id, "id": response_id})
        return [_attempt(project_id, response_id, row) for row in rows]

    async def total(self, project_id: str, *, since: float = 0.0) -> Total:
        """Of all that began at or after `since`, in seconds since 1970."""
        rows = await self._driver.read(self._total, {"project_id": project_id, "since": round(since * 1000)})
        return Total(*rows[0])

    async def by_model(self, project_id: str, *, since: float = 0.0) -> list[tuple[Target, Total]]:
        """The same for each target that was called, the dearest first."""
        rows = await self._driver.read(
            self._by_model, {"project_id": project_id, "since": round(since * 1000)}
        )
        return [(Target(provider, model), Total(*sums)) for provider, model, *sums in rows]


def entry(attempt: Attempt) -> Parameters:
    """Its row."""
    charge = attempt.charge
    return {
        "project_id": attempt.project_id,
        "response_id": attempt.response_id,
        "number": attempt.number,
        "key_id": attempt.key_id,
        "provider": attempt.target.provider,
        "model": attempt.target.model,
        "began_at": round(attempt.began_at * 1000),
        "milliseconds": round(attempt.seconds * 1000),
        "first_event": None if attempt.first_event is None else round(attempt.first_event * 1000),
        "outcome": attempt.outcome,
        "code": attempt.code,
        "status": attempt.status,
        "service_tier": attempt.service_tier,
        "input_tokens": attempt.input_tokens,
        "output_tokens": attempt.output_tokens,
        "cached_tokens": attempt.cached_tokens,
        "cache_write_tokens": attempt.cache_write_tokens,
        "reasoning_tokens": attempt.reasoning_tokens,
        "cost": charge.total if charge else None,
        "cost_source": charge.source if charge else None,
    }


def _attempt(project_id: str, response_id: str, row: Row) -> Attempt:
    (number, key_id, provider, model, began_at, milliseconds, first_event, *rest, cost, source) = row
    outcome, code, status, service_tier, tokens_in, tokens_out, cached, written, reasoning = rest
    return Attempt(
        project_id=project_id,
        key_id=key_id,
        response_id=response_id,
        number=number,
        target=Target(provider, model),
        began_at=began_at / 1000,
        seconds=milliseconds / 1000,
        first_event=None if first_event is None else first_event / 1000,
        outcome=outcome,
        code=code,
        status=status,
        service_tier=service_tier,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        charge=None if cost is None else Charge(cost, source),
    )


def _select_of_response() -> ClauseElement:
    columns = [column for column in attempts.c if column.name not in ("project_id", "response_id")]
    return (
        select(*columns)
        .where(attempts.c.project_id == bindparam("project_id"), attempts.c.response_id == bindparam("id"))
        .order_by(attempts.c.number, attempts.c.began_at)
    )


def _added(column: str) -> ColumnElement[int]:
    """PostgreSQL's sums of whole numbers are of its type for decimal ones, but for the cast."""
    return cast(func.coalesce(func.sum(attempts.c[column]), 0), BigInteger)


_SUMS = (
    func.count(),
    _added("cost"),
    func.count() - func.count(attempts.c.cost),
    _added("input_tokens"),
    _added("output_tokens"),
)
_WANTED = (attempts.c.project_id == bindparam("project_id"), attempts.c.began_at >= bindparam("since"))


def _select_total() -> ClauseElement:
    return select(*_SUMS).where(*_WANTED)


def _select_by_model() -> ClauseElement:
    target = (attempts.c.provider, attempts.c.model)
    return select(*target, *_SUMS).where(*_WANTED).group_by(*target).order_by(_added("cost").desc(), *target)
