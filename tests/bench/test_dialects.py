"""The dialects by themselves: what is timed is what a provider sends, and is read rightly."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from bench.__main__ import options
from bench.bodies import CHUNKS, WrongAnswer
from bench.dialects import SPEAKERS, DialectCost, costs, translated
from bench.dialects.history import HISTORY_BYTES, history
from bench.dialects.streams import ARGUMENTS, streams_of
from bench.report import markdown
from bench.results import Results
from bench.targets import targets

from antiphon.settings.providers import DIALECTS
from antiphon.upstream.providers import PROVIDERS
from antiphon.upstream.wire import WIRES

COST = DialectCost("chat", "sse", 204, words_us=4.0, calls_us=6.0, encode_ms=1.0, body_bytes=100_000)
each_dialect = pytest.mark.parametrize("name", SPEAKERS)


def verdicts(*found: DialectCost) -> list[bool | None]:
    return [target.met for target in targets(Results({}, "20 repeats", dialects=list(found)))]


def test_every_dialect_is_timed_in_its_own_words() -> None:
    spoken = {name: PROVIDERS[provider].dialect.name for name, (provider, _) in SPEAKERS.items()}
    assert spoken == {name: name for name in DIALECTS}


@each_dialect
def test_a_stream_is_two_hundred_events_in_the_framing_of_its_provider(name: str) -> None:
    for stream in (streams_of(name).words, streams_of(name).calls):
        assert len(stream) > CHUNKS
        reader = WIRES[PROVIDERS[SPEAKERS[name][0]].dialect.framing].reader()
        assert [len(reader.feed(data)) for data in stream] == [1] * len(stream)
        assert reader.finish() == []


def test_gemini_ends_its_lines_as_it_does() -> None:
    assert all(data.endswith(b"\r\n\r\n") for data in streams_of("gemini").words)


@each_dialect
def test_a_stream_of_calls_comes_to_the_call_that_was_made(name: str) -> None:
    response, pieces = translated(PROVIDERS[SPEAKERS[name][0]].dialect, streams_of(name).calls)
    call = response["output"][-1]
    assert (call["type"], json.loads(call["arguments"])) == ("function_call", json.loads(ARGUMENTS))
    assert b"event: response.completed\n" in pieces[-1]


@each_dialect
def test_a_stream_that_is_cut_is_a_wrong_answer_and_not_a_fast_one(name: str) -> None:
    with pytest.raises(WrongAnswer):
        translated(PROVIDERS[SPEAKERS[name][0]].dialect, streams_of(name).words[: CHUNKS // 2])


def test_the_history_is_of_all_that_agents_send() -> None:
    items = history("gpt-5.2").items
    assert HISTORY_BYTES < len(json.dumps(items)) < HISTORY_BYTES * 1.1
    assert {item["type"] for item in items} == {
        *("message", "reasoning", "function_call", "function_call_output"),
        *("custom_tool_call", "custom_tool_call_output"),
    }


def test_all_dialects_have_a_cost_and_carry_the_whole_history() -> None:
    found = costs(1)
    assert [cost.dialect for cost in found] == [*SPEAKERS]
    for cost in found:
        assert min(cost.words_us, cost.calls_us, cost.encode_ms) > 0
        assert cost.body_bytes > HISTORY_BYTES * 0.9


def test_the_dearer_of_two_streams_counts() -> None:
    assert verdicts(COST) == [True, True]
    assert verdicts(replace(COST, calls_us=10.1)) == [False, True]
    assert verdicts(replace(COST, words_us=10.1, encode_ms=3.1)) == [False, False]
    assert verdicts() == []


def test_they_have_a_table() -> None:
    assert "| chat | sse | 204 | 4 | 6 | 1 | 100,000 |" in markdown(Results({}, "", dialects=[COST]))


@pytest.mark.parametrize(
    ("arguments", "contenders", "dialects"),
    [
        (["--only", "dialects"], [], True),
        (["--only", "direct"], ["direct"], False),
        (["--peers", "none"], ["direct", "floor", "antiphon", "postgres"], True),
    ],
)
def test_they_are_part_of_a_run_or_a_run_of_their_own(
    arguments: list[str], contenders: list[str], dialects: bool
) -> None:
    chosen = options(arguments)
    assert (chosen.contenders, chosen.dialects) == (contenders, dialects)
