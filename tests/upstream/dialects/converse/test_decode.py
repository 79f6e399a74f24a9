"""Streams and answers that no recording shows: failures, oddities, damage."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.fold import fold
from antiphon.protocol.errors import (
    ProtocolViolation,
    ProviderError,
    RateLimited,
    UpstreamDisconnected,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
)
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.converse import Converse
from antiphon.upstream.stream import DeltaStream
from tests.play import play, stream_deltas
from tests.upstream.dialects.converse.speaking import (
    METADATA,
    START,
    begin,
    end,
    hear,
    hear_whole,
    more,
    of,
    stopped,
    wire_of,
)
from tests.upstream.wire import aws_messages

USE = {"toolUseId": "tooluse_1", "name": "now"}
TALK = [
    START,
    more(0, reasoningContent={"text": "Hm."}),
    more(0, reasoningContent={"signature": "c2ln"}),
    end(0),
    more(1, text="Hi "),
    more(1, text="there"),
    end(1),
    begin(2, toolUse=USE),
    more(2, toolUse={"input": '{"a":'}),
    more(2, toolUse={"input": "1}"}),
    end(2),
    stopped("tool_use"),
    METADATA,
]


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("throttlingException", RateLimited, "rate_limit_exceeded"),
        ("modelStreamErrorException", UpstreamFailed, "modelStreamErrorException"),
        ("internalServerException", UpstreamFailed, "internalServerException"),
        ("serviceUnavailableException", UpstreamFailed, "serviceUnavailableException"),
        ("validationException", UpstreamRejected, "upstream_rejected"),
        ("modelTimeoutException", UpstreamTimeout, "upstream_timeout"),
        ("accessDeniedException", UpstreamUnauthorized, "upstream_auth"),
        ("aNewException", UpstreamFailed, "aNewException"),
    ],
)
def test_an_exception_ends_the_stream_after_what_was_said(
    name: str, kind: type[ProviderError], code: str
) -> None:
    stream = DeltaStream(Converse().decoder(), framing="aws-event-stream")
    failure = aws_messages.exception(name, b'{"message":"It is so.","p":"abc"}')
    assert stream.feed(wire_of(START, more(0, text="Hi")) + failure) == [d.Text("0", "Hi")]
    assert type(stream.error) is kind
    assert stream.error.code == code
    assert stream.error.message == "It is so." or kind is UpstreamUnauthorized


def test_an_exception_without_words_is_one_all_the_same() -> None:
    stream = DeltaStream(Converse().decoder(), framing="aws-event-stream")
    stream.feed(aws_messages.exception("ThrottlingException", b""))
    assert isinstance(stream.error, RateLimited)


def test_the_words_of_the_models_server_are_better_than_none() -> None:
    failure = aws_messages.exception("modelStreamErrorException", b'{"originalMessage":"out of memory"}')
    with pytest.raises(UpstreamFailed, match="out of memory"):
        list(stream_deltas(Converse(), [failure]))


@pytest.mark.parametrize(
    ("status", "message", "kind", "code"),
    [
        (400, "Input is too long for requested model.", UpstreamRejected, "context_length_exceeded"),
        (400, "prompt is too long: 210000 tokens > 200000", UpstreamRejected, "context_length_exceeded"),
        (400, "This model doesn't support tool use.", UpstreamRejected, "upstream_rejected"),
        (401, "no", UpstreamUnauthorized, "upstream_auth"),
        (403, "The security token is expired", UpstreamUnauthorized, "upstream_auth"),
        (404, "Could not resolve the foundation model", UpstreamRejected, "model_not_found"),
        (408, "Model timed out", UpstreamTimeout, "upstream_timeout"),
        (424, "The model failed", UpstreamFailed, "modelErrorException"),
        (429, "Too many requests, please wait", RateLimited, "rate_limit_exceeded"),
        (500, "oops", UpstreamFailed, "internalServerException"),
        (503, "later", UpstreamFailed, "serviceUnavailableException"),
    ],
)
def test_a_status_says_which_exception_it_was(
    status: int, message: str, kind: type[ProviderError], code: str
) -> None:
    error = Converse().error(status, json.dumps({"message": message}).encode())
    assert (type(error), error.code, error.status) == (kind, code, status)
    assert Converse().error(status, b"<html>").status == status


def test_a_malformed_answer_of_the_model_is_a_failure() -> None:
    with pytest.raises(UpstreamFailed, match="malformed"):
        hear(START, more(0, text="{"), end(0), stopped("malformed_model_output"), METADATA)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("content_filtered", "content_filter"),
        ("a_new_reason", "stop"),
    ],
)
def test_the_reason_why_it_stopped_is_told(reason: str, expected: str) -> None:
    assert of(d.Stop, hear(START, stopped(reason), METADATA)) == [d.Stop(expected)]


def test_a_stream_without_its_usage_is_whole_and_one_without_its_stop_is_not() -> None:
    assert hear(START, more(0, text="Hi"), end(0), stopped())[-1] == d.Stop("stop")
    with pytest.raises(UpstreamDisconnected):
        hear(START, more(0, text="Hi"), end(0))


def test_nothing_is_heard_after_the_end() -> None:
    decoder = Converse().decoder()
    list(decoder.feed(Frame("messageStop", b'{"stopReason":"end_turn"}')))
    assert (decoder.answered, decoder.ended) == (True, False)
    list(decoder.feed(Frame("metadata", b"{}")))
    assert decoder.ended
    assert decoder.feed(Frame("exception:throttlingException", b"nonsense")) == ()
    assert decoder.finish() == ()


def test_damage_after_the_end_is_nobodys_trouble() -> None:
    whole = wire_of(*TALK)
    assert list(stream_deltas(Converse(), [whole + b"\x00" * 40])) == list(stream_deltas(Converse(), [whole]))


def test_damage_before_the_end_is_a_violation_after_what_was_said() -> None:
    stream = DeltaStream(Converse().decoder(), framing="aws-event-stream")
    assert stream.feed(wire_of(START, more(0, text="Hi")) + b"\x00" * 40) == [d.Text("0", "Hi")]
    assert stream.finish() == []
    assert isinstance(stream.error, ProtocolViolation)


def test_events_and_blocks_that_we_have_not_met_are_skipped() -> None:
    odd = (
        ("aNewEvent", {"x": 1}),
        begin(7, aNewBlock={}),
        more(7, aNewDelta={}),
        more(8, aNewDelta={}),
        end(7),
    )
    assert hear(START, *odd, more(1, text="Hi"), end(1), stopped(), METADATA)[-5:-2] == [
        d.Text("1", "Hi"),
        d.End("1"),
        d.End("8"),
    ]
    assert of(d.Text, hear_whole([{"guardContent": {"text": {"text": "x"}}}, {"text": "Hi"}])) == [
        d.Text("1", "Hi")
    ]


@pytest.mark.parametrize(
    "events",
    [
        [more(0, toolUse={"input": "{}"})],
        [begin(0, toolUse=USE), begin(0, toolUse=USE)],
        [("contentBlockDelta", {"delta": {"text": "x"}})],
        [("contentBlockDelta", {"contentBlockIndex": 0})],
        [("contentBlockStart", {"contentBlockIndex": 0, "start": 1})],
    ],
)
def test_what_makes_no_sense_is_a_violation(events: list[tuple[str, dict[str, object]]]) -> None:
    with pytest.raises(ProtocolViolation):
        hear(START, *events, stopped(), METADATA)


@pytest.mark.parametrize("data", [b"{", b"[]", b"1"])
def test_an_event_that_is_no_object_is_a_violation(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        Converse().decoder().feed(Frame("messageStop", data))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"message": "no"}, UpstreamFailed),
        ({}, ProtocolViolation),
        ({"output": 1}, ProtocolViolation),
        ({"output": {"message": {"content": "Hi"}}}, ProtocolViolation),
    ],
)
def test_an_answer_that_is_none_is_a_failure_or_a_violation(body: Any, kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        list(Converse().answer(body))


def test_the_tool_that_stands_for_the_answer_is_text() -> None:
    use = {"toolUseId": "tooluse_1", "name": "antiphon_answer"}
    deltas = hear(
        START,
        begin(0, toolUse=use),
        more(0, toolUse={"input": '{"a":'}),
        more(0, toolUse={"input": "1}"}),
        end(0),
        begin(1, toolUse=use),
        more(1, toolUse={"input": '{"a":2}'}),
        end(1),
        stopped("tool_use"),
        METADATA,
    )
    assert of(d.Text, deltas) == [d.Text("0", '{"a":'), d.Text("0", "1}")]
    assert of(d.Stop, deltas) == [d.Stop("stop")]
    assert play(deltas)[1].response["output"][0]["content"][0]["text"] == '{"a":1}'


def test_a_search_without_its_result_is_an_item_that_is_incomplete() -> None:
    use = {"toolUseId": "tooluse_1", "name": "nova_grounding", "type": "server_tool_use"}
    cut = hear(
        START, begin(0, toolUse=use), more(0, toolUse={"input": '{"que'}), end(0), stopped("max_tokens")
    )
    assert of(d.Hosted, cut)[0].item == {
        "type": "web_search_call",
        "status": "incomplete",
        "action": {"type": "search", "query": ""},
    }


def test_code_that_the_provider_ran_is_an_item_with_its_logs() -> None:
    use = {
        "toolUseId": "t",
        "name": "nova_code_interpreter",
        "type": "server_tool_use",
        "input": {"snippet": "print(1)"},
    }
    result = {
        "toolUseId": "t",
        "status": "error",
        "content": [{"json": {"stdOut": "1\n", "stdErr": "warning"}}],
    }
    expected = {
        "type": "code_interpreter_call",
        "status": "failed",
        "code": "print(1)",
        "container_id": "",
        "outputs": [{"type": "logs", "logs": "1\nwarning"}],
    }
    for asked in ({"snippet": "print(1)"}, {"code": "print(1)"}):
        whole = hear_whole([{"toolUse": {**use, "input": asked}}, {"toolResult": result}])
        assert of(d.Hosted, whole)[0].item == expected


def test_an_image_that_the_model_made_is_an_item() -> None:
    item = {"type": "image_generation_call", "status": "completed", "result": "aW1n", "output_format": "png"}
    whole = hear_whole([{"image": {"format": "png", "source": {"bytes": "aW1n"}}}])
    stream = hear(
        START,
        begin(0, image={"format": "png"}),
        more(0, image={"source": {"bytes": "aW1n"}}),
        end(0),
        stopped(),
        METADATA,
    )
    assert whole == stream
    assert of(d.Hosted, whole) == [d.Hosted("0", item)]


def test_the_service_tier_is_told_in_openais_words() -> None:
    reserved = ("metadata", {**METADATA[1], "serviceTier": {"type": "reserved"}})
    assert of(d.Served, hear(START, stopped(), reserved)) == [d.Served("scale")]


def test_any_damage_to_the_events_raises_only_our_errors() -> None:
    chance = random.Random(7)
    for _ in range(400):
        bent = [json.loads(json.dumps(event)) for event in TALK]
        for _ in range(chance.choice((1, 3))):
            place = chance.randrange(len(bent))
            said = bent[place][1]
            key = chance.choice([*said, "delta", "start", "contentBlockIndex"])
            said[key] = chance.choice((None, True, -1, "", "x", [], {}, [1], {"text": 3}, {"toolUse": []}))
        events, assembler = play(stream_deltas(Converse(), [wire_of(*bent)]))
        assert fold(events) == assembler.response
