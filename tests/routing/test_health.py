"""Health: when a target is left alone, and when it is tried again."""

from __future__ import annotations

import pytest

from antiphon.core.records import Outcome, Target
from antiphon.routing.affinity import Affinity
from antiphon.routing.health import Health, Samples, TargetHealth

T = Target("alpha", "m")
NAME = T.public_name


def request(health: Health, now: float, outcome: Outcome, retry_after: float | None = None) -> None:
    health.of(T).began(now)
    health.ended(T, now, outcome, retry_after)


def test_three_failures_open_it_and_a_pause_later_one_probe_goes_there() -> None:
    health = Health()
    for _ in range(2):
        request(health, 0, "failed")
    assert health.unready(0) == frozenset()
    request(health, 0, "failed")
    assert health.unready(1) == {NAME}
    assert health.unready(5.1) == frozenset()
    health.of(T).began(5.1)
    assert health.unready(5.1) == {NAME}, "one probe at a time"
    health.ended(T, 6, "ok")
    assert health.unready(6) == frozenset()
    assert health.of(T).state(6) == "closed"


def test_a_failed_probe_doubles_the_pause_up_to_a_bound() -> None:
    health, now = Health(), 0.0
    for _ in range(3):
        request(health, now, "failed")
    pauses = []
    for _ in range(8):
        until = health.of(T).ready_at()
        pauses.append(until - now)
        now = until
        request(health, now, "failed")
    assert pauses == [5, 10, 20, 40, 80, 120, 120, 120]


@pytest.mark.parametrize("outcome", ["rejected", "cancelled"])
def test_what_clients_do_wrong_opens_nothing(outcome: Outcome) -> None:
    health = Health()
    for _ in range(100):
        request(health, 0, outcome)
    assert health.unready(0) == frozenset()


def test_some_failures_among_many_successes_open_nothing() -> None:
    health = Health()
    for _ in range(20):
        request(health, 0, "ok")
    for _ in range(10):
        request(health, 0, "failed")
    assert health.unready(0) == frozenset()


def test_old_failures_are_forgotten() -> None:
    health = Health()
    for now in (0, 100, 200, 300, 400):
        request(health, now, "failed")
    assert health.unready(400) == frozenset()


def test_who_asks_to_wait_is_left_alone_as_long_as_it_says() -> None:
    health = Health()
    request(health, 0, "rate_limited", 20)
    request(health, 1, "rate_limited", 2)
    assert health.unready(19) == {NAME}
    assert health.unready(20.5) == frozenset()
    request(health, 21, "rate_limited")
    assert health.unready(21.5) == {NAME}
    assert health.unready(22.5) == frozenset()


def test_a_worse_latency_counts_at_once_and_a_better_one_slowly() -> None:
    health = TargetHealth()
    health.spoke(0, 0.1)
    health.spoke(1, 2.0)
    assert health.latency == 2.0
    health.spoke(2, 0.1)
    assert health.latency is not None
    assert 1.5 < health.latency < 2.0
    health.spoke(100, 0.1)
    assert health.latency == pytest.approx(0.1, abs=0.01)


def test_percentiles_are_of_the_latest_samples() -> None:
    samples = Samples()
    assert samples.percentile("p50") is None
    for value in range(1000):
        samples.append(value)
    assert [samples.percentile(name) for name in ("p50", "p99")] == [935, 998]
    samples.append(5000)
    for _ in range(127):
        samples.append(1)
    assert samples.percentile("p50") == 1


def test_names_from_clients_do_not_fill_the_memory() -> None:
    health = Health()
    busy = Target("alpha", "busy")
    health.of(busy).began(0)
    for number in range(10_500):
        target = Target("alpha", f"made-up-{number}")
        health.of(target).began(0)
        health.ended(target, 0, "rate_limited", 1000)
    assert len(health.unready(0)) <= 10_000
    assert health.look(busy.public_name) is not None


def test_a_session_is_remembered_for_a_while_and_per_project() -> None:
    affinity = Affinity(most=2, lifetime=10)
    affinity.served("p", "s", T, now=0)
    assert affinity.target("p", "s", 9) == T
    assert affinity.target("p", "s", 11) is None
    assert affinity.target("q", "s", 1) is None
    affinity.served("p", "s2", T, now=1)
    affinity.served("p", "s3", T, now=2)
    assert affinity.target("p", "s", 3) is None


def retries(target: TargetHealth, now: float, wanted: int = 1000) -> int:
    return sum(target.may_retry(now) for _ in range(wanted))


def test_of_the_requests_a_fifth_may_be_retries_and_a_few_more() -> None:
    target, made = TargetHealth(), 0
    for _ in range(500):
        target.began(0)
        made += target.may_retry(0)
    assert 109 <= made <= 110
    assert retries(target, 0) == 0


def test_a_target_that_was_left_in_peace_bears_ten_at_once_and_not_more() -> None:
    target = TargetHealth()
    for _ in range(500):
        target.began(0)
    assert retries(target, 0) == 10
    assert [retries(target, now) for now in (9.0, 10.0, 20.0, 2000.0)] == [0, 1, 1, 10]


def test_who_does_well_bears_whoever_comes_and_who_does_not_a_few() -> None:
    health = Health()
    assert all(health.of(T).may_come(0) for _ in range(1000))
    for _ in range(3):
        request(health, 0, "failed")
    comes = sum(health.of(T).may_come(1) for _ in range(1000))
    assert comes == 10
    assert health.of(T).may_come(5.1), "as a probe"
