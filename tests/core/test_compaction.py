"""A summary as a compaction item, and back."""

from __future__ import annotations

import json

import pytest

from antiphon.core import deltas as d
from antiphon.core.compaction import Summarising, Summary, asking_for_summary, kept_of, summary_of
from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation
from antiphon.protocol.json import JSON


def message(role: str, text: str) -> JSON:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def told(*deltas: d.Delta) -> list[d.Delta]:
    summarising = Summarising([])
    return [passed for delta in deltas for passed in summarising.feed(delta)] + list(summarising.finish())


def test_a_summary_comes_back_as_it_was() -> None:
    summary = Summary("They want “blue”. \N{SNOWMAN}", [message("user", "blue")])
    item = {"type": "compaction", "encrypted_content": summary.blob}
    assert summary_of(item) == summary
    *kept, said = summary.items
    assert kept == [message("user", "blue")]
    assert "They want “blue”. \N{SNOWMAN}" in said["content"][0]["text"]
    assert said["role"] == "user"  # it reports what others said, and must not command


@pytest.mark.parametrize("blob", ["antiphon:{}", 'antiphon:{"text": 1}', "gAAA", "openai:x", None])
def test_what_is_no_summary_of_ours_is_none(blob: str | None) -> None:
    assert summary_of({"type": "compaction", "encrypted_content": blob}) is None


def test_the_deltas_of_an_answer_become_one_item() -> None:
    usage = d.Usage(100, 10)
    deltas = told(d.Reasoning("0", "hm"), d.Text("1", "All "), d.Text("1", "of it."), usage, d.Stop("stop"))
    hosted = deltas[1]
    assert deltas[0] is usage
    assert isinstance(hosted, d.Hosted)
    assert summary_of(hosted.item) == Summary("All of it.")
    assert deltas[2:] == [d.Stop("stop")]


def test_so_do_relayed_events_whether_streamed_or_whole() -> None:
    item = {"type": "message", "content": [{"type": "output_text", "text": "Short."}]}
    done = d.Relayed({"type": "response.output_item.done", "item": item})
    ended = d.Relayed({"type": "response.completed", "response": {"output": [item]}})
    for deltas in (told(done, ended), told(ended)):
        assert isinstance(deltas[0], d.Hosted)
        assert summary_of(deltas[0].item) == Summary("Short.")


@pytest.mark.parametrize(
    "deltas",
    [[d.Stop("stop")], [d.Text("0", " \n"), d.Stop("stop")], [d.Text("0", "The us"), d.Stop("length")]],
)
def test_half_a_summary_is_none(deltas: list[d.Delta]) -> None:
    with pytest.raises(ProtocolViolation):
        told(*deltas)


def test_the_turn_asks_for_words_and_nothing_else() -> None:
    tool = {"type": "function", "name": "f"}
    turn = Turn(
        model="m", items=[message("user", "hi")], tools=[tool], text={"format": {}}, compaction="only"
    )
    asked = asking_for_summary(turn)
    assert (asked.tools, asked.tool_choice, asked.text, asked.compaction) == ([tool], "none", None, None)
    assert asked.items[:-1] == turn.items
    assert asked.items[-1]["role"] == "user"
    assert asking_for_summary(Turn(model="m", items=[])).tool_choice is None


def test_the_users_latest_messages_are_kept_and_all_instructions() -> None:
    long = [message("user", f"{number}" * 30_000) for number in range(4)]
    items = [message("developer", "Be brief." * 10_000), message("assistant", "Yes."), *long]
    kept = kept_of(items)
    assert kept == [items[0], *long[2:]]
    assert len(json.dumps(kept_of(long))) < 80_000
