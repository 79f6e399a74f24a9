"""A target that is late with its first word gets company: one of the two answers, both are accounted for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.fold import fold
from antiphon.core.records import Charge, Target
from antiphon.core.turn import Turn
from antiphon.protocol.errors import (
    ClientGone,
    InvalidRequest,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)
from tests.contract.wire import ask
from tests.engine.stand_ins import ScriptedSpeaker, ScriptedSpeech, Step
from tests.engine.test_route import HELLO, Stage, outcomes, read
from tests.running import running_gateway
from tests.upstream.faults import HELLO as ANSWER
from tests.upstream.faults import Visit, always, serving

ALWAYS = 0.2
"""Seconds before which nobody is late."""

SILENT: list[Step] = [60.0]
SLOW: list[Step] = [0.3, *HELLO]
BYE: list[Step] = [d.Text("0", "bye"), d.Usage(100, 10), d.Stop("stop")]
THREE = {"fallbacks": ["anthropic/b", "openai/c"]}


def stage(*scripts: Sequence[Step], samples: int = 20, hedge: float | None = 1.0, **how: Any) -> Stage:
    """The first target has spoken soon so many times."""
    made = Stage(*scripts, hedge=hedge, **how)
    health = made.service._accounting.watch.of(Target("sim", "a"))
    for _ in range(samples):
        health.spoke(0, 0.01)
    return made


async def answered(made: Stage, **fields: Any) -> dict[str, Any]:
    """The response; its events are those of one."""
    events = await made.events(stream=True, **fields)
    kinds = [event["type"] for event in events]
    assert kinds.count("response.created") == 1
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[0]["response"]["provider"] == events[-1]["response"]["provider"]
    assert made.speaker.open == 0, "nobody speaks on"
    return fold(events)


def text(response: dict[str, Any]) -> str:
    return str(response["output"][0]["content"][0]["text"])


async def test_when_the_first_is_late_the_second_may_answer() -> None:
    made = stage(SILENT, BYE)
    began = time.monotonic()
    response = await answered(made)
    assert ALWAYS <= time.monotonic() - began < 10
    assert (response["status"], response["provider"], text(response)) == ("completed", "anthropic", "bye")
    lost, won = await made.rows()
    assert outcomes([lost, won]) == [("sim", "cancelled"), ("anthropic", "ok")]
    assert (lost.input_tokens, lost.charge) == (0, Charge(0, "prices")), "it never spoke"
    assert (won.number, won.input_tokens) == (2, 100)
    assert (response["cost"], response["cost_details"]["attempts"]) == (300_000 / 1e9, 2)


async def test_how_long_it_was_waited_for_is_remembered() -> None:
    made = stage(SILENT, BYE)
    await answered(made)
    latency = made.service._accounting.watch.of(Target("sim", "a")).latency
    assert latency >= ALWAYS


async def test_who_cannot_be_asked_is_no_company() -> None:
    class Particular(ScriptedSpeaker):
        def prepare(self, target: Target, turn: Turn) -> ScriptedSpeech:
            if target.provider == "anthropic":
                raise InvalidRequest("It takes no images.", param="input")
            return super().prepare(target, turn)

    made = stage(SLOW, speaker=Particular)
    assert (await answered(made))["provider"] == "sim"
    assert outcomes(await made.rows()) == [("sim", "ok")]


async def test_the_first_answers_if_it_speaks_before_the_second() -> None:
    made = stage(SLOW, SILENT)
    response = await answered(made)
    assert (response["provider"], text(response)) == ("sim", "hello")
    assert outcomes(await made.rows()) == [("anthropic", "cancelled"), ("sim", "ok")]


async def test_who_is_in_time_is_left_alone() -> None:
    made = stage(HELLO)
    assert (await answered(made))["provider"] == "sim"
    assert len(made.speaker.turns) == 1


@pytest.mark.parametrize(
    ("first", "second", "who", "rows"),
    [
        ([0.3, UpstreamFailed("no")], [0.3, *BYE], "anthropic", [("sim", "failed"), ("anthropic", "ok")]),
        ([0.5, *HELLO], [UpstreamFailed("no")], "sim", [("anthropic", "failed"), ("sim", "ok")]),
    ],
    ids=["the first", "the second"],
)
async def test_if_one_fails_the_other_goes_on(
    first: list[Step], second: list[Step], who: str, rows: list[tuple[str, str]]
) -> None:
    made = stage(first, second)
    response = await answered(made)
    assert (response["status"], response["provider"]) == ("completed", who)
    assert outcomes(await made.rows()) == rows


async def test_if_both_fail_the_third_is_asked_and_nobody_twice() -> None:
    made = stage([0.3, UpstreamFailed("one")], [0.3, UpstreamFailed("two")], HELLO)
    response = await answered(made, **THREE)
    assert (response["status"], response["provider"]) == ("completed", "openai")
    assert [turn.model for turn in made.speaker.turns] == ["a", "b", "c"]
    rows = await made.rows()
    assert outcomes(rows) == [("sim", "failed"), ("anthropic", "failed"), ("openai", "ok")]
    assert [row.number for row in rows] == [1, 2, 3]


async def test_the_failure_of_both_is_the_later_one() -> None:
    made = stage([0.3, UpstreamFailed("one")], [0.3, UpstreamTimeout("two")])
    assert (await answered(made))["error"]["message"] == "two"
    assert len(await made.rows()) == 2


async def test_who_spoke_in_the_same_moment_is_paid_for() -> None:
    both = asyncio.Event()

    class Together(ScriptedSpeech):
        async def deltas(self) -> AsyncGenerator[list[d.Delta], None]:
            if len(self.speaker.turns) == 2:
                both.set()
            await both.wait()
            yield [delta for delta in self.script if isinstance(delta, d.Delta)]

    class Speaker(ScriptedSpeaker):
        def prepare(self, target: Target, turn: Turn) -> ScriptedSpeech:
            prepared = super().prepare(target, turn)
            return Together(self, prepared.script)

    made = stage(HELLO, BYE, speaker=Speaker)
    assert text(await answered(made)) == "hello"
    lost, _ = await made.rows()
    assert (lost.target.provider, lost.outcome) == ("anthropic", "cancelled")
    assert lost.charge is not None
    assert (lost.charge.source, lost.input_tokens > 0) == ("estimate", True)


async def test_nobody_is_asked_a_third_time() -> None:
    made = stage([0.6, *HELLO], SILENT)
    assert (await answered(made, **THREE))["provider"] == "sim"
    assert len(made.speaker.turns) == 2


async def test_once_the_second_answers_its_failure_is_that_of_the_response() -> None:
    made = stage(SILENT, [d.Text("0", "half a sen"), UpstreamFailed("oops")])
    assert (await answered(made))["status"] == "failed"
    assert outcomes(await made.rows()) == [("sim", "cancelled"), ("anthropic", "failed")]


@pytest.mark.parametrize(
    ("how", "fields"),
    [
        ({"hedge": None}, {}),
        ({"samples": 19}, {}),
        ({"hedge": 0.0099}, {}),
        ({"hedge": 0.01}, {"max_output_tokens": 1001}),
        ({}, {"fallbacks": None}),
        ({}, {"fallbacks": ["openai/c"]}),
        ({}, {"tools": [{"type": "web_search"}]}),
    ],
    ids=[
        "off",
        "too few samples",
        "too dear",
        "too long",
        "nobody else",
        "no price",
        "a tool that runs there",
    ],
)
async def test_where_it_is_not_done_the_first_alone_is_asked(
    how: dict[str, Any], fields: dict[str, Any]
) -> None:
    made = stage(SLOW, **how)
    assert (await answered(made, **fields))["provider"] == "sim"
    assert len(made.speaker.turns) == 1


@pytest.mark.parametrize(
    "fields", [{"max_output_tokens": 1000}, {"tools": [{"type": "function", "name": "f"}]}]
)
async def test_at_the_cap_and_with_tools_of_the_client_it_is_done(fields: dict[str, Any]) -> None:
    made = stage(SILENT, BYE, hedge=0.01)
    assert (await answered(made, **fields))["provider"] == "anthropic"


async def test_what_is_not_streamed_is_asked_once() -> None:
    made = stage(SLOW)
    assert fold(await made.events(stream=False))["provider"] == "sim"
    assert len(made.speaker.turns) == 1


async def test_when_the_client_goes_both_are_let_go_and_accounted_for() -> None:
    made = stage(SILENT, SILENT)
    run = await made.run(stream=True, store=False)
    await asyncio.sleep(ALWAYS + 0.1)
    assert made.speaker.open == 2
    run.cancel(ClientGone("gone"))
    await read(run)
    assert made.speaker.open == 0
    assert sorted(outcomes(await made.rows())) == [("anthropic", "cancelled"), ("sim", "cancelled")]


async def test_two_silent_ones_end_with_the_response() -> None:
    made = stage(SILENT, SILENT, seconds=0.4)
    assert (await answered(made))["status"] == "failed"
    assert sorted(outcomes(await made.rows())) == [("anthropic", "cancelled"), ("sim", "failed")]


async def test_a_first_that_fails_for_good_is_not_got_round_when_the_second_was_not_asked() -> None:
    made = stage([0.1, UpstreamRejected("too long", status=400)])
    assert (await answered(made))["status"] == "failed"
    assert outcomes(await made.rows()) == [("sim", "rejected")]


async def test_over_sockets_the_late_one_is_let_go(tmp_path: Path) -> None:
    slow = asyncio.Event()

    async def sometimes(visit: Visit) -> None:
        while True:
            await visit.request()
            if slow.is_set():
                await visit.gone()
                visit.upstream.left.set()
                return
            await visit.send(ANSWER)

    async with serving(sometimes) as first, serving(always(ANSWER)) as second:
        providers = {
            name: {"dialect": "chat", "base_url": f"{url}/v1", "api_key": "k"}
            for name, url in (("a", first.url), ("b", second.url))
        }
        models = {f"{name}/m": {"prices": {"input": 1, "output": 1}} for name in ("a", "b")}
        settings = {"providers": providers, "models": models, "routing": {"hedge": True}}
        with running_gateway(tmp_path, **settings) as gateway:
            body = {
                "model": "a/m",
                "fallbacks": ["b/m"],
                "input": "x",
                "stream": True,
                "max_output_tokens": 9,
            }

            async def once() -> dict[str, Any]:
                answer = await asyncio.to_thread(ask, gateway, "POST", "/v1/responses", body)
                return dict(answer.events[-1]["response"])

            for _ in range(20):
                assert (await once())["provider"] == "a"
            slow.set()
            response = await once()
            assert (response["status"], response["provider"]) == ("completed", "b")
            await asyncio.wait_for(first.left.wait(), 1)
