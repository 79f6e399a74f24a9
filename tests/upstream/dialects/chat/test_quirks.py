"""The rows of the table of real traffic (C1 to C45) that are about answers, one law each.

C12, C28 and C41 are about errors too, C39 is the sum of the others, C40 is the think-tags filter's. What the
recordings themselves say of each row is in test_quirks_recorded.py.
"""

from __future__ import annotations

import pytest

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.protocol.errors import UpstreamDisconnected, UpstreamFailed, UpstreamRejected
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Frame
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.providers.mistral import MISTRAL
from antiphon.upstream.wire.sse import SSEReader
from tests.play import play
from tests.upstream.dialects.chat.hearing import DONE, calls, chunk, hear, hearing, of, piece

USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
COUNTED = d.Usage(5, 7)
HI, STOP = d.Text("text", "hi"), d.Stop("stop")


def test_c1_usage_comes_in_a_last_chunk_without_choices() -> None:
    said = chunk(content="hi") | {"usage": None}, chunk("stop"), {"choices": [], "usage": USAGE}, DONE
    assert hear(*said) == [HI, COUNTED, STOP]


@pytest.mark.parametrize(
    "padding", ["obfuscation", "p", "system_fingerprint", "provider", "venice_parameters", "time_info"]
)
def test_c2_c9_c17_c24_c26_padding_and_unknown_fields_are_skipped(padding: str) -> None:
    assert hear(chunk(content="hi") | {padding: "xyz"}, chunk("stop")) == [HI, STOP]


def test_c3_a_first_chunk_without_choice_id_or_model_says_nothing() -> None:
    azure = {"choices": [], "id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0}]}
    assert hear(azure, chunk("stop", content="hi")) == [HI, STOP]


def test_c4_an_empty_answer_of_a_content_filter_says_why() -> None:
    assert hear(chunk("content_filter"), DONE) == [d.Stop("content_filter")]


def test_c4_a_refused_prompt_under_status_200_is_a_rejection() -> None:
    body = {"error": {"code": "content_filter", "status": 400, "message": "filtered"}}
    with pytest.raises(UpstreamRejected, match="filtered") as refusal:
        list(Chat().answer(body))
    assert refusal.value.code == "content_filter"


def test_c5_usage_said_twice_is_counted_once() -> None:
    last = chunk("stop") | {"x_groq": {"usage": USAGE | {"queue_time": 0.1}}}
    assert of(d.Usage, hear(last, {"choices": [], "usage": USAGE}, DONE)) == [COUNTED]


def test_c6_an_error_event_ends_the_stream_with_its_code() -> None:
    data = b'{"error":{"code":"tool_use_failed","message":"no tool called","status_code":400}}'
    with pytest.raises(UpstreamRejected, match="no tool called") as failure:
        Chat().decoder().feed(Frame("error", data))
    assert failure.value.code == "tool_use_failed"


def test_c7_reasoning_has_its_own_field_and_a_channel_that_is_not_needed() -> None:
    assert of(d.Reasoning, hear(chunk(reasoning="hm", channel="analysis", executed_tools=[]), DONE)) == [
        d.Reasoning("reasoning", "hm")
    ]


def test_c8_c11_whole_calls_without_type_come_with_finish_and_usage_in_one_chunk() -> None:
    pair = [{"index": i, "id": f"c{i}", "function": {"name": "f", "arguments": "{}"}} for i in (0, 1)]
    deltas = hear(chunk("tool_calls", content="", tool_calls=pair) | {"usage": USAGE}, DONE)
    assert calls(deltas) == [("c0", "f", "{}"), ("c1", "f", "{}")]
    assert deltas[-2:] == [COUNTED, d.Stop("tool_calls")]


def test_c10_content_switches_between_list_and_string() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "h"},
    ]
    assert hear(chunk(content=parts), chunk("stop", content="i")) == [
        d.Reasoning("reasoning", "hm"),
        d.Text("text", "h"),
        d.Text("text", "i"),
        STOP,
    ]


def test_c10_thoughts_of_a_stream_go_back_as_one_part_before_the_text_and_the_calls() -> None:
    pieces = [[{"type": "thinking", "thinking": [{"type": "text", "text": text}]}] for text in ("h", "m")]
    call = {"id": "D681PevKs", "function": {"name": "f", "arguments": '{"a":1}'}, "index": 0}
    said = *(chunk(content=piece) for piece in pieces), chunk(content="hi"), chunk(tool_calls=[call])
    _, assembler = play(hear(*said, chunk("tool_calls"), DONE, chat=MISTRAL.dialect))
    message, _ = MISTRAL.dialect.encode(Turn(model="m", items=assembler.said)).body["messages"]
    assert message["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "hi"},
    ]
    assert [call["id"] for call in message["tool_calls"]] == ["D681PevKs"]


def test_c13_fields_that_are_null_say_nothing() -> None:
    thought = chunk(content=None, reasoning_content="hm")
    answer = chunk(content="hi", reasoning_content=None)
    assert hear(thought, answer, DONE) == [d.Reasoning("reasoning", "hm"), HI, STOP]


