"""The rows C1 to C44 of the table of quirks, in every recording that shows them.

The same rows without recordings, and C24 and C45, of which there are none, are in test_quirks.py; errors
have their own test_errors.py.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProviderError, UpstreamRejected
from antiphon.protocol.json import MalformedJSON, decode
from antiphon.upstream.providers.cerebras import CEREBRAS
from antiphon.upstream.providers.deepseek import DEEPSEEK
from antiphon.upstream.providers.mistral import MISTRAL
from antiphon.upstream.stream import DeltaStream
from tests.recordings import Recording, each_showing, needs_recordings
from tests.upstream.dialects.chat.oracle import details, joined, read
from tests.upstream.dialects.recorded import JSON, Played, deltas_of, played, provider_of, sent
from tests.upstream.faults import answer, call, once

pytestmark = needs_recordings


def heard(recording: Recording) -> list[d.Delta]:
    """All deltas up to the end, or to a failure."""
    deltas: list[d.Delta] = []
    with suppress(ProviderError):
        deltas.extend(deltas_of(recording))
    return deltas


def of(kind: type, deltas: list[d.Delta]) -> list[Any]:
    return [delta for delta in deltas if isinstance(delta, kind)]


def messages(recording: Recording) -> list[JSON]:
    """What the first candidate said, whole or in pieces."""
    choices = [choice for chunk in sent(recording) for choice in chunk.get("choices", [])]
    return [choice.get("delta") or choice.get("message") or {} for choice in choices if choice["index"] == 0]


def usages(recording: Recording) -> list[JSON]:
    return [chunk["usage"] for chunk in sent(recording) if chunk.get("usage")]


def as_said(recording: Recording) -> Played:
    """The answer, which is in text, thoughts and calls what the recording says."""
    answer, said = played(recording), read(recording)
    assert answer.text == said.text
    assert answer.thoughts == said.reasoning
    assert answer.calls == [(name, arguments or "{}") for name, _, arguments in said.calls]
    return answer


def counted(recording: Recording) -> Played:
    """The answer, whose tokens are those of the last usage that the recording has."""
    answer, last = as_said(recording), usages(recording)[-1]
    assert answer.tokens[:2] == (last["prompt_tokens"], last["completion_tokens"])
    return answer


@each_showing("C1")
def test_c1_usage_comes_in_a_last_chunk_without_choices(recording: Recording) -> None:
    *before, last = sent(recording)
    assert last["choices"] == []
    assert all(chunk["usage"] is None for chunk in before)
    counted(recording)


@each_showing("C2")
def test_c2_padding_of_chunks_goes_and_the_words_stay(recording: Recording) -> None:
    assert any("obfuscation" in chunk for chunk in sent(recording))
    assert not any("obfuscation" in event for event in played(recording).events)
    answer, said = played(recording), read(recording)
    assert (answer.text, [name for name, _ in answer.calls]) == (said.text, [call[0] for call in said.calls])


@each_showing("C3")
def test_c3_a_first_chunk_about_the_prompt_alone_is_no_beginning(recording: Recording) -> None:
    first = sent(recording)[0]
    assert (first["choices"], first["id"], first["model"]) == ([], "", "")
    assert counted(recording).response["status"] == "completed"


@each_showing("C4")
def test_c4_an_answer_that_was_filtered_is_empty_and_says_why(recording: Recording) -> None:
    response = played(recording).response
    assert (response["status"], response["output"]) == ("incomplete", [])
    assert response["incomplete_details"] == {"reason": "content_filter"}


@each_showing("C5")
def test_c5_usage_that_groq_says_twice_is_counted_once(recording: Recording) -> None:
    said = read(recording).usage
    counts = of(d.Usage, heard(recording))
    assert [(count.input_tokens, count.output_tokens) for count in counts] == ([said[:2]] if said else [])


@each_showing("C6")
def test_c6_a_failure_in_the_middle_is_one_and_what_was_said_stays(recording: Recording) -> None:
    error = sent(recording)[-1]["error"]
    with pytest.raises(UpstreamRejected) as raised:
        list(deltas_of(recording))
    assert (raised.value.code, raised.value.message) == (error["code"], error["message"])
    answer = as_said(recording)
    assert answer.response["status"] == "failed"
    assert answer.text != ""


@each_showing("C7")
def test_c7_the_thoughts_of_the_analysis_channel_are_thoughts(recording: Recording) -> None:
    assert {message["channel"] for message in messages(recording) if "channel" in message} == {"analysis"}
    assert as_said(recording).thoughts != ""


@each_showing("C8")
def test_c8_calls_that_come_whole_with_finish_and_usage_are_calls(recording: Recording) -> None:
    (chunk,) = [chunk for chunk in sent(recording) if chunk["choices"][0]["delta"].get("tool_calls")]
    assert chunk["choices"][0]["finish_reason"] == "tool_calls"
    assert chunk["usage"]
    assert len(counted(recording).calls) == len(chunk["choices"][0]["delta"]["tool_calls"])


@each_showing("C9")
def test_c9_the_padding_p_is_nowhere_in_what_we_say(recording: Recording) -> None:
    assert any("p" in chunk for chunk in sent(recording))
    answer, said = played(recording), read(recording)
    assert not any("p" in event for event in answer.events)
    assert answer.text == said.text


@each_showing("C10")
def test_c10_thoughts_in_parts_of_the_content_are_heard_and_go_back_as_they_came(
    recording: Recording,
) -> None:
    (message,) = messages(recording)
    answer = as_said(recording)
    assert provider_of(recording) is MISTRAL
    assert answer.thoughts != ""
    said, _ = MISTRAL.dialect.encode(Turn(model="m", items=answer.stored)).body["messages"]
    closed = [{"closed": True, **part} if part["type"] == "thinking" else part for part in said["content"]]
    assert closed == message["content"]  # closed thoughts are what is meant where nothing is said


@each_showing("C11")
def test_c11_a_call_without_a_type_is_a_function_call(recording: Recording) -> None:
    pieces = [call for message in messages(recording) for call in message.get("tool_calls") or []]
    assert pieces
    assert not any("type" in piece for piece in pieces)
    assert len(as_said(recording).calls) == len(pieces)


@each_showing("C12")
def test_c12_the_words_in_mistrals_envelope_are_passed_on(recording: Recording) -> None:
    body = sent(recording)[0]
    error = MISTRAL.dialect.error(recording.status, recording.wire)
    assert isinstance(error, UpstreamRejected)
    assert (error.message, error.status) == (body["message"], body["raw_status_code"])


@each_showing("C13")
def test_c13_of_two_fields_one_is_null_and_cached_tokens_have_a_name_of_their_own(
    recording: Recording,
) -> None:
    pieces = [message for message in messages(recording) if "reasoning_content" in message]
    assert all(None in (piece["content"], piece["reasoning_content"]) for piece in pieces)
    details = counted(recording).response["usage"]["input_tokens_details"]
    assert details["cached_tokens"] == usages(recording)[-1]["prompt_cache_hit_tokens"]


@each_showing("C14")
def test_c14_comments_are_no_events_of_the_provider(recording: Recording) -> None:
    """They keep the connection open, and must not keep a dead provider alive."""
    assert b": OPENROUTER PROCESSING" in recording.wire
    provider = provider_of(recording)
    stream = DeltaStream(provider.dialect.decoder(), provider.filters, provider.dialect.framing)
    stream.feed(recording.wire)
    assert stream.events == recording.wire.count(b"data: ")


@each_showing("C15")
def test_c15_a_thought_that_is_said_in_two_fields_is_heard_once_and_goes_back(recording: Recording) -> None:
    assert any(
        message.get("reasoning") and message.get("reasoning_details") for message in messages(recording)
    )
    answer = played(recording)
    assert answer.thoughts == read(recording).reasoning != ""
    if answer.response["status"] == "failed":  # what failed never goes back
        return
    (message,) = provider_of(recording).dialect.encode(Turn(model="m", items=answer.stored)).body["messages"]
    assert joined(message["reasoning_details"]) == joined(details(recording))


@each_showing("C16")
def test_c16_an_error_after_the_finish_reason_is_a_failure_with_its_usage(recording: Recording) -> None:
    error = next(chunk["error"] for chunk in sent(recording) if "error" in chunk)
    with pytest.raises(UpstreamRejected, match=error["message"]):
        list(deltas_of(recording))
    answer = played(recording)
    assert answer.response["status"] == "failed"
    assert answer.response["usage"]["total_tokens"] == usages(recording)[-1]["total_tokens"]


@each_showing("C17")
def test_c17_costs_and_names_of_openrouters_providers_are_no_trouble(recording: Recording) -> None:
    first = sent(recording)[0]
    assert "provider" in first
    said = read(recording).usage
    assert said is not None
    answer = as_said(recording)
    assert answer.tokens == (said[0], said[1], said[4])


@each_showing("C18")
def test_c18_usage_beside_an_empty_delta_neither_speaks_nor_stops_again(recording: Recording) -> None:
    last = sent(recording)[-1]
    assert last["usage"]
    assert [choice["delta"].get("content") for choice in last["choices"]] == [""]
    deltas = heard(recording)
    assert len(of(d.Stop, deltas)) == (played(recording).response["status"] != "failed")
    assert len(of(d.Usage, deltas)) == 1


@each_showing("C19")
def test_c19_whole_calls_follow_the_thoughts(recording: Recording) -> None:
    whole = [message["tool_calls"] for message in messages(recording) if message.get("tool_calls")]
    assert all(isinstance(decode(call["function"]["arguments"].encode()), dict) for (call,) in whole)
    assert sent(recording)[-1]["choices"] == []
    answer = as_said(recording)
    assert len(answer.calls) == len(whole)
    assert [item["type"] for item in answer.response["output"]][-1] == "function_call"


@each_showing("C20")
def test_c20_what_every_chunk_repeats_is_said_once(recording: Recording) -> None:
    chunks = sent(recording)
    assert b"[DONE]" not in recording.wire
    assert all("citations" in chunk and "usage" in chunk for chunk in chunks)
    answer = counted(recording)
    (part,) = answer.parts("output_text")
    assert [note["url"] for note in part["annotations"]] == chunks[-1]["citations"]
    assert answer.response["status"] == "completed"


@each_showing("C21")
def test_c21_text_is_said_once_whatever_stands_beside_the_delta(recording: Recording) -> None:
    assert any("token_ids" in choice for chunk in sent(recording) for choice in chunk["choices"])
    assert counted(recording).text != ""


@each_showing("C22")
def test_c22_answers_of_copilot_are_answers_of_any_server(recording: Recording) -> None:
    chunks = sent(recording)
    assert not any("object" in chunk for chunk in chunks)
    assert "reasoning_tokens" in chunks[-1]["usage"]
    answer = counted(recording)
    assert answer.tokens[2] == chunks[-1]["usage"]["reasoning_tokens"]
    assert answer.response["status"] == "completed"


@each_showing("C23")
def test_c23_calls_without_an_id_get_one(recording: Recording) -> None:
    ids = [call["id"] for message in messages(recording) for call in message.get("tool_calls") or []]
    calls = as_said(recording).items("function_call")
    assert set(ids) <= {""}
    assert [call["call_id"] for call in calls] == [f"call_{n + 1}" for n in range(len(ids))]


@each_showing("C23")
def test_c23_thoughts_that_only_the_total_counts_are_part_of_the_output(recording: Recording) -> None:
    usage = usages(recording)[-1]
    prompt, output, thoughts = played(recording).tokens
    assert prompt + output == usage["total_tokens"]
    assert output - thoughts == usage["completion_tokens"]


@each_showing("C25")
def test_c25_without_a_finish_reason_calls_are_still_calls_and_an_end_is_an_end(recording: Recording) -> None:
    choices = [choice for chunk in sent(recording) for choice in chunk["choices"]]
    assert not any(choice.get("finish_reason") for choice in choices)
    answer = counted(recording)
    assert answer.response["status"] == "completed"
    stop = "tool_calls" if answer.calls else "stop"
    assert of(d.Stop, heard(recording)) == [d.Stop(stop)]


@each_showing("C26")
def test_c26_the_thoughts_of_cerebras_are_in_reasoning_both_ways(recording: Recording) -> None:
    assert "time_info" in sent(recording)[0]
    answer = counted(recording)
    assert answer.thoughts != ""
    assert provider_of(recording) is CEREBRAS
    (message,) = CEREBRAS.dialect.encode(Turn(model="m", items=answer.stored)).body["messages"]
    assert message["reasoning"] == answer.thoughts


@each_showing("C27")
def test_c27_an_empty_list_of_calls_is_no_call(recording: Recording) -> None:
    fields = {name for chunk in sent(recording) for choice in chunk["choices"] for name in choice}
    assert fields & {"stop_reason", "token_ids"}
    answer = counted(recording)
    stop = "tool_calls" if answer.calls else "stop"
    assert of(d.Stop, heard(recording)) == [d.Stop(stop)]


@each_showing("C28")
def test_c28_timings_beside_the_answer_are_no_trouble(recording: Recording) -> None:
    assert any("timings" in chunk for chunk in sent(recording))
    as_said(recording)


@each_showing("C28")
def test_c28_log_probabilities_are_those_of_the_text_and_not_of_tags_that_were_taken_out(
    recording: Recording,
) -> None:
    for part in played(recording).parts("output_text"):
        assert "".join(entry["token"] for entry in part["logprobs"]) in ("", part["text"])


@each_showing("C29")
def test_c29_the_thoughts_of_ollama_are_in_reasoning_and_its_ids_are_not_ours(recording: Recording) -> None:
    first = sent(recording)[0]
    assert first["system_fingerprint"] == "fp_ollama"
    answer = as_said(recording)
    assert first["id"] not in json.dumps(answer.events)
    assert len(answer.items("message")) <= 1


@each_showing("C30")
def test_c30_rates_beside_the_counts_are_no_counts(recording: Recording) -> None:
    assert "tokens_per_second" in usages(recording)[-1]
    counted(recording)


@each_showing("C31")
def test_c31_null_instead_of_calls_is_no_call(recording: Recording) -> None:
    assert all(message["tool_calls"] is None for message in messages(recording) if "tool_calls" in message)
    answer = counted(recording)
    assert answer.calls == []
    assert len(answer.items("message")) == (1 if answer.text else 0)


@each_showing("C32")
def test_c32_what_a_gateway_says_about_itself_is_no_trouble(recording: Recording) -> None:
    assert any("provider_metadata" in message for message in messages(recording))
    counted(recording)


@each_showing("C33")
def test_c33_cache_counts_in_the_names_of_anthropic_stand_beside_the_usual_ones(recording: Recording) -> None:
    usage = usages(recording)[-1]
    assert "cache_creation_input_tokens" in usage
    details = counted(recording).response["usage"]["input_tokens_details"]
    assert details["cached_tokens"] == usage["prompt_tokens_details"]["cached_tokens"]
    assert details["cache_write_tokens"] == usage["prompt_tokens_details"]["cache_write_tokens"]


@each_showing("C34")
def test_c34_a_stop_with_calls_is_a_stop_for_calls(recording: Recording) -> None:
    assert [choice["finish_reason"] for choice in sent(recording)[0]["choices"]] == ["stop"]
    assert counted(recording).calls
    assert of(d.Stop, heard(recording)) == [d.Stop("tool_calls")]


@each_showing("C35")
def test_c35_of_calls_only_the_one_that_was_cut_is_incomplete(recording: Recording) -> None:
    answer = as_said(recording)
    assert answer.response["status"] == "incomplete"
    *whole, cut = answer.items("function_call")
    assert [call["status"] for call in [*whole, cut]] == [*("completed" for _ in whole), "incomplete"]
    with pytest.raises(MalformedJSON):
        decode(cut["arguments"].encode())


@each_showing("C36")
def test_c36_a_refusal_is_a_refusal_and_no_text(recording: Recording) -> None:
    answer, said = played(recording), read(recording)
    assert answer.parts("refusal") == [{"type": "refusal", "refusal": said.refusal}]
    assert (answer.text, said.text, answer.response["status"]) == ("", "", "completed")


@each_showing("C37")
def test_c37_a_legacy_function_call_is_a_call_with_an_id(recording: Recording) -> None:
    (message,) = messages(recording)
    assert message.get("tool_calls") is None
    (call,) = as_said(recording).items("function_call")
    assert (call["name"], call["call_id"]) == (message["function_call"]["name"], "call_1")
    assert of(d.Stop, heard(recording)) == [d.Stop("tool_calls")]


@each_showing("C38")
def test_c38_only_the_first_of_several_candidates_speaks(recording: Recording) -> None:
    indexes = {choice["index"] for chunk in sent(recording) for choice in chunk["choices"]}
    assert indexes == {0, 1}
    assert len(as_said(recording).response["output"]) == 1


@each_showing("C39")
def test_c39_whatever_stands_behind_the_router_is_heard(recording: Recording) -> None:
    answer, said = played(recording), read(recording)
    assert answer.calls == [(name, arguments or "{}") for name, _, arguments in said.calls]
    everything = said.reasoning + said.text.replace("<think>", "").replace("</think>", "")
    assert "".join((answer.thoughts + answer.text).split()) == "".join(everything.split()) or answer.calls


@each_showing("C40")
def test_c40_thoughts_in_the_text_are_thoughts(recording: Recording) -> None:
    """One of them has the tags in its log probabilities alone: its server took them out of the text."""
    assert b"<think>" in recording.wire
    said, answer = read(recording).text, played(recording)
    thought, tag, rest = said.removeprefix("<think>").rpartition("</think>")
    assert (answer.thoughts, answer.text) == (thought.strip(), rest.lstrip())
    assert tag or recording.provider == "llamacpp"


@each_showing("C41")
async def test_c41_an_error_that_is_called_a_stream_of_octets_is_read(recording: Recording) -> None:
    assert recording.exchange["response"]["headers"]["content-type"] == "application/octet-stream"
    refusal = answer(recording.wire, "400 Bad Request", "application/octet-stream")
    heard = await call(once(refusal), {"dialect": DEEPSEEK.dialect})
    assert isinstance(heard.error, UpstreamRejected)
    assert heard.error.message == sent(recording)[0]["error"]["message"]


@each_showing("C42")
def test_c42_thoughts_that_xai_counts_apart_are_part_of_the_output(recording: Recording) -> None:
    usage = usages(recording)[-1]
    thoughts = usage["completion_tokens_details"]["reasoning_tokens"]
    answer = as_said(recording)
    assert answer.tokens == (usage["prompt_tokens"], usage["completion_tokens"] + thoughts, thoughts)
    assert answer.response["usage"]["total_tokens"] == usage["total_tokens"]


@each_showing("C43")
def test_c43_there_are_never_more_thoughts_than_output(recording: Recording) -> None:
    usage = usages(recording)[-1]
    assert usage["completion_tokens_details"]["reasoning_tokens"] > usage["completion_tokens"]
    assert played(recording).tokens[1:] == (usage["completion_tokens"], usage["completion_tokens"])


@each_showing("C44")
def test_c44_a_role_on_every_chunk_begins_nothing(recording: Recording) -> None:
    assert sum("role" in message for message in messages(recording)) > 1
    answer = as_said(recording)
    assert len(answer.items("message")) == (1 if answer.text else 0)
