"""Nothing that a recorded answer says is lost, whether it was streamed or not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import ProviderError, UpstreamDisconnected, UpstreamFailed, UpstreamRejected
from antiphon.upstream.dialects.cohere import Cohere
from tests.play import answer_deltas, play, stream_deltas
from tests.recordings import Recording, needs_recordings, recordings
from tests.upstream.dialects.cohere.checker import check
from tests.upstream.dialects.cohere.hearing import say
from tests.upstream.dialects.cohere.official import judge_event
from tests.upstream.dialects.cohere.oracle import Said, read
from tests.upstream.dialects.saying import output, user

pytestmark = needs_recordings

FAILS = {
    "cohere.chat_v2--langchain-cohere--test-sql-agent--3c364bed": "invalid_tool_generation",
    "cohere.chat_v2--langchain-cohere--test-sql-agent--7b6d2630": "invalid_tool_generation",
}
"""Answers under status 200 that are failures. All they say before is still said."""

VERSION_1 = {
    "cohere.chat_v1--langchain-cohere--test-invoke-multihop-agent--96847fc8",
    "cohere.chat_v1--langchain-cohere--test-invoke-multihop-agent--a5fbb940",
    "cohere.chat_v1--langchain-cohere--test-invoke-multihop-agent--c8e8be48",
}
"""Answers to `POST /v1/chat`, which is never sent: lines with an `event_type`, another API (H6)."""

STOPS = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}


def deltas_of(recording: Recording) -> Iterable[d.Delta]:
    if recording.streamed:
        return stream_deltas(Cohere(), [recording.wire])
    return answer_deltas(Cohere(), recording.wire)


def spoken(recording: Recording) -> Iterator[d.Delta]:
    """All deltas, with the failure, if the answer is one, swallowed where it is expected."""
    try:
        yield from deltas_of(recording)
    except ProviderError as error:
        assert FAILS.get(recording.id) == error.code, error.message
        assert isinstance(error, UpstreamFailed)


def put_together(deltas: Iterable[d.Delta]) -> Said:
    said = Said()
    for delta in deltas:
        match delta:
            case d.Text():
                said.text += delta.text
            case d.Reasoning(part="plan"):
                said.plan += delta.text
            case d.Reasoning():
                said.thoughts += delta.text
            case d.Call():
                said.calls[int(delta.part.removeprefix("call:"))] = [delta.call_id, delta.name, ""]
            case d.Arguments():
                said.calls[int(delta.part.removeprefix("call:"))][2] += delta.text
            case d.Citation():
                note = delta.annotation
                place = note["start_index"], note["end_index"]
                said.cited.append((*place, note["text"], note["file_id"]))
            case d.Usage():
                said.usage = (
                    delta.input_tokens,
                    delta.output_tokens,
                    delta.cached_tokens,
                    delta.reasoning_tokens,
                )
            case d.Stop():
                said.finish = delta.reason
    return said


def answered(kind: str | None = None) -> pytest.MarkDecorator:
    rows = [row for row in recordings("cohere", kind=kind) if row.status == 200]
    return pytest.mark.parametrize("recording", rows, ids=str)


def test_all_recordings_of_both_versions_are_here() -> None:
    streams, answers = recordings("cohere", kind="sse"), recordings("cohere", kind="json")
    assert (len(streams), len(answers)) == (7, 14)
    assert {row.id for row in streams} >= FAILS.keys()
    assert {row.id for row in recordings("cohere_v1") if row.provider == "cohere"} == VERSION_1


@answered()
def test_what_is_heard_is_what_was_said(recording: Recording) -> None:
    expected = read(recording)
    expected.finish = STOPS.get(expected.finish, "") if recording.id not in FAILS else ""
    assert put_together(spoken(recording)) == expected


@answered()
def test_a_citation_stands_in_the_response_where_its_words_are(recording: Recording) -> None:
    _, assembler = play(deltas_of(recording))
    parts = [part for item in assembler.response["output"] for part in item.get("content", [])]
    notes = [(part["text"], note) for part in parts for note in part["annotations"]]
    assert len(notes) == len(read(recording).cited)
    for text, note in notes:
        assert text[note["start_index"] : note["end_index"]] == note["text"]


@answered()
def test_what_was_said_goes_back_as_cohere_said_it(recording: Recording) -> None:
    if recording.id in FAILS:  # what failed never goes back
        return
    _, assembler = play(deltas_of(recording))
    said, model = read(recording), recording.exchange["request"]["body"]["model"]
    outputs = [output(call_id) for call_id, *_ in said.calls.values()]
    body = say(items=[user("?"), *assembler.said, *outputs], model=model).body
    check(body)
    message = body["messages"][1]
    blocks = message.get("content") or []
    if isinstance(blocks, str):
        blocks = [{"type": "text", "text": blocks}]
    assert "".join(block.get("text", "") for block in blocks) == said.text
    assert "".join(block.get("thinking", "") for block in blocks) == said.thoughts
    assert message.get("tool_plan", "") == said.plan
    calls = [(call["id"], *call["function"].values()) for call in message.get("tool_calls", [])]
    assert calls == [tuple(call) for call in said.calls.values()]


@answered("stream")
def test_a_stream_cut_before_its_end_is_a_failure(recording: Recording) -> None:
    events = recording.wire.split(b"\n\n")
    cut = b"\n\n".join(event for event in events if b"message-end" not in event and b"[DONE]" not in event)
    with pytest.raises(UpstreamDisconnected):
        list(stream_deltas(Cohere(), [cut + b"\n\n"]))


@answered("stream")
def test_cohere_s_library_knows_the_events_too(recording: Recording) -> None:
    for line in recording.wire.splitlines():
        if line.startswith(b"data: {"):
            judge_event(json.loads(line.removeprefix(b"data: ")))


@pytest.mark.parametrize("recording", [row for row in recordings("cohere") if row.status != 200], ids=str)
def test_a_model_that_does_not_exist_is_the_clients_error(recording: Recording) -> None:
    error = Cohere().error(recording.status, recording.wire)
    assert isinstance(error, UpstreamRejected)
    assert (error.code, error.param, error.status) == ("model_not_found", "model", 404)
