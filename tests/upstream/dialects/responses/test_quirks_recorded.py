"""The rows R1 to R29 of the table of quirks, in every recording that shows them.

The same rows without recordings, and with what the recordings do not have, are in test_quirks.py.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import RateLimited, UpstreamUnauthorized
from antiphon.protocol.json import MalformedJSON, decode
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.providers.openai import OPENAI
from tests.play import play, stream_deltas
from tests.recordings import Recording, each_showing, needs_recordings
from tests.upstream.dialects.recorded import JSON, deltas_of, played, provider_of, sent

pytestmark = needs_recordings


def raw(recording: Recording) -> str:
    return str(recording.exchange["response"]["sse"])


def of(kind: str, events: list[JSON]) -> list[JSON]:
    return [event for event in events if event["type"] == f"response.{kind}"]


def items(phase: str, events: list[JSON], kind: str) -> list[JSON]:
    """Of output_item.added, or .done."""
    found = [event["item"] for event in of(f"output_item.{phase}", events)]
    return [item for item in found if item["type"] == kind]


def end_of(recording: Recording) -> JSON:
    """The response object as the provider ended it."""
    last = sent(recording)[-1]
    response: JSON = last.get("response", last)
    return response


def joined(events: list[JSON]) -> str:
    return "".join(event["delta"] for event in events)


@each_showing("R1")
def test_r1_a_stream_begins_once_with_created_and_in_progress(recording: Recording) -> None:
    kinds = played(recording).kinds
    assert sent(recording)[0]["type"] == "response.created"
    assert kinds[:2] == ["created", "in_progress"]
    assert not {"created", "in_progress", "queued"} & set(kinds[2:])


@each_showing("R2")
def test_r2_padding_goes_and_the_deltas_stay(recording: Recording) -> None:
    theirs = [event for event in sent(recording) if event["type"].endswith(".delta")]
    ours = [event for event in played(recording).events if event["type"].endswith(".delta")]
    assert all("obfuscation" in event for event in theirs)
    assert [(event["type"], event["delta"]) for event in ours] == [
        (event["type"], event["delta"]) for event in theirs
    ]
    assert not any("obfuscation" in event for event in ours)


@each_showing("R3")
def test_r3_the_tier_is_the_one_that_the_end_names(recording: Recording) -> None:
    assert sent(recording)[0]["response"]["service_tier"] == "auto"
    assert played(recording).response["service_tier"] == end_of(recording)["service_tier"] == "default"


@each_showing("R4")
def test_r4_the_seal_that_is_kept_is_the_one_of_the_finished_item(recording: Recording) -> None:
    begun, finished = (
        [item["encrypted_content"] for item in items(phase, sent(recording), "reasoning")]
        for phase in ("added", "done")
    )
    assert not set(begun) & set(finished)
    answer = played(recording)
    stored = [item["encrypted_content"] for item in answer.stored if item["type"] == "reasoning"]
    assert stored == [f"openai:{blob}" for blob in finished]
    assert not any(blob in json.dumps([answer.events, answer.stored]) for blob in begun)


@each_showing("R5")
def test_r5_the_output_is_what_was_streamed_where_the_end_lists_nothing(recording: Recording) -> None:
    (call,) = items("done", sent(recording), "function_call")
    assert end_of(recording)["output"] == []
    assert played(recording).calls == [(call["name"], call["arguments"])]


@each_showing("R6")
def test_r6_an_item_has_one_id_though_each_of_its_events_had_another(recording: Recording) -> None:
    theirs = {event["item_id"] for event in of("output_text.delta", sent(recording))}
    answer = played(recording)
    assert len(theirs) > 1
    for event in answer.events:
        if "item_id" in event:
            assert event["item_id"] == answer.response["output"][event["output_index"]]["id"]
    assert answer.text == joined(of("output_text.delta", sent(recording)))


@each_showing("R7")
def test_r7_a_comment_and_done_and_no_names_of_events_are_no_trouble(recording: Recording) -> None:
    assert raw(recording).startswith(":")
    assert raw(recording).rstrip().endswith("[DONE]")
    assert "event:" not in raw(recording)
    answer = played(recording)
    assert answer.response["status"] == "completed"
    assert answer.text == joined(of("output_text.delta", sent(recording)))


@each_showing("R8")
def test_r8_events_without_names_and_a_time_with_a_fraction_are_no_trouble(recording: Recording) -> None:
    assert "event:" not in raw(recording)
    assert isinstance(end_of(recording)["created_at"], float)
    answer = played(recording)
    assert isinstance(answer.response["created_at"], int)
    assert answer.text == joined(of("output_text.delta", sent(recording)))


@each_showing("R9")
def test_r9_events_are_numbered_where_the_upstream_numbers_none(recording: Recording) -> None:
    assert not any("sequence_number" in event for event in sent(recording))
    events = played(recording).events
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def same_thoughts(recording: Recording, framing: str) -> None:
    said = joined(of("reasoning_text.delta", sent(recording)))
    answer = played(recording)
    assert said
    assert answer.items("reasoning")[0]["content"] == [{"type": "reasoning_text", "text": said}]
    assert joined(of("reasoning_text.delta", answer.events)) == said
    added = [event for event in of(f"{framing}.added", answer.events) if event["output_index"] == 0]
    assert not added  # neither framing is relayed for thoughts


@each_showing("R10a")
def test_r10a_raw_thoughts_within_content_parts_are_heard(recording: Recording) -> None:
    same_thoughts(recording, "content_part")


@each_showing("R10b")
def test_r10b_raw_thoughts_within_reasoning_parts_are_heard(recording: Recording) -> None:
    same_thoughts(recording, "reasoning_part")


@each_showing("R10c")
def test_r10c_thoughts_that_come_as_summaries_are_summaries(recording: Recording) -> None:
    said = joined(of("reasoning_summary_text.delta", sent(recording)))
    assert said
    assert played(recording).items("reasoning")[0]["summary"] == [{"type": "summary_text", "text": said}]


@each_showing("R11")
def test_r11_counts_that_only_xai_has_are_carried(recording: Recording) -> None:
    theirs, ours = end_of(recording)["usage"], played(recording).response["usage"]
    own = {"cost_in_usd_ticks", "num_sources_used", "num_server_side_tools_used", "context_details"}
    assert theirs.keys() & own
    assert {name: ours[name] for name in theirs.keys() & own} == {
        name: theirs[name] for name in theirs.keys() & own
    }


@each_showing("R12")
def test_r12_the_content_filters_of_azure_are_carried(recording: Recording) -> None:
    assert played(recording).response["content_filters"] == end_of(recording)["content_filters"] != []


@each_showing("R13")
def test_r13_a_cut_answer_is_incomplete_and_has_its_usage(recording: Recording) -> None:
    answer, end = played(recording), end_of(recording)
    assert answer.kinds[-1] == answer.response["status"] == "incomplete"
    assert answer.response["incomplete_details"] == end["incomplete_details"]
    assert answer.response["usage"]["total_tokens"] == end["usage"]["total_tokens"] > 0
    statuses = [item.get("status") for item in answer.response["output"]]
    assert statuses == [item["item"].get("status") for item in of("output_item.done", sent(recording))]


@each_showing("R14")
def test_r14_a_cut_call_is_incomplete_and_its_arguments_stay_as_they_are(recording: Recording) -> None:
    (call,) = played(recording).items("function_call")
    assert call["status"] == "incomplete"
    assert call["arguments"] == joined(of("function_call_arguments.delta", sent(recording)))
    with pytest.raises(MalformedJSON):
        decode(call["arguments"].encode())


@each_showing("R15")
def test_r15_a_refusal_is_a_part_of_a_completed_message(recording: Recording) -> None:
    answer = played(recording)
    assert answer.parts("refusal") == [
        {"type": "refusal", "refusal": joined(of("refusal.delta", sent(recording)))}
    ]
    assert answer.response["status"] == answer.items("message")[0]["status"] == "completed"


@each_showing("R16")
def test_r16_what_a_search_did_is_known_when_it_is_done(recording: Recording) -> None:
    if recording.streamed:
        finished = items("done", sent(recording), "web_search_call")
        begun = items("added", sent(recording), "web_search_call")
        assert not any("query" in item.get("action", {}) for item in begun)
    else:
        finished = [item for item in end_of(recording)["output"] if item["type"] == "web_search_call"]
    searches = played(recording).items("web_search_call")
    assert [item["action"] for item in searches] == [item["action"] for item in finished] != []


@each_showing("R17")
def test_r17_events_of_a_command_without_an_item_id_are_of_the_item_of_their_index(
    recording: Recording,
) -> None:
    theirs = of("shell_call_command.done", sent(recording))
    assert not any("item_id" in event for event in theirs)
    answer = played(recording)
    ours = of("shell_call_command.done", answer.events)
    where = [(event["output_index"], event["command_index"], event["command"]) for event in ours]
    assert where == [(0, event["command_index"], event["command"]) for event in theirs]
    (shell,) = answer.items("shell_call")
    assert shell["action"]["commands"] == [event["command"] for event in theirs] != []


@each_showing("R18")
def test_r18_items_without_a_status_are_given_none(recording: Recording) -> None:
    ours, theirs = (
        [item["type"] for item in output if "status" not in item]
        for output in (played(recording).response["output"], end_of(recording)["output"])
    )
    assert ours == theirs != []


@each_showing("R19")
def test_r19_an_error_event_and_a_failed_response_are_one_failure(recording: Recording) -> None:
    *_, error, failed = sent(recording)
    assert (error["type"], failed["type"]) == ("error", "response.failed")
    with pytest.raises(RateLimited) as raised:
        list(deltas_of(recording))
    assert raised.value.message == error["error"]["message"]
    assert raised.value.code == error["error"]["code"]
    answer = played(recording)
    assert answer.kinds.count("failed") == 1
    assert answer.response["error"]["message"] == error["error"]["message"]


@each_showing("R20")
def test_r20_a_queue_and_the_replay_of_the_rest_of_a_stream_are_read_as_any_stream(
    recording: Recording,
) -> None:
    """No upstream is asked for a background response: what is here is that such a stream could be read.

    The replay (GET …?stream=true&starting_after=N) begins in the middle, with the numbers after N.
    """
    theirs = sent(recording)
    assert of("queued", theirs)
    events, assembler = play(stream_deltas(Responses(), [recording.wire]))
    assert "response.queued" not in {event["type"] for event in events}
    if theirs[-1]["type"] == "response.completed":
        assert assembler.response["status"] == "completed"
        assert joined(of("output_text.delta", events)) == joined(of("output_text.delta", theirs)) != ""
    else:
        assert events[-1]["type"] == "response.failed"  # the client had hung up


@each_showing("R21")
def test_r21_the_phase_of_a_message_is_carried(recording: Recording) -> None:
    if recording.streamed:
        finished = items("done", sent(recording), "message")
    else:
        finished = [item for item in end_of(recording)["output"] if item["type"] == "message"]
    answer = played(recording)
    phases = [item["phase"] for item in finished]
    assert [item.get("phase") for item in answer.items("message")] == phases
    assert [item.get("phase") for item in answer.stored if item["type"] == "message"] == phases


@each_showing("R22")
def test_r22_searches_for_tools_and_namespaces_of_calls_are_carried(recording: Recording) -> None:
    def told(items: list[JSON]) -> list[Any]:
        return [
            (item["type"], item.get("execution"), item.get("namespace"), item.get("arguments"))
            for item in items
            if item["type"] in ("function_call", "tool_search_call")
        ]

    ours, theirs = told(played(recording).response["output"]), told(end_of(recording)["output"])
    assert ours == theirs
    assert any(execution for _, execution, *_ in ours)
    assert any(namespace for *_, namespace, _ in ours)


@each_showing("R23")
def test_r23_code_is_streamed_and_its_outputs_are_null(recording: Recording) -> None:
    answer = played(recording)
    ran = answer.items("code_interpreter_call")
    code = of("code_interpreter_call_code.delta", answer.events)
    said = [joined(list(pieces)) for _, pieces in groupby(code, key=lambda event: event["output_index"])]
    assert said == [item["code"] for item in ran] != []
    assert {str(item["outputs"]) for item in ran} == {"None"}


@each_showing("R24")
def test_r24_an_annotation_that_is_said_twice_is_there_once(recording: Recording) -> None:
    theirs = of("output_text.annotation.added", sent(recording))
    answer = played(recording)
    ours = of("output_text.annotation.added", answer.events)
    annotations = [note for part in answer.parts("output_text") for note in part["annotations"]]
    assert len(ours) == len(theirs) > 0
    assert annotations == [event["annotation"] for event in theirs]


@each_showing("R25")
def test_r25_a_bad_key_under_status_400_is_ours_and_not_the_clients(recording: Recording) -> None:
    body = sent(recording)[0]
    assert (recording.status, type(body["error"])) == (400, str)
    error = provider_of(recording).dialect.error(recording.status, recording.wire)
    assert isinstance(error, UpstreamUnauthorized)
    assert body["error"] not in error.message


@each_showing("R26")
def test_r26_the_moderation_of_a_response_is_carried(recording: Recording) -> None:
    assert played(recording).response["moderation"] == end_of(recording)["moderation"] is not None


@each_showing("R27")
def test_r27_a_compaction_goes_back_as_it_came(recording: Recording) -> None:
    """Nobody asks an upstream to compact: what is here is that a client may bring what one made of it."""
    body = sent(recording)[0]
    (compaction,) = [item for item in body["output"] if item["type"] == "compaction"]
    assert body["object"] == "response.compaction"
    (said,) = OPENAI.dialect.encode(Turn(model="m", items=[compaction])).body["input"]
    assert said == {"type": "compaction", "encrypted_content": compaction["encrypted_content"]}


@each_showing("R28")
def test_r28_a_citation_that_is_only_a_url_covers_its_text(recording: Recording) -> None:
    theirs = [
        note
        for item in end_of(recording)["output"]
        for part in item.get("content", [])
        for note in part["annotations"]
    ]
    assert any("start_index" not in note for note in theirs)
    (part,) = played(recording).parts("output_text")
    assert part["annotations"] == [
        {"title": "", "start_index": 0, "end_index": len(part["text"]), **note} for note in theirs
    ]


@each_showing("R29")
def test_r29_parallel_calls_follow_one_another(recording: Recording) -> None:
    answer = played(recording)
    theirs = items("done", sent(recording), "function_call")
    assert answer.calls == [(item["name"], item["arguments"]) for item in theirs]
    assert len(theirs) > 1
    indexes = [event["output_index"] for event in answer.events if "output_index" in event]
    assert indexes == sorted(indexes)
