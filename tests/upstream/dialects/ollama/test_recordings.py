"""Nothing that a recorded answer says is lost, whether it was streamed or not."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import UpstreamDisconnected, UpstreamRejected
from antiphon.upstream.dialects.ollama import Ollama
from tests.play import answer_deltas, play, stream_deltas
from tests.recordings import Recording, needs_recordings, recordings
from tests.upstream.dialects.ollama.checker import check
from tests.upstream.dialects.ollama.hearing import say
from tests.upstream.dialects.ollama.oracle import Said, read
from tests.upstream.dialects.saying import output, user

pytestmark = needs_recordings


def deltas_of(recording: Recording) -> Iterable[d.Delta]:
    if recording.streamed:
        return stream_deltas(Ollama(), [recording.wire])
    return answer_deltas(Ollama(), recording.wire)


def put_together(deltas: Iterable[d.Delta]) -> Said:
    said = Said()
    calls: dict[str, list[str]] = {}
    for delta in deltas:
        match delta:
            case d.Text():
                said.text += delta.text
            case d.Reasoning():
                said.thoughts += delta.text
            case d.Call():
                calls[delta.part] = [delta.call_id, delta.name, ""]
            case d.Arguments():
                calls[delta.part][2] += delta.text
            case d.Usage():
                said.usage = delta.input_tokens, delta.output_tokens
            case d.Stop():
                said.stop = delta.reason
    said.calls = [(call_id, name, json.loads(text)) for call_id, name, text in calls.values()]
    return said


def answered(kind: str | None = None) -> pytest.MarkDecorator:
    rows = [row for row in recordings("ollama", kind=kind) if row.status == 200]
    return pytest.mark.parametrize("recording", rows, ids=str)


def test_all_recordings_of_the_family_are_here() -> None:
    assert (len(recordings("ollama", kind="ndjson")), len(recordings("ollama", kind="json"))) == (2, 4)


@answered()
def test_what_is_heard_is_what_was_said(recording: Recording) -> None:
    expected = read(recording)
    if expected.calls:
        assert expected.stop == "stop"  # O2
        expected.stop = "tool_calls"
    assert put_together(deltas_of(recording)) == expected


@answered()
def test_what_was_said_goes_back_as_ollama_said_it(recording: Recording) -> None:
    _, assembler = play(deltas_of(recording))
    said = read(recording)
    outputs = [output(call_id) for call_id, *_ in said.calls]
    body = say(items=[user("?"), *assembler.said, *outputs]).body
    check(body)
    message = body["messages"][1]
    assert (message["content"], message.get("thinking", "")) == (said.text, said.thoughts)
    calls = [(call["id"], call["function"]) for call in message.get("tool_calls", [])]
    assert [(call_id, one["name"], one["arguments"]) for call_id, one in calls] == said.calls


@answered("stream")
def test_a_stream_cut_before_its_end_is_a_failure(recording: Recording) -> None:
    lines = recording.wire.rstrip(b"\n").split(b"\n")
    with pytest.raises(UpstreamDisconnected):
        list(stream_deltas(Ollama(), [b"\n".join(lines[:-1]) + b"\n"]))


@answered("stream")
def test_a_stream_cut_in_its_last_line_is_the_same_failure(recording: Recording) -> None:
    with pytest.raises(UpstreamDisconnected):
        list(stream_deltas(Ollama(), [recording.wire.rstrip(b"\n")[:-5]]))


@pytest.mark.parametrize("recording", [row for row in recordings("ollama") if row.status != 200], ids=str)
def test_a_model_that_does_not_exist_is_the_clients_error(recording: Recording) -> None:
    error = Ollama().error(recording.status, recording.wire)
    assert isinstance(error, UpstreamRejected)
    assert (error.code, error.param, error.status) == ("model_not_found", "model", 404)