def test_c13_cached_tokens_may_have_deepseeks_own_name() -> None:
    counts = USAGE | {"prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 1}
    assert of(d.Usage, hear(chunk("stop") | {"usage": counts})) == [d.Usage(5, 7, cached_tokens=4)]


def test_c14_c45_comments_between_data_are_no_chunks() -> None:
    wire = b': OPENROUTER PROCESSING\n\ndata: {"choices":[{"delta":{"content":"hi"}}]}\n\n: ping - 1\n\n'
    decoder = Chat().decoder()
    assert [delta for frame in SSEReader().feed(wire) for delta in decoder.feed(frame)] == [HI]


def test_c15_c33_a_thought_said_in_three_fields_is_heard_once() -> None:
    details = [{"type": "reasoning.text", "text": "hm", "index": 0}]
    thought = chunk(reasoning="hm", reasoning_content="hm", reasoning_details=details)
    assert of(d.Reasoning, hear(thought, DONE)) == [d.Reasoning("reasoning", "hm")]


def test_c16_an_error_after_the_finish_reason_still_fails_and_its_usage_still_counts() -> None:
    late = chunk(content="") | {"error": {"code": 400, "message": "Token limit reached"}, "usage": USAGE}
    heard: list[d.Delta] = []
    with pytest.raises(UpstreamRejected, match="Token limit reached"):
        heard.extend(hearing(chunk("length", content="hi"), late, DONE))
    assert heard == [HI, COUNTED]


def test_c18_usage_may_stand_beside_an_empty_delta() -> None:
    last = chunk(role="assistant", content="") | {"usage": USAGE}
    assert hear(chunk("stop", content="hi"), last, DONE) == [HI, COUNTED, STOP]


def test_c19_a_whole_call_in_one_delta_follows_its_thoughts() -> None:
    call = [piece(0, "c", "f", '{"a":1}')]
    deltas = hear(chunk(reasoning_content="hm"), chunk(tool_calls=call), chunk("tool_calls"), DONE)
    assert (deltas[0], calls(deltas)) == (d.Reasoning("reasoning", "hm"), [("c", "f", '{"a":1}')])


def test_c20_a_cumulative_message_is_not_read_and_sources_are_cited_once_at_the_end() -> None:
    sources = {"citations": ["https://a"], "search_results": [{"url": "https://a", "title": "A"}]}
    one, two = chunk(content="h") | sources, chunk("stop", content="i") | sources
    one["choices"][0]["message"] = {"content": "h"}
    two["choices"][0]["message"] = {"content": "hi"}
    citation = d.Citation("text", {"type": "url_citation", "url": "https://a", "title": "A"})
    assert hear(one, two)[2:] == [citation, STOP]


def test_c21_text_beside_the_delta_is_a_copy() -> None:
    said = chunk("stop", content="hi")
    said["choices"][0]["text"] = "hi"
    assert of(d.Text, hear(said)) == [HI]


def test_c22_reasoning_tokens_may_stand_at_the_top_of_usage() -> None:
    said = chunk("stop") | {"usage": USAGE | {"reasoning_tokens": 3}}
    assert of(d.Usage, hear(said)) == [d.Usage(5, 7, reasoning_tokens=3)]


def test_c23_calls_without_an_id_are_calls() -> None:
    pair = [piece(0, "", "f", "{}"), piece(1, "", "g", "{}")]
    assert calls(hear(chunk("tool_calls", tool_calls=pair))) == [("", "f", "{}"), ("", "g", "{}")]


def test_c24_pieces_after_the_first_may_have_a_null_id() -> None:
    pieces = piece(0, "c", "f", ""), piece(0, None, None, '{"a"'), piece(0, None, None, ":1}")
    said = [chunk(tool_calls=[one]) for one in pieces]
    assert calls(hear(*said, chunk("tool_calls"))) == [("c", "f", '{"a":1}')]


def test_c25_an_empty_custom_beside_the_function_and_an_empty_finish_reason_mean_nothing() -> None:
    call = piece(0, "c", "f", "{}") | {"custom": {"name": "", "input": ""}}
    deltas = hear(chunk("", tool_calls=[call], function_call={"name": "", "arguments": ""}), DONE)
    assert deltas == [d.Call("call:0", "c", "f"), d.Arguments("call:0", "{}"), d.Stop("tool_calls")]


def test_c25_done_without_any_finish_reason_is_an_end() -> None:
    assert hear(chunk(content="hi"), DONE)[-1] == STOP


def test_c27_c31_empty_and_null_tool_calls_are_none() -> None:
    assert hear(chunk(content="hi", tool_calls=[]), chunk("stop", tool_calls=None)) == [
        HI,
        STOP,
    ]


def test_c29_c44_a_role_on_every_chunk_begins_nothing() -> None:
    said = chunk(role="assistant", content="hi"), chunk(role="assistant", content="hi"), chunk("stop")
    assert hear(*said) == [HI, HI, STOP]


def test_c30_usage_on_every_chunk_and_a_finish_reason_instead_of_done() -> None:
    growing = [chunk(content="hi") | {"usage": USAGE | {"completion_tokens": count}} for count in (1, 2)]
    deltas = hear(*growing, chunk("stop") | {"usage": USAGE})
    assert (of(d.Usage, deltas)[-1], deltas[-1]) == (COUNTED, STOP)


def test_c32_metadata_of_a_gateway_is_skipped() -> None:
    said = chunk("stop", content="hi", provider_metadata={"gateway": {"cost": "1"}}) | {"generationId": "g"}
    assert hear(said) == [HI, STOP]


def test_c33_cache_counts_in_the_names_of_anthropic_are_read() -> None:
    counts = USAGE | {"cache_creation_input_tokens": 2, "cache_read_input_tokens": 3, "cache_creation": {}}
    assert of(d.Usage, hear(chunk("stop") | {"usage": counts})) == [
        d.Usage(5, 7, cached_tokens=3, cache_write_tokens=2)
    ]


def test_c34_a_stop_with_calls_is_a_stop_for_calls() -> None:
    assert hear(chunk("stop", tool_calls=[piece(0, "c", "f", "{}")]))[-1] == d.Stop("tool_calls")


def test_c35_cut_arguments_stay_as_they_are_and_the_stop_says_length() -> None:
    deltas = hear(chunk(tool_calls=[piece(0, "c", "f", '{"a')]), chunk("length"), DONE)
    assert (calls(deltas), deltas[-1]) == ([("c", "f", '{"a')], d.Stop("length"))


def test_c36_a_refusal_comes_without_content() -> None:
    assert hear(chunk(refusal=""), chunk(refusal="No."), chunk("stop")) == [
        d.Refusal("refusal", "No."),
        STOP,
    ]


def test_c37_a_legacy_function_call_is_a_call_without_id() -> None:
    said = [{"name": "f", "arguments": ""}, {"arguments": '{"a"'}, {"arguments": ":1}"}]
    deltas = hear(*(chunk(function_call=one) for one in said), chunk("function_call"))
    assert (calls(deltas), deltas[-1]) == ([("", "f", '{"a":1}')], d.Stop("tool_calls"))


def test_c38_only_the_first_candidate_speaks() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "ho"}, "finish_reason": "length"}]}
    assert hear(chunk(content="hi"), other, chunk("stop"), DONE) == [HI, STOP]


