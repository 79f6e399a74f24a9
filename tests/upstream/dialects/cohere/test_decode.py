"""What Cohere says, in deltas; each oddity of its streams by its row in the table of quirks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import (
    ProtocolViolation,
    UpstreamDisconnected,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.cohere import Cohere
from tests.play import play
from tests.upstream.dialects.cohere.hearing import (
    START,
    arguments,
    begin,
    calling,
    ended,
    event,
    hear,
    hearing,
    of,
    over,
    plan,
    text,
    thinking,
    whole,
)
from tests.upstream.dialects.cohere.official import judge_event

TOOL = {"type": "tool", "id": "look_1:2", "tool_output": {"content": "mild"}}
PAGE = {"type": "document", "id": "doc:0", "document": {"title": "T", "url": "https://e.com/a", "text": "x"}}


def cited(start: int, end: int, words: str, *sources: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "text": words, "sources": list(sources), **fields}


# H1: the events


def test_h1_plan_calls_and_end_are_heard_in_order() -> None:
    deltas = hear(
        plan("I will "),
        plan("look."),
        calling(0, "look_1", "look"),
        arguments(0, '{"x":'),
        arguments(0, " 1}"),
        over("tool-call", 0),
        ended("TOOL_CALL"),
    )
    assert deltas == [
        d.Reasoning("plan", "I will "),
        d.Reasoning("plan", "look."),
        d.Call("call:0", "look_1", "look"),
        d.Arguments("call:0", '{"x":'),
        d.Arguments("call:0", " 1}"),
        d.End("call:0"),
        d.Stop("tool_calls"),
    ]


def test_h1_a_plan_may_come_without_any_call() -> None:
    deltas = hear(plan("I will not."), begin(0, "text"), text(0, "No."), over("content", 0), ended())
    assert deltas == [d.Reasoning("plan", "I will not."), d.Text("content:0", "No."), d.Stop("stop")]


def test_h1_a_plan_is_a_reasoning_item_for_the_client() -> None:
    _, assembler = play(hear(plan("I will look."), calling(0, "1", "look"), over("tool-call", 0), ended()))
    thought, call = assembler.response["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "I will look."}]
    assert (call["type"], call["arguments"]) == ("function_call", "{}")


def test_h1_calls_in_turn_are_told_apart_by_their_index() -> None:
    deltas = hear(calling(0, "a", "f"), calling(1, "b", "g"), arguments(0, "{}"), arguments(1, "[]"), ended())
    assert [(each.part, each.text) for each in of(d.Arguments, deltas)] == [
        ("call:0", "{}"),
        ("call:1", "[]"),
    ]


def test_h1_the_end_is_message_end_whatever_follows() -> None:
    decoder = Cohere().decoder()
    list(decoder.feed(Frame("message-end", json.dumps(ended()).encode())))
    assert decoder.ended and decoder.answered
    assert not list(decoder.feed(Frame(None, b"[DONE]")))
    assert not list(decoder.feed(Frame(None, b"no JSON")))
    assert not list(decoder.finish())


def test_h1_a_stream_without_message_end_was_cut() -> None:
    with pytest.raises(UpstreamDisconnected):
        hear(begin(0, "text"), text(0, "Half"))


def test_h1_calls_that_are_not_called_a_stop_reason_are_one() -> None:
    assert hear(calling(0, "a", "f"), ended("COMPLETE"))[-1] == d.Stop("tool_calls")


def test_h1_events_that_nobody_has_met_are_skipped() -> None:
    assert hear({"type": "debug", "prompt": "x"}, {"type": "content-mood", "index": 0}, ended()) == [
        d.Stop("stop")
    ]


def test_h1_a_call_without_a_name_is_no_call() -> None:
    with pytest.raises(ProtocolViolation):
        hear(event("tool-call-start", 0, tool_calls={"id": "a", "type": "function"}))


# H2: citations


def test_h2_a_citation_inside_of_an_open_block_stands_on_its_text() -> None:
    deltas = hear(
        begin(0, "text"),
        text(0, "It is 15°C."),
        event("citation-start", 0, citations=cited(6, 11, "15°C.", TOOL, type="TEXT_CONTENT")),
        over("citation", 0),
        text(0, " Bye."),
        over("content", 0),
        ended(),
    )
    _, assembler = play(deltas)
    (part,) = assembler.response["output"][0]["content"]
    assert part["text"] == "It is 15°C. Bye."
    assert part["annotations"] == [
        {
            "type": "file_citation",
            "file_id": "look_1:2",
            "filename": "look_1:2",
            "index": 2,
            "text": "15°C.",
            "start_index": 6,
            "end_index": 11,
            "source": TOOL,
        }
    ]


def test_h2_the_number_of_a_citation_is_not_that_of_a_block() -> None:
    first, second = (
        event("citation-start", number, citations=cited(number, number + 1, "x", TOOL)) for number in (0, 1)
    )
    deltas = hear(thinking(0, "hm"), begin(1, "text"), text(1, "ab"), first, second, ended())
    assert [each.part for each in of(d.Citation, deltas)] == ["content:1", "content:1"]


def test_h2_a_citation_stands_in_a_block_that_has_said_nothing_yet() -> None:
    citation = event("citation-start", 0, citations=cited(0, 1, "x", TOOL))
    deltas = hear(begin(0, "text"), text(0, "a"), begin(1, "text"), citation, text(1, "x"), ended())
    assert [each.part for each in of(d.Citation, deltas)] == ["content:1"]


def test_h2_a_citation_may_say_which_block_it_is_on() -> None:
    message = {
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "citations": [cited(0, 1, "a", TOOL, content_index=0)],
    }
    assert [each.part for each in of(d.Citation, whole(message))] == ["content:0"]


def test_h2_a_source_on_the_web_is_a_url_citation() -> None:
    deltas = whole(
        {"content": [{"type": "text", "text": "ab"}], "citations": [cited(0, 2, "ab", PAGE, TOOL)]}
    )
    first, second = (each.annotation for each in of(d.Citation, deltas))
    assert (first["type"], first["url"], first["title"]) == ("url_citation", "https://e.com/a", "T")
    assert (first["start_index"], first["end_index"], first["source"]) == (0, 2, PAGE)
    assert second["type"] == "file_citation"


def test_h2_citations_of_a_plan_or_of_thoughts_have_no_place() -> None:
    citations = [cited(0, 1, "a", TOOL, type=kind) for kind in ("PLAN", "THINKING_CONTENT")]
    assert not of(d.Citation, whole({"content": [{"type": "text", "text": "a"}], "citations": citations}))


# H3: usage and finish reasons


def test_h3_the_tokens_count_and_not_the_units_that_are_billed() -> None:
    usage = {
        "billed_units": {"input_tokens": 8, "output_tokens": 50},
        "tokens": {"input_tokens": 1394, "output_tokens": 55, "reasoning_tokens": 38},
        "cached_tokens": 1360,
    }
    counted = d.Usage(input_tokens=1394, output_tokens=55, cached_tokens=1360, reasoning_tokens=38)
    assert hear(ended(usage=usage)) == [counted, d.Stop("stop")]
    assert whole({"content": []}, usage=usage) == [counted, d.Stop("stop")]


def test_h3_images_are_read_too() -> None:
    tokens = {"input_tokens": 34, "output_tokens": 56, "image_tokens": 259}
    assert hear(ended(usage={"tokens": tokens}))[0] == d.Usage(input_tokens=293, output_tokens=56)


def test_h3_billed_units_stand_in_where_there_are_no_tokens() -> None:
    usage = {"billed_units": {"input_tokens": 8.0, "output_tokens": 5}}
    assert hear(ended(usage=usage))[0] == d.Usage(input_tokens=8, output_tokens=5)


@pytest.mark.parametrize("usage", [None, {}, {"tokens": None}, {"tokens": {"input_tokens": "8"}}, 7])
def test_h3_what_counts_nothing_is_no_usage(usage: Any) -> None:
    assert hear(ended(usage=usage)) == [d.Stop("stop")]


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("SOMETHING_NEW", "stop"),
    ],
)
def test_h3_finish_reasons_are_in_upper_case(reason: str, stop: Any) -> None:
    assert hear(ended(reason)) == [d.Stop(stop)]


# H4: failures; those over HTTP are in test_errors.py


def test_h4_an_answer_that_failed_says_so_at_its_end() -> None:
    last = ended("ERROR", usage={"tokens": {"input_tokens": 3}}, error="invalid tool generation")
    last["delta"]["error_type"] = "INVALID_TOOL_GENERATION"
    deltas = hearing(START, plan("I will"), last)
    assert next(deltas) == d.Reasoning("plan", "I will")
    assert next(deltas) == d.Usage(input_tokens=3)
    with pytest.raises(UpstreamFailed) as caught:
        next(deltas)
    assert (caught.value.code, caught.value.message) == ("invalid_tool_generation", "invalid tool generation")


def test_h4_too_many_tokens_is_the_context_that_is_too_long() -> None:
    with pytest.raises(UpstreamRejected) as caught:
        hear(ended("ERROR", error="too many tokens: …", error_type="TOO_MANY_TOKENS"))
    assert caught.value.code == "context_length_exceeded"


def test_h4_running_out_of_time_is_a_timeout() -> None:
    with pytest.raises(UpstreamTimeout):
        hear(ended("TIMEOUT"))


def test_h4_an_error_alone_in_a_stream_is_one() -> None:
    with pytest.raises(UpstreamFailed) as caught:
        hear({"id": "x", "message": "internal server error"})
    assert caught.value.message == "internal server error"


# H5: thoughts


def test_h5_a_block_of_thoughts_comes_before_the_text() -> None:
    deltas = hear(
        begin(0, "thinking"),
        thinking(0, "5 + 3"),
        thinking(0, " is 8"),
        over("content", 0),
        begin(1, "text"),
        text(1, "8"),
        over("content", 1),
        ended(),
    )
    assert deltas == [
        d.Reasoning("content:0", "5 + 3"),
        d.Reasoning("content:0", " is 8"),
        d.Text("content:1", "8"),
        d.Stop("stop"),
    ]


def test_h5_a_whole_answer_says_the_same_as_a_stream() -> None:
    message = {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "8"}]}
    streamed = hear(begin(0, "thinking"), thinking(0, "hm"), begin(1, "text"), text(1, "8"), ended())
    assert whole(message) == streamed


# H6: version 1, whose lines are no events of ours


def test_h6_lines_of_version_1_are_no_answer() -> None:
    with pytest.raises(UpstreamDisconnected):
        hear({"event_type": "stream-start"}, {"event_type": "text-generation", "text": "Hi"})


# Besides


def test_log_probabilities_are_those_of_their_text() -> None:
    odds = {"text": " ab", "token_ids": [1, 2], "logprobs": [-0.25, -0.5]}
    expected = [{"token": " ab", "logprob": -0.75, "bytes": [32, 97, 98], "top_logprobs": []}]
    assert hear(text(0, " ab", logprobs=odds), ended())[0] == d.Text("content:0", " ab", expected)
    streamless = whole({"content": [{"type": "text", "text": " ab"}]}, logprobs=[odds])
    assert streamless[0] == d.Text("content:0", " ab", expected)


@pytest.mark.parametrize(
    "odds", [None, 7, {"text": "ab"}, {"text": "ab", "logprobs": None}, {"text": "ab", "logprobs": ["x"]}]
)
def test_what_is_no_log_probability_is_none(odds: Any) -> None:
    assert hear(text(0, "ab", logprobs=odds), ended())[0] == d.Text("content:0", "ab")


def test_log_probabilities_that_spell_something_else_are_not_those_of_the_text() -> None:
    odds = {"text": "thought", "token_ids": [1], "logprobs": [-0.25]}
    assert whole({"content": [{"type": "text", "text": "ab"}]}, logprobs=[odds])[0] == d.Text(
        "content:0", "ab"
    )


def test_text_may_stand_in_the_start_of_its_block() -> None:
    started = event("content-start", 0, content={"type": "text", "text": "Hi"})
    assert hear(started, ended())[0] == d.Text("content:0", "Hi")


def test_a_whole_answer_without_a_message_is_none() -> None:
    with pytest.raises(ProtocolViolation):
        list(Cohere().answer({"id": "1"}))


@pytest.mark.parametrize("data", [b"{", b"[]", b'"x"'])
def test_what_is_no_object_is_a_violation(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        list(Cohere().decoder().feed(Frame(None, data)))


def test_the_events_of_these_tests_are_cohere_s() -> None:
    for each in (
        START,
        begin(0, "thinking"),
        thinking(0, "x"),
        text(0, "x", logprobs={"text": "x", "token_ids": [1], "logprobs": [-1.0]}),
        plan("x"),
        calling(0, "a", "f"),
        arguments(0, "{}"),
        event("citation-start", 0, citations=cited(0, 1, "x", TOOL, PAGE, content_index=0, type="PLAN")),
        *(over(kind, 0) for kind in ("content", "tool-call", "citation")),
        ended("ERROR", error="x", usage={"tokens": {"input_tokens": 1}}),
    ):
        judge_event(each)
