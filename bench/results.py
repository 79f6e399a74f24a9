"""Everything a run found, and the medians that the tables and the targets are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.bodies import Workload
from bench.dialects import DialectCost
from bench.growth import Length
from bench.loads import Times
from bench.measure import Cell
from bench.routing import Route, RoutingCost


@dataclass(frozen=True)
class Footprint:
    """What a contender takes apart from time: start-up in seconds, resident memory in bytes."""

    startup_seconds: float
    resident_idle: int
    resident_loaded: int


@dataclass
class Results:
    """Filled while the run goes on."""

    machine: dict[str, str]
    plan: str
    contenders: dict[str, str] = field(default_factory=dict)  # name: what it is
    skipped: dict[str, str] = field(default_factory=dict)  # name: why
    cells: list[Cell] = field(default_factory=list)
    footprints: dict[str, Footprint] = field(default_factory=dict)
    lengths: list[Length] = field(default_factory=list)
    dialects: list[DialectCost] = field(default_factory=list)
    routing: list[RoutingCost] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)

    def median(self, contender: str, workload: Workload, connections: int) -> Median:
        """UNMEASURED when there is no such cell in any round."""
        rounds = [
            cell
            for cell in self.cells
            if (cell.contender, cell.workload, cell.connections) == (contender, workload, connections)
        ]
        return Median.of(rounds) if rounds else UNMEASURED


@dataclass(frozen=True)
class Median:
    """The median over rounds of each figure, with the lowest and highest rate. Times in µs."""

    rate: float | None = None
    lowest: float | None = None
    highest: float | None = None
    p50: float | None = None
    p99: float | None = None
    first_event: float | None = None
    first_word: float | None = None
    cpu_us_a_response: float | None = None
    cpu_us_an_event: float | None = None
    events_a_response: int | None = None
    subject_share: float | None = None
    instruments_share: float | None = None
    strangers_beside_subject: float | None = None
    strangers_beside_instruments: float | None = None
    held_back: bool = False
    noisy: bool = False
    errors: int = 0

    @classmethod
    def of(cls, rounds: list[Cell]) -> Median:
        """The rounds of one contender, workload and number of connections."""

        def p50(times: Callable[[Cell], Times | None]) -> float | None:
            return _median(found.p50 if (found := times(cell)) else None for cell in rounds)

        rates = [cell.rate for cell in rounds]
        return cls(
            rate=median(rates),
            lowest=min(rates),
            highest=max(rates),
            p50=p50(lambda cell: cell.load.latency),
            p99=_median(cell.load.latency.p99 if cell.load.latency else None for cell in rounds),
            first_event=p50(lambda cell: cell.load.first_event),
            first_word=p50(lambda cell: cell.load.mark),
            cpu_us_a_response=_median(cell.cpu_us_a_response for cell in rounds),
            cpu_us_an_event=_median(cell.cpu_us_an_event for cell in rounds),
            events_a_response=max(cell.load.most_events for cell in rounds),
            subject_share=median(cell.subject_share for cell in rounds) or None,
            instruments_share=median(cell.instruments_share for cell in rounds),
            strangers_beside_subject=median(cell.strangers_beside_subject for cell in rounds),
            strangers_beside_instruments=median(cell.strangers_beside_instruments for cell in rounds),
            held_back=sum(cell.held_back for cell in rounds) * 2 > len(rounds),
            noisy=sum(cell.noisy for cell in rounds) * 2 > len(rounds),
            errors=sum(cell.load.errors for cell in rounds),
        )


UNMEASURED = Median()


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def ratio(one: float | None, other: float | None) -> float | None:
    """one / other, where both are known."""
    return one / other if one is not None and other else None


def difference(one: float | None, other: float | None) -> float | None:
    """one - other, where both are known."""
    return one - other if one is not None and other is not None else None


def plain(results: Results) -> list[dict[str, Any]]:
    """The medians as rows for the JSON file."""
    from_cells = {(cell.contender, cell.workload, cell.connections) for cell in results.cells}
    rows = []
    for contender, workload, connections in sorted(from_cells):
        found = results.median(contender, workload, connections)
        key = {"contender": contender, "workload": workload, "connections": connections}
        rows.append(key | {name: getattr(found, name) for name in Median.__dataclass_fields__})
    return rows
