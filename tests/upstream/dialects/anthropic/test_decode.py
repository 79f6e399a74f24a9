"""Deltas of streams and answers, beyond the quirks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.core import deltas as d
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
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.anthropic.tools import ANSWER_TOOL
from tests.play import play
from tests.upstream.dialects.anthropic.speaking import (
    START,
    STOP,
    begin,
    end,
    hear,
    more,
    of,
    say,
    stopped,
    user,
)


def test_thoughts_go_back_byte_for_byte() -> None:
    deltas = hear(
        begin(0, type="thinking", thinking="", signature=""),
        more(0, type="thinking_delta", thinking="Let me "),
        more(0, type="thinking_delta", thinking="see \u2028 \U0001f642"),
        more(0, type="signature_delta", signature="Eq+/Z=="),
        end(0),
        begin(1, type="text", text="Yes"),
        end(1),
        stopped("end_turn"),
    )
    _, assembler = play(deltas)
    content = say(items=[user("a"), *assembler.said, user("b")]).body["messages"][1]["content"]
    thought = {"type": "thinking", "thinking": "Let me see \u2028 \U0001f642", "signature": "Eq+/Z=="}
    assert content == [thought, {"type": "text", "text": "Yes"}]


def test_thoughts_that_are_not_shown_go_back_by_their_signature_alone() -> None:
    thought = {"type": "thinking", "thinking": "", "signature": "Eq+/Z=="}
    deltas = hear(begin(0, **thought), end(0), begin(1, type="text", text="Yes"), end(1), stopped("end_turn"))
    _, assembler = play(deltas)
    assert say(items=[user("a"), *assembler.said, user("b")]).body["messages"][1]["content"][0] == thought


@pytest.mark.parametrize(
    ("reason", "meaning"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause"),
        ("a_reason_of_tomorrow", "stop"),
    ],
)
def test_each_stop_reason_has_its_meaning(reason: str, meaning: str) -> None:
    assert hear(stopped(reason))[-1] == d.Stop(meaning)


def test_a_refusal_is_said_with_the_reason_that_is_given() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "This may cause harm."}
    deltas = hear(stopped("refusal", stop_details=details))
    assert deltas[-2:] == [d.Refusal("refusal", "This may cause harm."), d.Stop("content_filter")]


def test_the_tier_that_served_is_told() -> None:
    start = {"type": "message_start", "message": {"model": "claude-1", "usage": {"service_tier": "priority"}}}
    assert hear(start, STOP, wrap=False)[0] == d.Served("priority")


def test_the_answer_tool_is_the_answer() -> None:
    deltas = hear(
        begin(0, type="tool_use", id="t", name=ANSWER_TOOL, input={}),
        more(0, type="input_json_delta", partial_json='{"a":'),
        more(0, type="input_json_delta", partial_json=" 1}"),
        end(0),
        stopped("tool_use"),
    )
    assert "".join(delta.text for delta in of(d.Text, deltas)) == '{"a": 1}'
    assert deltas[-1] == d.Stop("stop")


def test_of_two_answers_through_the_tool_the_first_counts() -> None:
    answer = {"type": "tool_use", "name": ANSWER_TOOL}
    first, second = begin(0, **answer, id="a", input={"a": 1}), begin(1, **answer, id="b", input={"a": 2})
    deltas = hear(first, end(0), second, more(1, type="input_json_delta", partial_json="x"), end(1))
    assert of(d.Text, deltas) == [d.Text("0", '{"a":1}')]


def test_events_and_deltas_of_tomorrow_are_skipped_and_blocks_are_noted() -> None:
    known = [begin(0, type="text", text="Hi"), end(0), stopped("end_turn")]
    unknown = [
        {"type": "weather_report", "sun": True},
        begin(7, type="hologram", text="?", input=[]),
        more(7, type="hologram_delta", text="?"),
        end(7),
    ]
    noted = d.Untold("a block of a kind that is not known here: hologram", "dropped")
    assert [delta for delta in hear(*unknown, *known) if delta != noted] == hear(*known)
    assert of(d.Untold, hear(*unknown, *known)) == [noted]
    assert hear(known[0], more(0, type="smell_delta", text="?"), *known[1:]) == hear(*known)


@pytest.mark.parametrize(
    "event",
    [
        more(3, type="text_delta", text="x"),
        end(3),
        {"type": "content_block_start", "content_block": {"type": "text"}},
        {"type": "content_block_start", "index": 0},
        {"type": "message_start"},
    ],
)
def test_what_the_grammar_does_not_allow_is_a_violation(event: dict[str, Any]) -> None:
    with pytest.raises(ProtocolViolation):
        hear(event)


def test_a_block_cannot_start_twice() -> None:
    with pytest.raises(ProtocolViolation):
        hear(begin(0, type="text", text=""), begin(0, type="text", text=""))


def test_a_stream_without_its_end_marker_is_broken_off() -> None:
    with pytest.raises(UpstreamDisconnected):
        hear(START, begin(0, type="text", text="Hi"), end(0), stopped("end_turn"), wrap=False)


def test_nothing_counts_after_the_end_marker() -> None:
    assert hear(START, STOP, more(9, type="text_delta", text="x"), wrap=False) == hear(
        START, STOP, wrap=False
    )


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        ("overloaded_error", UpstreamFailed, "overloaded_error"),
        ("api_error", UpstreamFailed, "api_error"),
        ("error_of_tomorrow", UpstreamFailed, "error_of_tomorrow"),
        ("rate_limit_error", RateLimited, "rate_limit_exceeded"),
        ("timeout_error", UpstreamTimeout, "upstream_timeout"),
        ("authentication_error", UpstreamUnauthorized, "upstream_auth"),
        ("permission_error", UpstreamUnauthorized, "upstream_auth"),
        ("billing_error", UpstreamUnauthorized, "upstream_auth"),
        ("invalid_request_error", UpstreamRejected, "invalid_request_error"),
        ("not_found_error", UpstreamRejected, "model_not_found"),
    ],
)
def test_an_error_in_the_stream_says_whose_trouble_it_is(
    kind: str, error: type[ProviderError], code: str
) -> None:
    with pytest.raises(error) as raised:
        hear({"type": "error", "error": {"type": kind, "message": "Sorry"}})
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (413, b"<html>Request Entity Too Large</html>", UpstreamRejected, "request_too_large"),
        (529, b"", UpstreamFailed, "overloaded_error"),
        (500, b'{"type":"error","error":{"type":"api_error","message":"x"}}', UpstreamFailed, "api_error"),
        (429, b"[]", RateLimited, "rate_limit_exceeded"),
        (402, b"", UpstreamUnauthorized, "upstream_auth"),
        (404, b"", UpstreamRejected, "model_not_found"),
        (504, b"", UpstreamTimeout, "upstream_timeout"),
        (422, b"\xff", UpstreamRejected, "invalid_request_error"),
        (200, b"hello", UpstreamFailed, "api_error"),
    ],
)
def test_an_error_answer_says_whose_trouble_it_is(
    status: int, body: bytes, error: type[ProviderError], code: str
) -> None:
    found = Anthropic().error(status, body)
    assert (type(found), found.code, found.status) == (error, code, status)


def test_a_prompt_that_is_too_long_has_a_code_of_its_own() -> None:
    theirs = (
        b'{"error": {"message": "request (40017 tokens) exceeds the available context size (4096 tokens)"}}'
    )
    assert Anthropic().error(400, theirs).code == "context_length_exceeded"
    body = {
        "error": {
            "type": "invalid_request_error",
            "message": "prompt is too long: 208310 tokens > 200000 maximum",
        }
    }
    assert Anthropic().error(400, json.dumps(body).encode()).code == "context_length_exceeded"


def test_an_empty_balance_is_not_the_clients_fault() -> None:
    body = {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}}
    assert isinstance(Anthropic().error(400, json.dumps(body).encode()), UpstreamUnauthorized)


@pytest.mark.parametrize(
    "body", [{}, {"content": "x"}, {"content": [1]}, {"content": [], "container": 1, "usage": 2}]
)
def test_an_answer_that_is_no_message_is_a_violation_or_empty(body: dict[str, Any]) -> None:
    try:
        assert list(Anthropic().answer(body)) == []
    except ProtocolViolation:
        assert body != {"content": [], "container": 1, "usage": 2}


def test_an_error_with_status_200_is_an_error() -> None:
    with pytest.raises(UpstreamFailed):
        list(Anthropic().answer({"type": "error", "error": {"type": "overloaded_error", "message": "Sorry"}}))


def test_a_failed_search_says_so() -> None:
    deltas = hear(
        begin(0, type="server_tool_use", id="s", name="web_search", input={"query": "q"}),
        end(0),
        begin(
            1,
            type="web_search_tool_result",
            tool_use_id="s",
            content={"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"},
        ),
        end(1),
        stopped("end_turn"),
    )
    (item,) = (hosted.item for hosted in of(d.Hosted, deltas))
    assert (item["status"], item["error"]) == ("failed", {"code": "max_uses_exceeded"})


@pytest.mark.parametrize("failed", [False, True])
def test_an_mcp_call_is_an_item(failed: bool) -> None:
    deltas = hear(
        begin(0, type="mcp_tool_use", id="m", name="echo", server_name="srv", input={}),
        more(0, type="input_json_delta", partial_json='{"a": 1}'),
        end(0),
        begin(
            1,
            type="mcp_tool_result",
            tool_use_id="m",
            is_error=failed,
            content=[{"type": "text", "text": "hi"}],
        ),
        end(1),
        stopped("end_turn"),
    )
    (item,) = (hosted.item for hosted in of(d.Hosted, deltas))
    called = {"type": "mcp_call", "server_label": "srv", "name": "echo", "arguments": '{"a":1}'}
    assert item.items() >= called.items()
    assert (item["status"], item["output"]) == (("failed", None) if failed else ("completed", "hi"))
    assert (item["error"] is not None) is failed


def test_a_fetched_page_is_an_opened_one() -> None:
    result = {"type": "web_fetch_result", "url": "https://e.com", "content": {"type": "document"}}
    deltas = hear(
        begin(0, type="server_tool_use", id="s", name="web_fetch", input={"url": "https://e.com"}),
        end(0),
        begin(1, type="web_fetch_tool_result", tool_use_id="s", content=result),
        end(1),
        stopped("end_turn"),
    )
    (item,) = (hosted.item for hosted in of(d.Hosted, deltas))
    assert item["action"] == {"type": "open_page", "url": "https://e.com"}
