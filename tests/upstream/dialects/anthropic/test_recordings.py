"""Nothing that a recorded answer says is lost, whether it was streamed or not."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import UpstreamDisconnected, UpstreamUnauthorized
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.anthropic.decode import STOP_REASONS
from tests.play import answer_deltas, play, stream_deltas
from tests.recordings import Recording, each_recording, needs_recordings, recordings
from tests.upstream.dialects.anthropic.oracle import Said, message_of, said

pytestmark = needs_recordings


def deltas_of(recording: Recording) -> list[d.Delta]:
    if recording.kind == "sse":
        return list(stream_deltas(Anthropic(), [recording.wire]))
    return list(answer_deltas(Anthropic(), recording.wire))


def heard(deltas: Iterable[d.Delta]) -> Said:
    """What deltas say, in the oracle's words."""
    text: dict[str, str] = {}
    thoughts: dict[str, str] = {}
    calls: dict[str, list[str]] = {}
    seals, citations, hosted, stop, usage = [], [], 0, "", d.Usage()
    for delta in deltas:
        match delta:
            case d.Text():
                text[delta.part] = text.get(delta.part, "") + delta.text
            case d.Reasoning():
                thoughts[delta.part] = thoughts.get(delta.part, "") + delta.text
            case d.Sealed() if not delta.blob.startswith("anthropic:blocks:"):
                seals.append(delta.blob)
            case d.Call():
                calls[delta.part] = [delta.call_id, delta.name, ""]
            case d.Arguments() if delta.part in calls:
                calls[delta.part][2] += delta.text
            case d.Citation():
                citations.append(delta.annotation["cited_text"])
            case d.Hosted() if delta.item["type"] != "compaction":
                hosted += 1
            case d.Usage():
                usage = delta
            case d.Stop():
                stop = delta.reason
    made = [(call_id, name, json.loads(arguments or "{}")) for call_id, name, arguments in calls.values()]
    counted = (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.cache_write_tokens)
    return Said(list(text.values()), list(thoughts.values()), seals, made, citations, hosted, counted, stop)


@each_recording("messages")
def test_everything_that_was_said_is_heard(recording: Recording) -> None:
    if recording.status >= 400:
        pytest.skip("an error: see below")
    expected = said(message_of(recording.kind, recording.wire))
    assert heard(deltas_of(recording)) == expected._replace(stop=STOP_REASONS[expected.stop])


@each_recording("messages")
def test_every_recording_makes_a_response_that_ends_well(recording: Recording) -> None:
    if recording.status >= 400:
        pytest.skip("an error: see below")
    events, assembler = play(deltas_of(recording))
    assert events[-1]["type"] in ("response.completed", "response.incomplete")
    assert assembler.response["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("recording", [row for row in recordings("messages") if row.status >= 400], ids=str)
def test_a_refused_key_is_the_gateways_trouble_and_not_the_clients(recording: Recording) -> None:
    error = Anthropic().error(recording.status, recording.wire)
    assert isinstance(error, UpstreamUnauthorized)
    assert error.status == 401


@each_recording("messages", kind="sse")
def test_cut_anywhere_before_its_end_a_stream_is_broken_off(recording: Recording) -> None:
    frames = recording.wire.split(b"\n\n")
    whole = [frame + b"\n\n" for frame in frames if b"message_stop" not in frame]
    with pytest.raises(UpstreamDisconnected):
        list(stream_deltas(Anthropic(), whole[: len(whole) // 2]))


@each_recording("messages", kind="sse")
def test_the_cut_of_the_bytes_does_not_matter(recording: Recording) -> None:
    pieces = [recording.wire[start : start + 7] for start in range(0, min(len(recording.wire), 20_000), 7)]
    pieces.append(recording.wire[len(pieces) * 7 :])
    assert list(stream_deltas(Anthropic(), pieces)) == deltas_of(recording)
