"""From cells to tables and verdicts."""

from __future__ import annotations

import json

import pytest
from bench.__main__ import options
from bench.bodies import WORKLOADS, Ask, Workload
from bench.growth import Length, is_linear
from bench.loads import Load, Times
from bench.measure import Cell
from bench.report import FIGURES_BEGIN, FIGURES_END, markdown, written_into
from bench.results import Footprint, Results, plain
from bench.targets import targets


def cell(contender: str, workload: Workload, connections: int, answered: int, **shares: float) -> Cell:
    times = Times(p50=100.0, p90=200.0, p99=300.0, max=400.0, mean=120.0)
    events = answered * 10 if workload == "stream" else 0
    load = Load(1.0, answered, events, 0, 0, 0, 0, 10, 10, times, times, times, times)
    known = {"subject_share": 0.95, "instruments_share": 0.2, "strangers_beside_subject": 0.0} | shares
    return Cell(contender, workload, connections, load, 100.0, 5.0, strangers_beside_instruments=0.0, **known)


def results(*cells: Cell) -> Results:
    names = dict.fromkeys((one.contender for one in cells), "what it is")
    return Results({"cpu": "a CPU"}, "1 round", contenders=names, cells=list(cells))


@pytest.mark.parametrize("language", ["chat", "responses"])
@pytest.mark.parametrize("workload", WORKLOADS)
def test_each_request_is_two_kilobytes_and_says_how_long_it_is(language: str, workload: Workload) -> None:
    ask = Ask("chat" if language == "chat" else "responses", 80, key="k")
    head, _, body = ask.message(ask.body(workload)).partition(b"\r\n\r\n")
    assert len(body) == 2048 and b"Content-Length: 2048" in head
    assert json.loads(body)["stream"] is (workload in ("stream", "paced"))


def test_the_median_of_the_rounds_counts() -> None:
    found = results(*(cell("antiphon", "json", 32, rate) for rate in (100, 900, 300)))
    assert found.median("antiphon", "json", 32).rate == 300
    assert found.median("antiphon", "json", 1).rate is None
    assert [row["rate"] for row in plain(found)] == [300]


def test_a_rate_is_marked_when_strangers_or_the_instruments_spoilt_it() -> None:
    noisy = cell("antiphon", "json", 32, 10, strangers_beside_subject=0.2)
    held_back = cell("nginx", "json", 32, 10, instruments_share=0.99, subject_share=0.4)
    text = markdown(results(noisy, held_back))
    assert "| 10* |" in text and "| 10‡ |" in text


def test_a_target_is_met_missed_or_not_measured() -> None:
    found = results(cell("antiphon", "json", 32, 6000), cell("antiphon", "stored", 32, 2000))
    found.footprints["antiphon"] = Footprint(1.0, 80_000_000, 200_000_000)
    verdicts = {target.name: target.met for target in targets(found)}
    assert verdicts["requests a second, not stored"] is True
    assert verdicts["requests a second, stored"] is False
    assert verdicts["events a second"] is None
    assert (verdicts["start-up"], verdicts["resident after load"]) == (True, False)


@pytest.mark.parametrize(("costs", "linear"), [((1, 10, 100), True), ((1, 10, 1000), False)])
def test_a_cost_is_linear_when_a_late_turn_costs_like_an_early_one(
    costs: tuple[int, int, int], linear: bool
) -> None:
    found = [
        Length("input", turns, cost, cost, 0) for turns, cost in zip((10, 100, 1000), costs, strict=True)
    ]
    assert is_linear(found) is linear
    assert is_linear(found[:2]) is None


def test_figures_go_between_the_marks_of_a_page() -> None:
    page = f"before\n{FIGURES_BEGIN}\nold\n{FIGURES_END}\nafter\n"
    written = written_into(page, "new")
    assert "new" in written and "old" not in written
    assert written.startswith("before") and written.endswith("after\n")
    assert written_into("no marks", "new") == "new"


def test_peers_are_measured_only_when_asked_for() -> None:
    assert options(["--peers", "none"]).contenders == ["direct", "floor", "antiphon", "postgres"]
    assert options([]).contenders == ["direct", "nginx", "floor", "antiphon", "postgres", "litellm"]
