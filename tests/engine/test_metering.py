"""What the meter makes of attempts: figures, and one line in the log for each model without a price."""

from __future__ import annotations

from msgspec.structs import replace
from structlog.testing import capture_logs

from antiphon.core.records import Attempt, Charge, Target
from antiphon.engine.metering import Meter
from antiphon.observe.metrics import Metrics
from tests.engine.test_books import attempt


def test_a_missing_price_is_told_once_for_each_model() -> None:
    metrics = Metrics(lambda provider, model: True)
    meter = Meter(metrics)
    with capture_logs() as logs:
        for model in ("a", "b", "a", "a"):
            meter.attempted(priced(None, model))
    assert [line["model"] for line in logs] == ["openai/a", "openai/b"]
    assert {line["event"] for line in logs} == {"price_unknown"}
    assert metrics.called("openai", "a", "ok", 0, None).unpriced == 3


def test_costs_are_summed_by_who_says_so() -> None:
    metrics = Metrics(lambda provider, model: True)
    meter = Meter(metrics)
    for charge in (Charge(5, "prices"), Charge(7, "prices"), Charge(1, "estimate"), Charge(0, "provider")):
        meter.attempted(priced(charge, "a"))
    assert metrics.called("openai", "a", "ok", 0, None).charged == {
        "prices": 12,
        "estimate": 1,
        "provider": 0,
    }


def priced(charge: Charge | None, model: str) -> Attempt:
    return replace(attempt(1), charge=charge, target=Target("openai", model))
