"""The laws of the event stream, held over every recording of every dialect there is.

One law is one test. `play` is what the gateway does, without its I/O.
"""

from __future__ import annotations

import json
import random
from functools import lru_cache

import pytest

from antiphon.core.assembler import Assembler
from antiphon.core.fold import fold
from antiphon.protocol.events import TERMINAL, Event
from tests.play import DIALECTS, answer_deltas, play, stream_deltas
from tests.recordings import Recording, each_recording, needs_recordings

pytestmark = needs_recordings

FAMILIES = tuple(DIALECTS)
CUTS = 12  # ways each stream is cut, and damaged; the seed is the recording's id


@lru_cache(maxsize=8)
def played(recording: Recording, *, quiet: bool = False) -> tuple[list[Event], Assembler]:
    dialect = DIALECTS[recording.family]
    if recording.streamed:
        return play(stream_deltas(dialect, [recording.wire]), quiet=quiet)
    return play(answer_deltas(dialect, recording.wire), quiet=quiet)


def answered(*families: str, kind: str | None = None) -> pytest.MarkDecorator:
    """The recordings with an answer: errors over HTTP never reach the assembler."""
    marked = each_recording(*families, kind=kind)
    rows = [row for row in marked.args[1] if row.status == 200]
    return pytest.mark.parametrize("recording", rows, ids=[str(row) for row in rows])


@answered(*FAMILIES)
def test_the_events_add_up_to_the_response(recording: Recording) -> None:
    events, assembler = played(recording)
    assert fold(events) == assembler.response


@answered(*FAMILIES)
def test_there_is_exactly_one_terminal_event_and_it_is_last(recording: Recording) -> None:
    events, _ = played(recording)
    assert [index for index, event in enumerate(events) if event["type"] in TERMINAL] == [len(events) - 1]


@answered(*FAMILIES)
def test_the_response_is_the_same_when_nobody_listens_before_its_end(recording: Recording) -> None:
    events, assembler = played(recording)
    (last,), quiet = played(recording, quiet=True)
    assert last == {**events[-1], "sequence_number": 0}
    assert quiet.response == assembler.response
    assert (quiet.said, quiet.heard) == (assembler.said, assembler.heard)


@answered(*FAMILIES)
def test_the_stream_begins_with_created_and_in_progress(recording: Recording) -> None:
    events, _ = played(recording)
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]


@answered(*FAMILIES)
def test_what_is_stored_is_what_was_said(recording: Recording) -> None:
    _, assembler = played(recording)
    assert assembler.said == assembler.response["output"]


@answered(*FAMILIES)
def test_nothing_is_sealed_for_clients_that_did_not_ask(recording: Recording) -> None:
    dialect = DIALECTS[recording.family]
    deltas = (
        stream_deltas(dialect, [recording.wire])
        if recording.streamed
        else answer_deltas(dialect, recording.wire)
    )
    events, assembler = play(deltas, reveal_sealed=False)
    assert fold(events) == assembler.response
    reasoning = [item for item in assembler.response["output"] if item["type"] == "reasoning"]
    assert not any("encrypted_content" in item for item in reasoning)


@answered(*FAMILIES, kind="stream")
def test_any_cutting_of_the_bytes_gives_the_same_events(recording: Recording) -> None:
    whole = json.dumps(played(recording)[0])
    chance = random.Random(recording.id)
    wire = recording.wire
    for _ in range(CUTS // 3):
        places = sorted(chance.sample(range(len(wire)), min(len(wire), chance.choice((1, 5, 60)))))
        pieces = [wire[start:end] for start, end in zip([0, *places], [*places, len(wire)], strict=True)]
        events, _ = play(stream_deltas(DIALECTS[recording.family], pieces))
        assert json.dumps(events) == whole


@answered(*FAMILIES, kind="stream")
def test_any_damage_ends_in_one_terminal_event_and_raises_only_our_errors(recording: Recording) -> None:
    chance = random.Random(recording.id)
    for _ in range(CUTS):
        wire = damaged(recording.wire, chance)
        events, assembler = play(stream_deltas(DIALECTS[recording.family], [wire]))
        assert fold(events) == assembler.response
        _, quiet = play(stream_deltas(DIALECTS[recording.family], [wire]), quiet=True)
        assert quiet.response == assembler.response


@answered(*FAMILIES, kind="stream")
def test_a_stream_cut_before_its_end_marker_is_a_failure(recording: Recording) -> None:
    wire = recording.wire
    events, _ = play(stream_deltas(DIALECTS[recording.family], [wire[: len(wire) // 10]]))
    assert events[-1]["type"] == "response.failed"


def damaged(wire: bytes, chance: random.Random) -> bytes:
    """Bytes flipped, dropped, doubled or torn off, once or a few times."""
    data = bytearray(wire)
    for _ in range(chance.choice((1, 1, 3, 10))):
        start = chance.randrange(len(data))
        end = min(len(data), start + chance.choice((1, 4, 200)))
        match chance.choice(("flip", "drop", "double", "tear", "noise")):
            case "flip":
                data[start] ^= 1 << chance.randrange(8)
            case "drop":
                del data[start:end]
            case "double":
                data[end:end] = data[start:end]
            case "tear":
                del data[start:]
            case _:
                data[start:end] = chance.randbytes(end - start)
        if not data:
            break
    return bytes(data)
