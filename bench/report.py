"""The tables: made once as rows of text, shown in the terminal or written as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from rich.console import Console
from rich.table import Table as RichTable

from bench import growth, routing
from bench.bodies import Workload
from bench.plan import PACED_CONNECTIONS
from bench.results import Median, Results, difference, ratio
from bench.targets import PEER, targets

FIGURES_BEGIN = "<!-- figures: written by `python -m bench --markdown docs/performance.md` -->"
FIGURES_END = "<!-- end of figures -->"
_BUSY_STRANGERS = "*"
_HELD_BACK = "‡"
_NOTES = (
    f"{_BUSY_STRANGERS} other programs used more than 5 % of a core meanwhile: see the CPU columns",
    f"{_HELD_BACK} upstream and load generator were the bottleneck: the program could do more",
)
_CONNECTIONS = (1, 32, 256)


@dataclass(frozen=True)
class Table:
    """A title, the names of the columns, the rows."""

    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)


def tables(results: Results) -> list[Table]:
    """All tables of a run that have rows."""
    made = [
        _requests(results),
        _streams(results),
        _paced(results),
        _footprints(results),
        _conversations(results),
        _dialects(results),
        _routing(results),
        _routes(results),
        _instruments(results),
        _targets(results),
    ]
    return [table for table in made if table.rows]


def show(results: Results, console: Console) -> None:
    """Print the tables."""
    for name, what in results.contenders.items():
        console.print(f"{name:9} {what}", highlight=False)
    for name, why in results.skipped.items():
        console.print(f"{name:9} skipped: {why}", style="yellow", highlight=False)
    for table in tables(results):
        shown = RichTable(title=table.title, title_justify="left", title_style="bold")
        for number, column in enumerate(table.columns):
            shown.add_column(column, justify="right" if number else "left")
        for row in table.rows:
            shown.add_row(*row)
        console.print()
        console.print(shown)
    for note in _notes(results):
        console.print(note, style="dim", highlight=False)


def markdown(results: Results) -> str:
    """The tables, and what they were measured on."""
    lines = [", ".join(results.machine.values()) + f"; {results.plan}.", ""]
    lines += [f"- {name}: {what}" for name, what in results.contenders.items()]
    lines += [f"- {name}: skipped, {why}" for name, why in results.skipped.items()]
    for table in tables(results):
        lines += ["", f"### {table.title}", ""]
        lines.append("| " + " | ".join(table.columns) + " |")
        lines.append("|" + " --- |" + " ---: |" * (len(table.columns) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    return "\n".join([*lines, "", *(f"{note}  " for note in _notes(results)), ""])


def written_into(page: str, figures: str) -> str:
    """The page with new figures between its two marks; without marks, the figures alone."""
    before, opened, rest = page.partition(FIGURES_BEGIN)
    _, closed, after = rest.partition(FIGURES_END)
    return f"{before}{opened}\n\n{figures}\n{closed}{after}" if opened and closed else figures


def _notes(results: Results) -> tuple[str, ...]:
    """What the marks mean, where there may be some."""
    return _NOTES if results.cells else ()


def _rows(results: Results, *workloads: Workload) -> Iterator[tuple[str, str, Workload]]:
    """(label, contender, workload): a contender with two workloads has two rows."""
    for name in results.contenders:
        for workload in workloads:
            if any(
                results.median(name, workload, count).rate for count in (*_CONNECTIONS, PACED_CONNECTIONS)
            ):
                label = f"{name}, {workload}" if workload == "stored" else name
                yield label, name, workload


def _requests(results: Results) -> Table:
    columns = ["requests of 2 KB, answers of 2 KB", "p50 µs", "p99 µs", "added p50", "added p99"]
    columns += [
        *(f"req/s, {count} conn." for count in _CONNECTIONS),
        "CPU µs a request",
        "of nginx",
        "× LiteLLM",
    ]
    table = Table("Requests", columns)
    direct = results.median("direct", "json", 1)
    for label, name, workload in _rows(results, "json", "stored"):
        one, many = (results.median(name, workload, count) for count in (1, 32))
        nginx, peer = (results.median(other, "json", 32) for other in ("nginx", PEER))
        table.rows.append(
            [
                label,
                _number(one.p50),
                _number(one.p99),
                _number(difference(one.p50, direct.p50)),
                _number(difference(one.p99, direct.p99)),
                *(_rate(results.median(name, workload, count)) for count in _CONNECTIONS),
                _number(many.cpu_us_a_response),
                _percent(ratio(many.rate, nginx.rate)),
                _times(ratio(many.rate, peer.rate)),
            ]
        )
    return table


def _streams(results: Results) -> Table:
    columns = ["streams of 200 chunks", "first event µs", "added", "first word µs", "added"]
    columns += [
        *(f"events/s, {count} conn." for count in _CONNECTIONS),
        "CPU µs an event",
        "of nginx",
        "× LiteLLM",
    ]
    table = Table("Streams", columns)
    direct = results.median("direct", "stream", 1)
    for label, name, workload in _rows(results, "stream"):
        one, many = (results.median(name, workload, count) for count in (1, 32))
        nginx, peer = (results.median(other, "stream", 32) for other in ("nginx", PEER))
        table.rows.append(
            [
                label,
                _number(one.first_event),
                _number(difference(one.first_event, direct.first_event)),
                _number(one.first_word),
                _number(difference(one.first_word, direct.first_word)),
                *(_rate(results.median(name, workload, count)) for count in _CONNECTIONS),
                _number(many.cpu_us_an_event),
                _percent(ratio(many.rate, nginx.rate)),
                _times(ratio(many.rate, peer.rate)),
            ]
        )
    return table


def _paced(results: Results) -> Table:
    columns = [
        f"{PACED_CONNECTIONS} streams, a chunk each 10 ms",
        "events/s",
        "CPU µs an event",
        "its core used",
    ]
    table = Table("Streams at the pace of a model", columns)
    for label, name, workload in _rows(results, "paced"):
        found = results.median(name, workload, PACED_CONNECTIONS)
        if found.rate:
            table.rows.append(
                [label, _rate(found), _number(found.cpu_us_an_event), _percent(found.subject_share)]
            )
    return table


def _footprints(results: Results) -> Table:
    table = Table("Memory and start-up", ["", "start-up s", "resident MB, idle", "resident MB, after load"])
    for name, found in results.footprints.items():
        resident = (f"{size / 1e6:.0f}" for size in (found.resident_idle, found.resident_loaded))
        table.rows.append([name, f"{found.startup_seconds:.2f}", *resident])
    return table


def _conversations(results: Results) -> Table:
    columns = [
        "turns before, told by",
        "body bytes",
        "p50 ms",
        "CPU ms a request",
        "CPU µs for each turn more",
    ]
    table = Table("Conversation length", columns)
    for way in ("previous_response_id", "input"):
        found = [length for length in results.lengths if length.way == way]
        # One step fewer than lengths: the shortest has none before it.
        added = ["", *(f"{growth.a_turn_us(shorter, longer):.1f}" for shorter, longer in pairwise(found))]
        for length, step in zip(found, added, strict=False):
            cost = [f"{length.p50_us / 1000:.2f}", f"{length.cpu_us / 1000:.2f}", step]
            table.rows.append([f"{length.turns:,} by {way}", f"{length.body_bytes:,}", *cost])
    return table


def _dialects(results: Results) -> Table:
    columns = ["dialect", "framing", "events", "CPU µs an event: words", "… calls"]
    columns += ["CPU ms to encode a history of 100 KB", "bytes it became"]
    table = Table("Dialects, each by itself", columns)
    for cost in results.dialects:
        costs = map(_number, (cost.words_us, cost.calls_us, cost.encode_ms))
        table.rows.append([cost.dialect, cost.framing, str(cost.events), *costs, f"{cost.body_bytes:,}"])
    return table


def _routing(results: Results) -> Table:
    table = Table("Routing, by itself", ["asked for", "targets that may answer", "CPU µs a route"])
    for cost in results.routing:
        table.rows.append([cost.wish, str(cost.possible), _number(cost.us)])
    return table


def _routes(results: Results) -> Table:
    columns = ["route, connections", "p50 µs", "p99 µs", "added p99", "req/s", "CPU µs a request"]
    table = Table("Routes of several targets", columns)
    for route in results.routes:
        alone = next(
            each
            for each in results.routes
            if (each.way, each.connections) == (routing.ONE_TARGET, route.connections)
        )
        figures = (route.p50_us, route.p99_us, route.p99_us - alone.p99_us, route.rate, route.cpu_us)
        table.rows.append([f"{route.way}, {route.connections}", *map(_number, figures)])
    return table


def _instruments(results: Results) -> Table:
    columns = ["at 32 connections", "the program, of its core", "upstream and load, of theirs"]
    columns += ["strangers on its core", "strangers on theirs", "errors"]
    table = Table("Who was busy", columns)
    for label, name, workload in _rows(results, "json", "stored", "stream"):
        found = results.median(name, workload, 32)
        if found.rate:
            what = f"{label}, {workload}" if workload != "stored" else label
            parties = (found.subject_share, found.instruments_share)
            strangers = (found.strangers_beside_subject, found.strangers_beside_instruments)
            table.rows.append([what, *map(_percent, (*parties, *strangers)), str(found.errors)])
    return table


def _targets(results: Results) -> Table:
    table = Table("Targets, one core", ["", "wanted", "measured", ""])
    verdicts = {True: "met", False: "MISSED", None: "–"}
    for target in targets(results):
        table.rows.append([target.name, target.wanted, target.measured, verdicts[target.met]])
    return table


def _rate(found: Median) -> str:
    marks = (_BUSY_STRANGERS if found.noisy else "") + (_HELD_BACK if found.held_back else "")
    return _number(found.rate) + marks


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def _times(factor: float | None) -> str:
    return "–" if factor is None else f"{factor:.1f}" if factor < 100 else f"{factor:.0f}"
