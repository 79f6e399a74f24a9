"""A response with several targets: whoever can answers it, once, and every call stands in the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.fold import fold
from antiphon.core.records import Attempt, Charge, Target
from antiphon.core.turn import Turn
from antiphon.engine.run import Run
from antiphon.engine.service import Service
from antiphon.protocol.errors import (
    AntiphonError,
    ClientGone,
    InvalidRequest,
    ProtocolViolation,
    ProviderError,
    RateLimited,
    UnfitAnswer,
    UpstreamDisconnected,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
    UpstreamUnreachable,
)
from antiphon.protocol.events import Event
from tests.engine.stand_ins import (
    CALLER,
    ListLedger,
    ListStore,
    ScriptedSpeaker,
    ScriptedSpeech,
    Step,
    request,
    service,
)

HELLO: list[Step] = [d.Text("0", "hello"), d.Usage(100, 10), d.Stop("stop")]
TWO: dict[str, Any] = {"model": "sim/a", "fallbacks": ["anthropic/b"]}
PASSED_ON = (
    RateLimited("slow down", status=429),
    UpstreamUnreachable("refused"),
    UpstreamTimeout("silent"),
    UpstreamUnauthorized("no", status=401),
    UpstreamFailed("oops", status=500),
    UpstreamDisconnected("gone"),
    ProtocolViolation("garbage"),
    UpstreamRejected("no such model", status=404),
)


class Stage:
    """A service with a script for each call, and what it keeps."""

    def __init__(
        self, *scripts: Sequence[Step], speaker: type[ScriptedSpeaker] = ScriptedSpeaker, **how: Any
    ):
        self.store, self.ledger = ListStore(), ListLedger()
        self.speaker = speaker(list(scripts))
        self.service: Service = service(self.speaker, self.store, ledger=self.ledger, **how)

    async def run(self, **fields: Any) -> Run:
        return await self.service.create(CALLER, request(**{**TWO, **fields}))

    async def events(self, **fields: Any) -> list[Event]:
        return await read(await self.run(**fields))

    async def rows(self) -> list[Attempt]:
        """Of the ledger, wherever they were entered."""
        await asyncio.sleep(0.02)
        return [*(row for record in self.store.records for row in record.attempts), *self.ledger.rows]


async def read(run: Run) -> list[Event]:
    events: list[Event] = []
    while not run.journal.ended or not events:
        events += await run.journal.read()
    return events


def outcomes(rows: Sequence[Attempt]) -> list[tuple[str, str]]:
    return [(row.target.provider, row.outcome) for row in rows]


@pytest.mark.parametrize("error", PASSED_ON, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_failure_before_the_first_word_is_the_next_targets_chance(
    error: AntiphonError, stream: bool
) -> None:
    stage = Stage([error], HELLO)
    events = await stage.events(stream=stream)
    response = fold(events)
    assert (response["status"], response["provider"], response["model"]) == (
        "completed",
        "anthropic",
        "anthropic/b",
    )
    assert [turn.model for turn in stage.speaker.turns] == ["a", "b"]
    kinds = [event["type"] for event in events]
    assert (kinds.count("response.created"), kinds[-1]) == (1, "response.completed")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[0]["response"]["provider"] == "anthropic", "nobody was told of the first"


async def test_every_call_is_in_the_ledger_with_what_became_of_it() -> None:
    stage = Stage([RateLimited("slow down", status=429)], HELLO)
    await stage.events()
    failed, answered = await stage.rows()
    assert (failed.outcome, failed.code, failed.status, failed.number) == (
        "rate_limited",
        "rate_limit_exceeded",
        429,
        1,
    )
    assert (failed.input_tokens, failed.charge) == (0, Charge(0, "prices"))
    assert (answered.outcome, answered.number, answered.response_id) == ("ok", 2, failed.response_id)
    assert (answered.input_tokens, answered.output_tokens) == (100, 10)
    assert answered.charge == Charge(300_000, "prices", 200_000, 100_000)


async def test_a_failure_after_the_first_word_is_nobodys_chance_and_is_paid_for() -> None:
    stage = Stage([d.Text("0", "half a sen"), UpstreamDisconnected("gone")], HELLO)
    response = fold(await stage.events(stream=True, instructions="x" * 400))
    assert response["status"] == "failed"
    (row,) = await stage.rows()
    assert row.outcome == "failed"
    assert row.charge is not None
    assert (row.charge.source, row.charge.total > 100 * 2000) == ("estimate", True)
    assert row.output_tokens > 0
    assert response["cost"] == row.charge.total / 1e9
    assert response["cost_details"]["source"] == "estimate"


@pytest.mark.parametrize(
    "error", [UpstreamRejected("too long", status=400), UpstreamRejected("no", status=413)]
)
async def test_what_one_provider_calls_invalid_is_not_tried_at_another(error: ProviderError) -> None:
    stage = Stage([error], HELLO)
    assert fold(await stage.events())["status"] == "failed"
    assert outcomes(await stage.rows()) == [("sim", "rejected")]


async def test_when_all_fail_the_last_error_is_told_and_each_was_asked_once() -> None:
    stage = Stage([UpstreamFailed("one", status=500)], [UpstreamTimeout("two")])
    run = await stage.run()
    assert fold(await read(run))["error"]["message"] == "two"
    assert isinstance(run.journal.failure, UpstreamTimeout)
    assert outcomes(await stage.rows()) == [("sim", "failed"), ("anthropic", "failed")]


async def test_tokens_alone_are_no_word() -> None:
    stage = Stage([d.Usage(50, 1), UpstreamDisconnected("gone")], HELLO)
    response = fold(await stage.events())
    assert response["provider"] == "anthropic"
    rows = await stage.rows()
    assert [row.input_tokens for row in rows] == [50, 100]
    assert response["cost"] == pytest.approx((50 * 2000 + 10_000 + 300_000) / 1e9)
    assert response["usage"]["input_tokens"] == 150


async def test_an_answer_that_never_fits_is_the_next_targets_chance() -> None:
    unfit: list[Step] = [UnfitAnswer("it is prose", "Sure!")]
    stage = Stage(unfit, unfit, unfit, HELLO)
    assert fold(await stage.events())["provider"] == "anthropic"
    assert len(stage.speaker.turns[2].items) > len(stage.speaker.turns[3].items) == 1
    assert len(await stage.rows()) == 4


class Particular(ScriptedSpeaker):
    """The first target cannot be asked this."""

    def prepare(self, target: Target, turn: Turn) -> ScriptedSpeech:
        if target.provider == "sim":
            raise InvalidRequest("It takes no images.", param="input")
        return super().prepare(target, turn)


async def test_who_cannot_be_asked_is_passed_over_before_anything_is_sent() -> None:
    stage = Stage(HELLO, speaker=Particular)
    response = fold(await stage.events())
    assert (response["provider"], response["model"]) == ("anthropic", "anthropic/b")
    assert outcomes(await stage.rows()) == [("anthropic", "ok")]


async def test_what_nobody_can_be_asked_is_refused_in_the_words_about_the_first() -> None:
    class Nobody(Particular):
        def prepare(self, target: Target, turn: Turn) -> ScriptedSpeech:
            raise InvalidRequest(f"{target.provider} does not take it.", param="input")

    with pytest.raises(InvalidRequest, match="sim does not take it"):
        await Stage(speaker=Nobody).run()


async def test_without_another_target_a_passing_failure_is_tried_once_more() -> None:
    stage = Stage([UpstreamFailed("busy", status=529)], HELLO, retries=1)
    response = fold(await stage.events(fallbacks=None))
    assert (response["status"], response["provider"]) == ("completed", "sim")
    assert outcomes(await stage.rows()) == [("sim", "failed"), ("sim", "ok")]


@pytest.mark.parametrize("error", [RateLimited("wait"), UpstreamTimeout("silent"), ProtocolViolation("odd")])
async def test_what_will_not_pass_is_not_tried_again(error: AntiphonError) -> None:
    stage = Stage([error], HELLO, retries=3)
    assert fold(await stage.events(fallbacks=None))["status"] == "failed"
    assert len(await stage.rows()) == 1


async def test_a_target_that_failed_often_is_asked_last() -> None:
    failing: list[Sequence[Step]] = [[UpstreamFailed("down", status=500)], HELLO] * 3
    stage = Stage(*failing, HELLO)
    for _ in range(4):
        assert fold(await stage.events())["provider"] == "anthropic"
    assert outcomes(await stage.rows())[-2:] == [("anthropic", "ok"), ("anthropic", "ok")]


async def test_a_session_goes_on_where_it_was_answered() -> None:
    """Both targets are equal here, and the first is drawn."""
    stage = Stage([UpstreamFailed("down", status=500)], HELLO, HELLO)
    alike = {"model": "alike", "fallbacks": None, "session_id": "s"}
    for _ in range(2):
        assert fold(await stage.events(**alike))["provider"] == "anthropic"
    assert len(stage.speaker.turns) == 3


async def test_when_the_client_goes_the_row_says_so() -> None:
    stage = Stage([d.Text("0", "hel"), 60.0])
    run = await stage.run(store=False)
    await asyncio.sleep(0.02)
    run.cancel(ClientGone("gone"))
    await read(run)
    (row,) = await stage.rows()
    assert (row.outcome, row.output_tokens > 0) == ("cancelled", True)


async def test_an_unknown_price_is_no_price() -> None:
    stage = Stage(HELLO)
    response = fold(await stage.events(model="openai/gpt", fallbacks=None))
    assert response["cost"] is None
    assert "cost_details" not in response
    assert (await stage.rows())[0].charge is None


async def test_the_providers_own_figure_wins() -> None:
    stage = Stage([d.Text("0", "hi"), d.Usage(100, 10, provider_cost=7), d.Stop("stop")])
    response = fold(await stage.events())
    assert (response["cost"], response["cost_details"]["source"]) == (7e-9, "provider")


async def test_why_it_went_where_it_went_is_kept_and_told_when_asked() -> None:
    stage = Stage(HELLO, HELLO)
    silent = fold(await stage.events())
    told = fold(await stage.events(include=["routing"]))
    assert "routing" not in silent
    assert told["routing"]["targets"] == ["sim/a", "anthropic/b"]
    assert [each["target"] for each in told["routing"]["considered"]] == ["sim/a", "anthropic/b"]
    shown = await stage.service.retrieve(CALLER, silent["id"], ["routing"])
    assert shown["routing"]["targets"] == ["sim/a", "anthropic/b"]
    assert "routing" not in await stage.service.retrieve(CALLER, silent["id"], [])


async def test_an_explanation_sends_nothing() -> None:
    stage = Stage()
    explained = await stage.service.explain(CALLER, request(**TWO, providers={"ignore": ["sim"]}))
    assert explained["targets"] == ["anthropic/b"]
    assert explained["considered"][0] == {
        "target": "sim/a",
        "dropped": "in providers.ignore",
        "input_price": 2.0,
        "output_price": 10.0,
    }
    assert stage.speaker.turns == []


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"fallbacks": ["nobody/x"]}, "fallbacks[0]", "model_not_found"),
        ({"models": ["sim/a", "nobody/x"]}, "models[1]", "model_not_found"),
        ({"router_candidates": ["sim/a"]}, "router_candidates", None),
        ({"providers": {"only": ["openai"]}}, "providers", "no_target"),
    ],
)
async def test_a_route_that_cannot_be_is_refused_naming_the_field(
    fields: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await Stage().run(**fields)
    assert (refused.value.param, refused.value.code) == (param, code)


async def test_the_gateway_chooses_among_candidates() -> None:
    stage = Stage(HELLO)
    response = fold(
        await stage.events(model="@auto", fallbacks=None, router_candidates=["openai/dear", "anthropic/b"])
    )
    assert response["model"] == "anthropic/b", "the one whose price is known"


def about_a_key() -> ProviderError:
    error = RateLimited("wait", status=429, retry_after=30)
    error.another_key = True
    return error


async def test_when_only_a_key_was_at_fault_the_same_target_is_asked_again() -> None:
    stage = Stage([about_a_key()], [about_a_key()], HELLO, HELLO)
    response = fold(await stage.events())
    assert (response["status"], response["provider"]) == ("completed", "sim")
    assert fold(await stage.events())["provider"] == "sim", "it was not held against the target"
    rows = await stage.rows()
    assert outcomes(rows) == [("sim", "rate_limited"), ("sim", "rate_limited"), ("sim", "ok"), ("sim", "ok")]
    assert [row.number for row in rows] == [1, 2, 3, 1]


async def test_keys_are_not_tried_without_end() -> None:
    stage = Stage(*[[about_a_key()]] * 9, HELLO)
    response = fold(await stage.events())
    assert (response["provider"], len(stage.speaker.turns)) == ("anthropic", 10)


async def test_another_key_is_no_help_once_something_was_said() -> None:
    stage = Stage([d.Text("0", "half a sen"), about_a_key()], HELLO)
    assert fold(await stage.events(stream=True))["status"] == "failed"
    assert len(await stage.rows()) == 1


async def test_a_failing_target_is_not_hit_by_a_storm_of_retries() -> None:
    down: list[Step] = [UpstreamFailed("down", status=503)]
    stage = Stage(*[down] * 300, retries=5, clock=lambda: 0.0)
    runs = [await stage.run(fallbacks=None, store=False) for _ in range(10)]
    for run in runs:
        assert fold(await read(run))["status"] == "failed"
    assert 20 <= len(stage.speaker.turns) <= 10 + 10 + 4


async def test_a_healthy_target_takes_all_that_failed_elsewhere() -> None:
    down: list[Step] = [UpstreamFailed("down", status=500)]
    stage = Stage(*[down] * 8, *[HELLO] * 8)
    runs = [await stage.run(store=False) for _ in range(8)]
    answered = [fold(await read(run))["provider"] for run in runs]
    assert answered == ["anthropic"] * 8


async def test_targets_that_all_fail_are_not_asked_by_everybody() -> None:
    down: list[Step] = [UpstreamFailed("down", status=500)]
    stage = Stage(*[down] * 300, clock=lambda: 0.0)
    for _ in range(100):
        assert fold(await stage.events(store=False))["status"] == "failed"
    assert 100 < len(stage.speaker.turns) < 100 * 1.25 + 15, "not two for each"