def test_c23_thoughts_that_no_count_names_are_what_the_total_has_beyond_the_counts() -> None:
    counts = {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}
    assert of(d.Usage, hear(chunk("stop") | {"usage": counts})) == [d.Usage(35, 74, reasoning_tokens=62)]


@pytest.mark.parametrize("other", [{"prompt_tokens_details": {"text_tokens": 5}}, {"seconds": 10}])
def test_a_total_that_other_counts_could_explain_and_do_not_is_not_believed(other: JSON) -> None:
    counts = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 22, **other}
    assert of(d.Usage, hear(chunk("stop") | {"usage": counts})) == [COUNTED]


def test_c28_log_probabilities_of_what_is_not_in_the_text_are_left_out() -> None:
    tokens = ["<think>", "\n\n", "</think>", "hi", " there", "<|im_end|>"]
    said = chunk("stop", content="hi there")
    said["choices"][0]["logprobs"] = {"content": [{"token": token, "logprob": -0.5} for token in tokens]}
    (text,) = of(d.Text, hear(said))
    assert [entry["token"] for entry in text.logprobs] == ["hi", " there"]


@pytest.mark.parametrize(
    ("content", "tokens"),
    [("é!", ["\\xc3", "\\xa9", "!"]), ("a", [" cat"]), ("at", [" cat", "s"]), ("hi", ["ho", " "])],
)
def test_log_probabilities_that_do_not_spell_the_text_are_all_passed_on(
    content: str, tokens: list[str]
) -> None:
    said = chunk("stop", content=content)
    said["choices"][0]["logprobs"] = {"content": [{"token": token} for token in tokens]}
    (text,) = of(d.Text, hear(said))
    assert [entry["token"] for entry in text.logprobs] == tokens


def test_c42_reasoning_outside_the_output_is_told_by_the_total_and_added() -> None:
    counts = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 22}
    counts |= {"completion_tokens_details": {"reasoning_tokens": 10}}
    assert of(d.Usage, hear(chunk("stop") | {"usage": counts})) == [d.Usage(5, 17, reasoning_tokens=10)]


def test_c43_there_are_never_more_reasoning_than_output_tokens() -> None:
    counts = USAGE | {"completion_tokens_details": {"reasoning_tokens": 137}}
    assert of(d.Usage, hear(chunk("stop") | {"usage": counts})) == [d.Usage(5, 7, reasoning_tokens=7)]


def test_a_stream_with_neither_done_nor_finish_reason_was_cut() -> None:
    with pytest.raises(UpstreamDisconnected):
        hear(chunk(content="hi"))


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource"])
def test_a_finish_reason_that_means_failure_is_one(reason: str) -> None:
    with pytest.raises(UpstreamFailed, match=reason):
        hear(chunk(reason, content="hi"), DONE)
