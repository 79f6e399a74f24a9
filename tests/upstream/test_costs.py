"""What providers say that a call cost arrives in core, as nano-US-dollars."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.upstream.costs import cost_from
from tests.play import DIALECTS, answer_deltas, play, stream_deltas
from tests.recordings import Recording, needs_recordings, recordings


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.00129}, 1_290_000),
        ({"cost": 3e-10}, 0),
        ({"cost": 5e-10}, 1),
        ({"cost": 0.1 + 0.2}, 300_000_000),
        ({"cost": 0}, 0),
        ({"cost": 2}, 2_000_000_000),
        ({"cost": 0.001982, "market_cost": 9}, 1_982_000),
        ({"cost_in_usd_ticks": 37_756_000}, 3_775_600),
        ({"cost_in_usd_ticks": 15}, 2),
        ({"cost_in_usd_ticks": 10, "cost": 5}, 1),
        ({"cost": {"total_cost": 0.006, "request_cost": 0.005, "currency": "USD"}}, 6_000_000),
        ({"cost": {"total_cost": 0.006}}, 6_000_000),
        ({"cost": {"total_cost": 0.006, "currency": "EUR"}}, None),
        ({"cost": 0.05, "is_byok": True, "cost_details": {"upstream_inference_cost": 1.0}}, 1_050_000_000),
        ({"cost": 0.05, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.05}}, 50_000_000),
        ({"cost": 0.05, "is_byok": True, "cost_details": None}, 50_000_000),
        ({"cost": 0.05, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, 50_000_000),
    ],
)
def test_a_cost_is_nano_dollars(usage: dict[str, Any], cost: int | None) -> None:
    assert cost_from(usage) == cost


@pytest.mark.parametrize(
    "cost", [None, True, "0.1", -1, -0.1, float("nan"), float("inf"), 1e300, [], {}, {"total_cost": "1"}]
)
def test_what_is_no_amount_is_no_cost(cost: Any) -> None:
    assert cost_from({"cost": cost}) is None
    assert cost_from({"cost_in_usd_ticks": cost}) is None
    assert cost_from({}) is None


def test_the_costs_of_all_turns_add_up_and_what_is_not_said_is_not_nothing() -> None:
    assert d.Usage(1, provider_cost=None).plus(d.Usage(2)) == d.Usage(3)
    assert (
        d.Usage(1, provider_cost=5).plus(d.Usage(2)).plus(d.Usage(3, 1, provider_cost=0)).provider_cost == 5
    )
    assert d.Usage().plus(d.Usage(1, 2, 3, 4, 5, 6)) == d.Usage(1, 2, 3, 4, 5, 6)


SAYING = [
    recording
    for recording in recordings("chat", "responses")
    if recording.api.startswith(("openrouter.", "xai.", "perplexity.", "vercel_gateway."))
    and (b'"cost"' in recording.wire or b"cost_in_usd_ticks" in recording.wire)
]


@needs_recordings
@pytest.mark.parametrize("recording", SAYING, ids=str)
def test_what_was_recorded_says_its_cost(recording: Recording) -> None:
    dialect = DIALECTS[recording.family]
    heard = stream_deltas(dialect, [recording.wire]) if recording.streamed else None
    _, assembler = play(heard or answer_deltas(dialect, recording.wire))
    if assembler.noted.total is None:
        assert assembler.response["status"] == "failed"
        return
    cost = assembler.noted.total.provider_cost
    assert cost is not None
    assert 0 <= cost < 10**9
    assert "provider_cost" not in str(assembler.response["usage"])
