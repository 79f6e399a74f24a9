"""Nothing that a recorded answer says is lost, whether it was streamed or not."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.protocol.errors import UpstreamDisconnected, UpstreamRejected, UpstreamUnauthorized
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.gemini.seals import unseal
from tests.play import answer_deltas, play, stream_deltas
from tests.recordings import Recording, each_recording, needs_recordings, recordings
from tests.upstream.dialects.gemini.checker import check
from tests.upstream.dialects.gemini.oracle import Said, chunks, read
from tests.upstream.dialects.gemini.speaking import function, user

pytestmark = needs_recordings

ANSWERED = [row for row in recordings("gemini") if row.status == 200]
REFUSED = [row for row in recordings("gemini") if row.status >= 400]

each_answer = pytest.mark.parametrize("recording", ANSWERED, ids=str)


def dialect_of(recording: Recording) -> Gemini:
    return Gemini(vertex=recording.provider == "vertex")


def deltas_of(recording: Recording) -> list[d.Delta]:
    if recording.kind == "sse":
        return list(stream_deltas(dialect_of(recording), [recording.wire]))
    return list(answer_deltas(dialect_of(recording), recording.wire))


def of(kind: type[d.Delta], deltas: list[d.Delta]) -> list[Any]:
    return [delta for delta in deltas if isinstance(delta, kind)]


def heard(deltas: list[d.Delta]) -> Said:
    """What deltas say, in the oracle's words."""
    texts, arguments = defaultdict(str), defaultdict(str)
    for delta in of(d.Text, deltas):
        texts[delta.part] += delta.text
    for delta in of(d.Arguments, deltas):
        arguments[delta.part] += delta.text
    hosted = [delta.item for delta in of(d.Hosted, deltas)]
    signed = [entry.get("part", entry) for delta in of(d.Sealed, deltas) for entry in unseal(delta.blob)]
    signatures = [entry.get("signature", entry.get("thoughtSignature")) for entry in signed]
    usage = of(d.Usage, deltas)[-1]
    return Said(
        text="".join(texts.values()),
        thoughts="".join(delta.text for delta in of(d.Reasoning, deltas)),
        calls=[
            (call.name, json.loads(arguments[call.part] or "{}"), call.call_id) for call in of(d.Call, deltas)
        ],
        signatures=[signature for signature in signatures if signature],
        images=[item["result"] for item in hosted if item["type"] == "image_generation_call"],
        code=[item["code"] for item in hosted if item["type"] == "code_interpreter_call"],
        cited=sorted(
            (texts[cite.part][note["start_index"] : note["end_index"]], note.get("url") or note["file_id"])
            for cite in of(d.Citation, deltas)
            if (note := cite.annotation)
        ),
        queries=[
            query
            for item in hosted
            if item["type"] == "web_search_call"
            for query in item["action"]["queries"]
        ],
        usage=(usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens),
        logprobs=sum(len(delta.logprobs) for delta in of(d.Text, deltas)),
        refused="".join(delta.text for delta in of(d.Refusal, deltas)),
        stop=of(d.Stop, deltas)[-1].reason,
    )


@each_answer
def test_everything_that_was_said_is_heard(recording: Recording) -> None:
    assert heard(deltas_of(recording)) == read(recording)


@each_answer
def test_every_recording_makes_a_response_that_ends_well(recording: Recording) -> None:
    events, assembler = play(deltas_of(recording))
    assert events[-1]["type"] in ("response.completed", "response.incomplete")
    assert assembler.response["usage"]["output_tokens"] > 0


@each_answer
def test_what_was_said_goes_back_part_by_part_with_every_signature_where_it_was(recording: Recording) -> None:
    items = play(deltas_of(recording))[1].response["output"]
    outputs = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "done"}
        for item in items
        if item["type"] == "function_call"
    ]
    model = recording.exchange["model"]
    names = {item["name"] for item in items if item["type"] == "function_call"}
    turn = Turn(
        model=model,
        items=[user("a"), *items, *outputs, user("b")],
        tools=[function(name) for name in names],
    )
    request = dialect_of(recording).encode(turn)
    check(request, vertex=recording.provider == "vertex")
    parts = [
        part
        for content in request.body["contents"]
        if content["role"] == "model"
        for part in content["parts"]
    ]
    again = [(_what(part), part["thoughtSignature"]) for part in parts if "thoughtSignature" in part]
    again = [each for each in again if each[1] != "skip_thought_signature_validator"]
    assert again == _signed(recording)


def _signed(recording: Recording) -> list[tuple]:
    parts = [
        part
        for each in chunks(recording)
        for candidate in each.get("candidates", [])
        for part in candidate.get("content", {}).get("parts", [])
    ]
    return [(_what(part), part["thoughtSignature"]) for part in parts if "thoughtSignature" in part]


def _what(part: dict) -> tuple:
    if "functionCall" in part:
        return part["functionCall"]["name"], json.dumps(part["functionCall"].get("args", {}), sort_keys=True)
    return ("text", part["text"])


@pytest.mark.parametrize("recording", REFUSED, ids=str)
def test_a_refusal_is_the_fault_of_whoever_it_is(recording: Recording) -> None:
    error = dialect_of(recording).error(recording.status, recording.wire)
    if recording.status == 404:
        assert isinstance(error, UpstreamRejected)
        assert (error.code, error.param) == ("model_not_found", "model")
    else:  # all others are refused keys
        assert isinstance(error, UpstreamUnauthorized)
        assert error.status == 400


@each_recording("gemini", kind="sse")
def test_cut_before_its_last_chunk_a_stream_is_broken_off(recording: Recording) -> None:
    frames = [frame for frame in recording.wire.split(b"\r\n\r\n") if b"finishReason" not in frame]
    with pytest.raises(UpstreamDisconnected):
        list(stream_deltas(Gemini(), [frame + b"\r\n\r\n" for frame in frames if frame]))


@each_recording("gemini", kind="sse")
def test_the_cut_of_the_bytes_does_not_matter(recording: Recording) -> None:
    pieces = [recording.wire[start : start + 7] for start in range(0, len(recording.wire), 7)]
    assert list(stream_deltas(dialect_of(recording), pieces)) == deltas_of(recording)
