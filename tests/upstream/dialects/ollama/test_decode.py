"""What Ollama says, in deltas; each oddity of its streams by its row in the table of quirks."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import (
    ProtocolViolation,
    UpstreamDisconnected,
    UpstreamFailed,
    UpstreamRejected,
)
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.ollama import Ollama
from tests.play import play
from tests.upstream.dialects.ollama.hearing import call, hear, last, line, of, whole

# O1: lines, and what the last one says


def test_o1_every_line_is_a_piece_of_the_message() -> None:
    deltas = hear(
        line(thinking="hm"),
        line(thinking=" so"),
        line("8"),
        line("."),
        last(prompt_eval_count=18, eval_count=64),
    )
    assert deltas == [
        d.Reasoning("reasoning", "hm"),
        d.Reasoning("reasoning", " so"),
        d.Text("text", "8"),
        d.Text("text", "."),
        d.Usage(input_tokens=18, output_tokens=64),
        d.Stop("stop"),
    ]


def test_o1_a_whole_answer_is_one_line() -> None:
    message = {"role": "assistant", "content": "8", "thinking": "hm"}
    assert whole(message=message, eval_count=3) == [
        d.Reasoning("reasoning", "hm"),
        d.Text("text", "8"),
        d.Usage(output_tokens=3),
        d.Stop("stop"),
    ]


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("stop", "stop"), ("length", "length"), ("load", "stop"), ("unload", "stop"), (None, "stop")],
)
def test_o1_done_reasons(reason: str | None, stop: Any) -> None:
    assert hear(last(reason))[-1] == d.Stop(stop)


def test_o1_the_last_line_is_the_end_whatever_follows() -> None:
    decoder = Ollama().decoder()
    list(decoder.feed(Frame(None, b'{"done": true}')))
    assert decoder.ended and decoder.answered
    assert not list(decoder.feed(Frame(None, b"no JSON")))
    assert not list(decoder.finish())


def test_o1_a_stream_without_its_last_line_was_cut() -> None:
    with pytest.raises(UpstreamDisconnected):
        hear(line("Half"))


def test_o1_text_may_stand_in_the_last_line() -> None:
    ended = {**last(), "message": {"role": "assistant", "content": "Hi"}}
    assert hear(ended) == [d.Text("text", "Hi"), d.Stop("stop")]


@pytest.mark.parametrize("count", [None, -1, "3", 1.5, True])
def test_o1_what_is_no_count_is_none(count: Any) -> None:
    assert hear(last(prompt_eval_count=count, eval_count=count)) == [d.Stop("stop")]


# O2: calls


def test_o2_a_call_comes_whole_and_its_arguments_are_an_object() -> None:
    deltas = hear(line(tool_calls=[call("look", {"x": {"y": [1]}}, "call_1")]), last("stop"))
    assert deltas == [
        d.Call("call:0", "call_1", "look"),
        d.Arguments("call:0", '{"x":{"y":[1]}}'),
        d.End("call:0"),
        d.Stop("tool_calls"),
    ]


def test_o2_calls_of_several_lines_are_told_apart_although_their_index_is_the_same() -> None:
    deltas = hear(
        line(tool_calls=[call("look", {})]), line(tool_calls=[call("look", {}), call("roll", {})]), last()
    )
    assert [(each.part, each.name) for each in of(d.Call, deltas)] == [
        ("call:0", "look"),
        ("call:1", "look"),
        ("call:2", "roll"),
    ]


def test_o2_a_call_without_an_id_gets_one() -> None:
    _, assembler = play(hear(line(tool_calls=[call("look", {})]), last()))
    (item,) = assembler.response["output"]
    assert item["call_id"] and item["arguments"] == "{}"


@pytest.mark.parametrize(("given", "said"), [('{"x": 1}', '{"x": 1}'), ([1], "[1]"), (None, "")])
def test_o2_arguments_of_another_kind_are_said_as_their_text(given: Any, said: str) -> None:
    deltas = hear(line(tool_calls=[call("look", given)]), last())
    assert "".join(each.text for each in of(d.Arguments, deltas)) == said


def test_o2_a_call_that_the_limit_cut_off_ends_as_length() -> None:
    assert hear(line(tool_calls=[call("look", {})]), last("length"))[-1] == d.Stop("length")


@pytest.mark.parametrize("wrong", [{}, {"function": {}}, {"function": {"name": ""}}, {"function": None}, 7])
def test_o2_a_call_without_a_name_is_no_call(wrong: Any) -> None:
    with pytest.raises(ProtocolViolation):
        hear(line(tool_calls=[wrong]), last())


# Failures in the stream; those over HTTP are in test_errors.py


def test_an_error_may_come_in_the_middle() -> None:
    with pytest.raises(UpstreamFailed) as caught:
        hear(line("Half"), {"error": "an error was encountered while running the model"})
    assert caught.value.message == "an error was encountered while running the model"


def test_a_context_that_is_too_long_may_be_found_out_late() -> None:
    with pytest.raises(UpstreamRejected) as caught:
        hear({"error": "the input length exceeds the context length"})
    assert caught.value.code == "context_length_exceeded"


def test_a_whole_answer_may_be_an_error_too() -> None:
    with pytest.raises(UpstreamFailed):
        list(Ollama().answer({"error": "no luck"}))
    with pytest.raises(ProtocolViolation):
        list(Ollama().answer({"models": []}))


@pytest.mark.parametrize("data", [b"{", b"[]", b'"x"'])
def test_what_is_no_object_is_a_violation(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        list(Ollama().decoder().feed(Frame(None, data)))


# Besides


def test_log_probabilities_are_those_of_their_line() -> None:
    odds = {
        "token": " a",
        "logprob": -0.5,
        "bytes": [32, 97],
        "top_logprobs": [{"token": "b", "logprob": -1}],
    }
    (text, _) = hear({**line(" a"), "logprobs": [odds]}, last())
    assert text.logprobs == [
        {
            "token": " a",
            "logprob": -0.5,
            "bytes": [32, 97],
            "top_logprobs": [{"token": "b", "logprob": -1, "bytes": [98]}],
        }
    ]


def test_log_probabilities_of_thoughts_have_no_place() -> None:
    odds = {"token": "hm", "logprob": -0.5}
    assert hear({**line(thinking="hm"), "logprobs": [odds]}, last())[0] == d.Reasoning("reasoning", "hm")


def test_a_picture_that_a_model_draws_is_one_that_a_tool_drew() -> None:
    _, assembler = play(hear(line(images=["aGk="]), last()))
    (item,) = assembler.response["output"]
    assert (item["type"], item["result"], item["status"]) == ("image_generation_call", "aGk=", "completed")
