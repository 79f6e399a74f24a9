"""The paths that a client is told are those of its own request."""

from __future__ import annotations

import pytest

from antiphon.engine.places import places_of
from antiphon.protocol.json import JSON

SAID: JSON = {"type": "message"}
F: JSON = {"type": "function", "name": "f"}
G: JSON = {"type": "function", "name": "g"}
H: JSON = {"type": "function", "name": "h"}
PLACES = places_of(
    [SAID, {"type": "additional_tools", "tools": [G]}, SAID],
    [{"type": "additional_tools", "tools": [F, H]}, SAID],
    [F],
)


@pytest.mark.parametrize(
    ("of_turn", "of_client"),
    [
        ("reasoning.effort", "reasoning.effort"),
        ("input", "input"),
        ("input[0]", "previous_response_id"),
        ("input[1].content[0]", "previous_response_id"),
        ("input[2].content[0].detail", "input[1].content[0].detail"),
        ("input[3].content[0]", "output[0].content[0]"),
        ("tools[0].strict", "tools[0].strict"),
        ("tools[1].strict", "previous_response_id"),
        ("tools[2].strict", "input[0].tools[1].strict"),
        ("tools[3]", "tools[3]"),
    ],
)
def test_a_path_of_the_turn_is_told_as_the_client_would_write_it(of_turn: str, of_client: str) -> None:
    assert PLACES.of_client(of_turn) == of_client
