"""Thoughts in `<reasoning>` tags are thoughts, wherever the tags are cut (B10)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core import deltas as d
from antiphon.upstream.filters.reasoning_tags import ReasoningTags
from antiphon.upstream.providers.bedrock import BEDROCK_OPENAI
from antiphon.upstream.stream import DeltaStream, answer
from tests.recordings import Recording, needs_recordings, recordings
from tests.upstream.filters.test_think_tags import pieces

TAGGED = "<reasoning>hm, <think>?</reasoning>hi </reasoning>"


def heard(deltas: list[d.Delta]) -> tuple[str, str]:
    """(thoughts, text)"""
    return (
        "".join(delta.text for delta in deltas if isinstance(delta, d.Reasoning)),
        "".join(delta.text for delta in deltas if isinstance(delta, d.Text)),
    )


@given(st.lists(st.integers(0, 60), max_size=12))
def test_the_tags_may_be_cut_anywhere(cuts: list[int]) -> None:
    tags = ReasoningTags()
    passed = [kept for delta in pieces(TAGGED, cuts) for kept in tags.feed(delta)]
    assert heard([*passed, *tags.finish()]) == ("hm, <think>?", "hi </reasoning>")


def test_other_tags_are_text() -> None:
    assert list(ReasoningTags().feed(d.Text("text", "<think>hm</think>"))) == [
        d.Text("text", "<think>hm</think>")
    ]


@needs_recordings
@pytest.mark.parametrize(
    "recording", [row for row in recordings("chat") if row.provider == "bedrock"], ids=str
)
def test_b10_the_recorded_answers_of_bedrock_have_no_tags_left(recording: Recording) -> None:
    stream = DeltaStream(BEDROCK_OPENAI.dialect.decoder(), BEDROCK_OPENAI.filters)
    deltas = (
        [*stream.feed(recording.wire), *stream.finish()]
        if recording.streamed
        else answer(BEDROCK_OPENAI.dialect, json.loads(recording.wire), BEDROCK_OPENAI.filters)
    )
    thoughts, text = heard(deltas)
    assert thoughts
    assert "reasoning>" not in thoughts + text
