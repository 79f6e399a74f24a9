"""A response has one total, whatever it is made of: calls, retries, corrections, turns, pauses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from antiphon.core import deltas as d
from antiphon.core.fold import fold
from antiphon.engine.deadline import Deadline
from antiphon.protocol.errors import AntiphonError, UnfitAnswer, UpstreamFailed, UpstreamTimeout
from tests.contract.wire import ask
from tests.engine.stand_ins import Step
from tests.engine.test_route import HELLO, Stage, outcomes, read
from tests.running import running_gateway
from tests.upstream.faults import STREAM, Script, chunk, serving, silent, word

TOTAL = 0.6  # seconds
BUSY = 10.0  # seconds that a busy machine may need beside; who hangs here does it for 60
HANGING: list[Step] = [60.0]


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Response:
    """One that never ends by itself."""

    began: float
    reasons: list[AntiphonError] = field(default_factory=list)

    def cancel(self, reason: AntiphonError) -> None:
        self.reasons.append(reason)


async def test_whoever_began_earlier_is_ended_and_nobody_else() -> None:
    clock = Clock()
    responses = [Response(0.0), Response(0.0), Response(5.0)]
    deadline = Deadline(0.02, clock, responses)
    deadline.watch()
    clock.now = 0.03
    await asyncio.sleep(0.1)
    assert [len(each.reasons) > 0 for each in responses] == [True, True, False]
    reason = responses[0].reasons[0]
    assert isinstance(reason, UpstreamTimeout)
    assert reason.message == "The response was not finished within 0.02 s."
    clock.now = 6.0
    deadline.stop()
    await asyncio.sleep(0.1)
    assert not responses[2].reasons


async def test_a_timer_that_goes_off_early_ends_nobody_and_goes_off_again() -> None:
    clock, response = Clock(), Response(0.0)
    deadline = Deadline(0.02, clock, [response])
    deadline.watch()
    clock.now = 0.0199
    await asyncio.sleep(0.06)
    assert not response.reasons
    clock.now = 0.02
    await asyncio.sleep(0.06)
    assert len(response.reasons) == 1


@pytest.mark.parametrize(
    ("scripts", "rows"),
    [
        ([HANGING], [("sim", "failed")]),
        ([[0.2, UpstreamTimeout("silent")], HANGING], [("sim", "failed"), ("anthropic", "failed")]),
        ([[0.2, UnfitAnswer("prose", "Sure!")], HANGING], [("sim", "ok"), ("sim", "failed")]),
        ([[d.Text("0", "a"), 0.2, d.Stop("pause")], HANGING], [("sim", "ok"), ("sim", "failed")]),
    ],
    ids=["one call", "two targets", "a correction", "two turns"],
)
async def test_the_total_is_that_of_all_calls_together(
    scripts: Sequence[Sequence[Step]], rows: list[tuple[str, str]]
) -> None:
    stage = Stage(*scripts, seconds=TOTAL)
    began = time.monotonic()
    run = await stage.run()
    response = fold(await read(run))
    assert TOTAL <= time.monotonic() - began < TOTAL + BUSY
    assert response["status"] == "failed"
    assert isinstance(run.journal.failure, UpstreamTimeout)
    made = await stage.rows()
    assert outcomes(made) == rows
    assert made[-1].code == "upstream_timeout"
    assert stage.speaker.open == 0, "the last call is let go"


async def test_a_pause_before_a_retry_is_not_longer_than_what_is_left() -> None:
    busy: list[Step] = [UpstreamFailed("busy", status=503)]
    stage = Stage(*[busy] * 6, retries=5, seconds=TOTAL)
    began = time.monotonic()
    run = await stage.run(fallbacks=None)
    await read(run)
    assert time.monotonic() - began < TOTAL + BUSY
    assert isinstance(run.journal.failure, UpstreamTimeout)
    assert len(stage.speaker.turns) < 6


async def test_what_is_finished_is_kept_however_long_the_store_takes() -> None:
    stage = Stage(HELLO, seconds=0.05)
    stage.store.slow = 0.2
    assert fold(await stage.events())["status"] == "completed"
    assert len(stage.store.records) == 1


async def test_each_response_has_its_own_time() -> None:
    stage = Stage(*[[0.4, *HELLO]] * 3, seconds=1.2)
    runs = []
    for _ in range(3):
        runs.append(await stage.run())
        await asyncio.sleep(0.5)
    assert [fold(await read(run))["status"] for run in runs] == ["completed"] * 3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("second", "spoken"),
    [(silent(), False), (silent(STREAM), False), (silent(STREAM + chunk(word("Well"))), True)],
    ids=["silent", "after its head", "after a word"],
)
async def test_two_hanging_providers_cost_a_total_and_not_two(
    tmp_path: Path, second: Script, spoken: bool, stream: bool
) -> None:
    async with serving(silent()) as a, serving(second) as b:
        providers = {
            name: {"dialect": "chat", "base_url": f"{url}/v1", "api_key": "k", "timeouts": {"total": seconds}}
            for name, url, seconds in (("a", a.url, 0.6), ("b", b.url, 60))
        }
        with running_gateway(tmp_path, providers=providers, timeouts={"total": 1}) as gateway:
            body = {"model": "a/m", "fallbacks": ["b/m"], "input": "hello", "stream": stream}
            began = time.monotonic()
            answer = await asyncio.to_thread(ask, gateway, "POST", "/v1/responses", body)
            assert 1 <= time.monotonic() - began < 1 + BUSY
        assert (len(a.requests), len(b.requests)) == (1, 1)
    if stream and spoken:
        assert answer.status == 200
        assert answer.events[-1]["type"] == "response.failed"
        assert "not finished within 1 s" in answer.events[-1]["response"]["error"]["message"]
    else:
        assert (answer.status, answer.error["code"]) == (504, "upstream_timeout")
