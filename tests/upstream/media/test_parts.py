"""Which parts of a turn are fetched, and what the turn is with their data."""

from __future__ import annotations

from base64 import b64encode
from copy import deepcopy

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.media.kinds import Media
from antiphon.upstream.media.parts import completed, has_media, missing

IMAGE: JSON = {"type": "input_image", "image_url": "https://a.example/1.png", "detail": "high"}
FILE: JSON = {"type": "input_file", "file_url": "https://a.example/b.pdf"}
TEXT: JSON = {"type": "input_text", "text": "https://a.example/"}
PNG = Media("image/png", b"\x89PNG")
DATA = f"data:image/png;base64,{b64encode(PNG.content).decode()}"


class Takes:
    """A dialect that takes these kinds of parts by URL."""

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds

    def takes_url(self, part: JSON, model: str) -> bool:
        return part["type"] in self._kinds


def message(*parts: JSON) -> JSON:
    return {"type": "message", "role": "user", "content": list(parts)}


def turn(*items: JSON) -> Turn:
    return Turn(model="m", items=list(items))


def paths(asked: Turn, *takes: str) -> list[str]:
    return [place.path for place in missing(asked, Takes(*takes))]


SCREEN: JSON = {"type": "computer_screenshot", "image_url": "http://a.example/s.png"}
EVERYWHERE = turn(
    message(TEXT, IMAGE, FILE),
    {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "1", "output": [TEXT, FILE]},
    {"type": "custom_tool_call_output", "call_id": "2", "output": [IMAGE]},
    {"type": "computer_call_output", "call_id": "3", "output": SCREEN},
)


def test_they_stand_in_messages_and_in_the_outputs_of_tools() -> None:
    assert paths(EVERYWHERE) == [
        "input[0].content[1].image_url",
        "input[0].content[2].file_url",
        "input[2].output[1].file_url",
        "input[3].output[0].image_url",
        "input[4].output.image_url",
    ]
    assert has_media(EVERYWHERE)


def test_what_the_dialect_takes_stays_a_url() -> None:
    assert paths(EVERYWHERE, "input_image", "computer_screenshot") == [
        "input[0].content[2].file_url",
        "input[2].output[1].file_url",
    ]


@pytest.mark.parametrize(
    "item",
    [
        message(TEXT),
        message({"type": "input_image", "image_url": DATA}),
        message({"type": "input_image", "image_url": "s3://bucket/key"}),
        message({"type": "input_image", "file_id": "file_1"}),
        message({"type": "input_file", "file_data": "JVBERi0="}),
        message({"type": "unheard_of", "image_url": "https://a.example/1.png"}),
        {**message(IMAGE), "role": "assistant"},
        {"type": "function_call_output", "call_id": "1", "output": "https://a.example/1.png"},
        {"type": "unheard_of", "output": [1, "a", None, ["https://a.example"]], "content": 5},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "https://a.example"}]},
    ],
)
def test_nothing_else_is_fetched(item: JSON) -> None:
    assert paths(turn(item)) == []


@pytest.mark.parametrize("item", [message(IMAGE), message(TEXT, FILE), *EVERYWHERE.items[2:]])
def test_a_turn_that_has_any_is_known_by_it(item: JSON) -> None:
    assert has_media(turn(message(TEXT), item))
    assert not has_media(turn(message(TEXT), message()))


def test_the_data_stands_in_place_of_the_url_and_the_items_stay_as_they_were() -> None:
    before = deepcopy(EVERYWHERE.items)
    found = [(place, PNG) for place in missing(EVERYWHERE, Takes())]
    after, told = completed(EVERYWHERE, found)
    assert EVERYWHERE.items == before
    assert after.items[0]["content"] == [
        TEXT,
        {**IMAGE, "image_url": DATA},
        {"type": "input_file", "file_data": DATA, "filename": "b.pdf"},
    ]
    assert after.items[1] is EVERYWHERE.items[1]
    assert after.items[4]["output"] == {**SCREEN, "image_url": DATA}
    assert [(each.param, each.action) for each in told] == [
        (path, "translated") for path in paths(EVERYWHERE)
    ]
    assert paths(after) == []


def test_a_file_keeps_the_name_that_it_has() -> None:
    asked = turn(
        message({**FILE, "filename": "mine.pdf"}), message({**FILE, "file_url": "https://a.example/b"})
    )
    after, _ = completed(asked, [(place, PNG) for place in missing(asked, Takes())])
    assert after.items[0]["content"][0]["filename"] == "mine.pdf"
    assert "filename" not in after.items[1]["content"][0]
