"""The bench's routes: what is timed is what is said, and the verdicts follow from it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bench.__main__ import options
from bench.report import markdown
from bench.results import Results
from bench.routing import (
    DEAD_FIRST,
    ONE_TARGET,
    TARGETS,
    Route,
    RoutingCost,
    added_p99_us,
    costs,
)
from bench.targets import targets

ALONE = Route(ONE_TARGET, 1, p50_us=300.0, p99_us=600.0, cpu_us=200.0, rate=3000.0)
BEHIND = replace(ALONE, way=DEAD_FIRST, p99_us=1600.0)


def verdicts(*routing: RoutingCost, routes: tuple[Route, ...] = ()) -> list[bool | None]:
    return [target.met for target in targets(Results({}, "", routing=[*routing], routes=[*routes]))]


def test_the_filters_leave_fewer_and_the_rest_is_of_all() -> None:
    found = costs(1)
    assert [cost.possible for cost in found[:2]] == [1, TARGETS]
    assert 1 < found[2].possible < TARGETS, "all filters"
    assert found[2].possible == found[4].possible, "the same, with the model left to the gateway"
    assert all(cost.us > 0 for cost in found)


def test_the_dearest_route_counts() -> None:
    cheap, dear = RoutingCost("a", 300, 40.0), RoutingCost("b", 300, 101.0)
    assert verdicts(cheap) == [True, None]
    assert verdicts(cheap, dear) == [False, None]
    assert verdicts() == []


def test_a_dead_first_target_is_compared_with_one_that_lives() -> None:
    assert added_p99_us([ALONE, BEHIND], DEAD_FIRST) == 1000
    assert added_p99_us([BEHIND], DEAD_FIRST) is None
    assert verdicts(routes=(ALONE, BEHIND)) == [None, True]
    assert verdicts(routes=(ALONE, replace(BEHIND, p99_us=11_000.0))) == [None, False]


def test_they_have_tables() -> None:
    text = markdown(Results({}, "", routing=[RoutingCost("one", 1, 2.0)], routes=[ALONE, BEHIND]))
    assert "| one | 1 | 2 |" in text
    assert f"| {DEAD_FIRST}, 1 | 300 | 1,600 | 1,000 | 3,000 | 200 |" in text


@pytest.mark.parametrize(
    ("arguments", "routing"),
    [(["--only", "routing"], True), (["--only", "dialects"], False), (["--peers", "none"], True)],
)
def test_they_are_part_of_a_run_or_a_run_of_their_own(arguments: list[str], routing: bool) -> None:
    assert options(arguments).routing is routing
