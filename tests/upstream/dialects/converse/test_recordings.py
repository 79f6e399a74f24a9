"""Nothing that a recorded answer says is lost, whether it was streamed or not."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import UpstreamDisconnected, UpstreamRejected
from antiphon.upstream.dialects.converse import Converse
from antiphon.upstream.dialects.converse.decode import STOP_REASONS
from tests.play import answer_deltas, play, stream_deltas
from tests.recordings import Recording, each_recording, needs_recordings, recordings
from tests.upstream.dialects.converse.oracle import Said, message_of, said

pytestmark = needs_recordings

ANSWERS = [row for row in recordings("converse") if row.status == 200]
REFUSALS = [row for row in recordings("converse") if row.status >= 400]
each_answer = pytest.mark.parametrize("recording", ANSWERS, ids=str)


def deltas_of(recording: Recording) -> list[d.Delta]:
    if recording.streamed:
        return list(stream_deltas(Converse(), [recording.wire]))
    return list(answer_deltas(Converse(), recording.wire))


def heard(deltas: Iterable[d.Delta]) -> Said:
    """What deltas say, in the oracle's words."""
    text: dict[str, str] = {}
    thoughts: dict[str, str] = {}
    seals: dict[str, str] = {}
    calls: dict[str, list[str]] = {}
    citations, hosted, stop, tier, usage = [], [], "", "", d.Usage()
    for delta in deltas:
        match delta:
            case d.Text():
                text[delta.part] = text.get(delta.part, "") + delta.text
            case d.Reasoning():
                thoughts[delta.part] = thoughts.get(delta.part, "") + delta.text
            case d.Sealed():
                seals[delta.part] = delta.blob
            case d.Call():
                calls[delta.part] = [delta.call_id, delta.name, ""]
            case d.Arguments():
                calls[delta.part][2] += delta.text
            case d.Citation():
                place = delta.annotation.get("url") or delta.annotation.get("filename", "")
                citations.append((place, delta.annotation.get("cited_text", "")))
            case d.Hosted():
                hosted.append((delta.item["type"], delta.item["action"]["query"]))
            case d.Usage():
                usage = delta
            case d.Served():
                tier = delta.service_tier
            case d.Stop():
                stop = delta.reason
    made = [(call_id, name, json.loads(arguments or "{}")) for call_id, name, arguments in calls.values()]
    counted = (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.cache_write_tokens)
    texts, thought, sealed = list(text.values()), list(thoughts.values()), list(seals.values())
    return Said(texts, thought, sealed, made, citations, hosted, counted, tier, stop)


@each_answer
def test_everything_that_was_said_is_heard(recording: Recording) -> None:
    expected = said(message_of(recording.kind, recording.wire))
    assert heard(deltas_of(recording)) == expected._replace(stop=STOP_REASONS[expected.stop])


@each_answer
def test_every_recording_makes_a_response_that_ends_well(recording: Recording) -> None:
    events, assembler = play(deltas_of(recording))
    assert events[-1]["type"] in ("response.completed", "response.incomplete")
    assert assembler.response["usage"]["output_tokens"] > 0


@each_answer
def test_every_citation_is_an_annotation_of_the_response(recording: Recording) -> None:
    expected = said(message_of(recording.kind, recording.wire)).citations
    output = play(deltas_of(recording))[1].response["output"]
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    assert sum(len(part.get("annotations", ())) for part in parts) == len(expected)


@pytest.mark.parametrize("recording", REFUSALS, ids=str)
def test_every_refusal_is_passed_on_in_the_providers_words(recording: Recording) -> None:
    error = Converse().error(recording.status, recording.wire)
    assert isinstance(error, UpstreamRejected)
    assert error.message == recording.exchange["response"]["body"]["message"]
    assert (error.code == "model_not_found") is ("identifier" in error.message)


@each_recording("converse", kind="eventstream")
def test_cut_before_its_message_stops_a_stream_is_broken_off(recording: Recording) -> None:
    end = recording.wire.index(b"messageStop") - 30
    with pytest.raises(UpstreamDisconnected):
        list(stream_deltas(Converse(), [recording.wire[:end]]))


@each_recording("converse", kind="eventstream")
def test_the_cut_of_the_bytes_does_not_matter(recording: Recording) -> None:
    pieces = [recording.wire[start : start + 7] for start in range(0, len(recording.wire), 7)]
    assert list(stream_deltas(Converse(), pieces)) == deltas_of(recording)
