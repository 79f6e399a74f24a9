"""Calls of functions that real models made, as if the client had offered custom tools of those names.

What a model writes for a function is JSON without an `input`, so that the whole text is the input: nothing
of it is lost, and a call is completed if and only if its provider let it come to its end.
"""

from __future__ import annotations

from antiphon.core import deltas as d
from antiphon.core.fold import fold
from antiphon.protocol.errors import AntiphonError
from antiphon.protocol.json import JSON
from tests.play import DIALECTS, answer_deltas, play, stream_deltas
from tests.recordings import Recording, needs_recordings, recordings
from tests.upstream.emulation.conversing import asked, filtered

pytestmark = needs_recordings


def deltas_of(recording: Recording) -> list[d.Delta]:
    dialect = DIALECTS[recording.family]
    if recording.kind == "sse":
        return list(stream_deltas(dialect, [recording.wire]))
    return list(answer_deltas(dialect, recording.wire))


def calling() -> list[tuple[Recording, list[d.Delta]]]:
    """The recordings in which functions are called."""
    found = []
    for recording in recordings("chat", "messages"):
        if recording.status == 200:
            try:
                deltas = deltas_of(recording)
            except AntiphonError:
                continue
            if any(isinstance(delta, d.Call) and delta.kind == "function" for delta in deltas):
                found.append((recording, deltas))
    return found


def calls(items: list[JSON], kind: str) -> list[JSON]:
    return [item for item in items if item["type"] == kind]


def test_calls_of_real_models_lose_nothing_and_end_as_they_ended() -> None:
    seen = 0
    for recording, deltas in calling():
        names = dict.fromkeys(delta.name for delta in deltas if isinstance(delta, d.Call))
        adapted = asked(*({"type": "custom", "name": name} for name in names))
        events, assembler = play(filtered(adapted, deltas))
        assert fold(events) == assembler.response, recording
        plain = calls(play(deltas)[1].response["output"], "function_call")
        custom = calls(assembler.response["output"], "custom_tool_call")
        assert [item["name"] for item in custom] == [item["name"] for item in plain], recording
        for told, made in zip(custom, plain, strict=True):
            if told["status"] == "completed":
                assert told["input"] == made["arguments"] or made["arguments"] == "{}", recording
            assert (told["status"] == "completed") == (made["status"] == "completed"), recording
        seen += len(custom)
    assert seen >= 100, seen
