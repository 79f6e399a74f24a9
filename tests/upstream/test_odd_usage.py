"""Usage that is nonsense is no usage: the ledger then estimates, where zeros would be believed."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.deltas import MOST_TOKENS, Usage
from antiphon.fake_upstream.answers import answer_of
from antiphon.fake_upstream.script import Step
from antiphon.fake_upstream.wires import WIRES, stream, whole
from antiphon.settings.providers import DIALECTS
from antiphon.upstream.stream import DeltaStream, answer

NONSENSE = [
    {"input": -10, "output": -5},
    {"input": "10", "output": "many"},
    {"input": 0, "output": 0},
    {"input": MOST_TOKENS + 1, "output": 10**24},
    {"input": None, "output": None},
    {"input": True, "output": [1]},
    False,
]


def told(dialect: Any, usage: Any, *, streamed: bool) -> list[Usage]:
    """The usage that the gateway hears when a provider tells this."""
    made, name = answer_of(Step(usage=usage), "model", 1, 1, None), dialect.name
    if streamed:
        wire, heard = WIRES[name](), DeltaStream(dialect.decoder(), (), dialect.framing)
        frames = (wire.framing.frame(event.name, event.payload) for event in stream(wire, made))
        deltas = [*heard.feed(b"".join(frames)), *heard.finish()]
        assert heard.error is None
    else:
        deltas = list(answer(dialect, whole(WIRES[name](), made), ()))
    return [delta for delta in deltas if isinstance(delta, Usage)]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("usage", NONSENSE, ids=str)
@pytest.mark.parametrize("name", WIRES)
def test_counts_that_are_none_are_not_told(name: str, usage: Any, streamed: bool) -> None:
    assert told(DIALECTS[name](), usage, streamed=streamed) == []


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", WIRES)
def test_counts_up_to_the_largest_are(name: str, streamed: bool) -> None:
    last = told(DIALECTS[name](), {"input": 7, "output": MOST_TOKENS}, streamed=streamed)[-1]
    assert (last.input_tokens, last.output_tokens) == (7, MOST_TOKENS)
