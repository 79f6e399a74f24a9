"""Well-formed JSON of another shape than the provider's protocol has: the law of damage, a storey higher.

Flipped bytes rarely get through the JSON parser. Here single values are replaced by others, left out or
doubled, in streams and in whole answers, so that what reads them meets numbers for texts and lists for
objects.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from antiphon.core.fold import fold
from antiphon.protocol.events import TERMINAL
from antiphon.upstream.base import Framing
from antiphon.upstream.wire import WIRES
from tests.laws.test_laws import FAMILIES, answered
from tests.play import DIALECTS, answer_deltas, play, stream_deltas
from tests.recordings import Recording, needs_recordings

pytestmark = needs_recordings

LINES: dict[Framing, bytes] = {"sse": b"data: %s\n\n", "ndjson": b"%s\n"}
"""How a frame of text is written."""

WRITTEN = tuple(family for family in FAMILIES if DIALECTS[family].framing in LINES)

BENDS = 6  # ways each recording is bent; the seed is its id
OTHERS: list[Any] = [
    *(None, True, -1, 1.5, "", "x", [], {}),
    *([1], [None], [{}], [[]], {"a": 1}),
    *({"type": "output_text"}, [{"type": "summary_text", "text": 3}], [{"type": ["x"]}]),
]


@answered(*WRITTEN, kind="stream")
def test_a_stream_of_another_shape_ends_in_one_terminal_event_and_raises_only_our_errors(
    recording: Recording,
) -> None:
    chance = random.Random(recording.id)
    framing = DIALECTS[recording.family].framing
    frames = [frame.data for frame in WIRES[framing].reader().feed(recording.wire)]
    for _ in range(BENDS):
        bent = list(frames)
        for _ in range(chance.choice((1, 3))):
            _bend_one(bent, chance)
        wire = b"".join(LINES[framing] % data for data in bent)
        _holds(stream_deltas(DIALECTS[recording.family], [wire]))


@answered(*FAMILIES, kind="json")
def test_an_answer_of_another_shape_does_too(recording: Recording) -> None:
    chance = random.Random(recording.id)
    for _ in range(BENDS):
        body = json.loads(recording.wire)
        for _ in range(chance.choice((1, 3))):
            _bend(body, chance)
        _holds(answer_deltas(DIALECTS[recording.family], json.dumps(body).encode()))


def _holds(deltas: Any) -> None:
    events, assembler = play(deltas)
    assert fold(events) == assembler.response
    assert [event["type"] in TERMINAL for event in events].index(True) == len(events) - 1
    json.dumps(events)


def _bend_one(frames: list[bytes], chance: random.Random) -> None:
    place = chance.randrange(len(frames))
    match chance.choice(("drop", "double", "bend", "bend", "bend")):
        case "drop" if len(frames) > 1:
            del frames[place]
        case "double":
            frames.insert(place, chance.choice(frames))
        case _ if frames[place].startswith(b"{"):
            event = json.loads(frames[place])
            _bend(event, chance)
            frames[place] = json.dumps(event).encode()


def _bend(value: Any, chance: random.Random) -> None:
    """Replace something in it, or leave it out, in place."""
    holder, key = chance.choice(list(_places(value)) or [({"": 0}, "")])
    if isinstance(holder, dict) and chance.random() < 0.3:
        del holder[key]
    else:
        holder[key] = json.loads(json.dumps(chance.choice(OTHERS)))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value within, as what holds it and under which key."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from _places(inner)
