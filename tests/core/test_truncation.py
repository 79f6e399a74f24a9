"""What is left out to make room: whole, from the beginning, and never half of a call."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.compaction import estimated_tokens
from antiphon.core.truncation import left_out
from antiphon.protocol.json import JSON

LONG = "word " * 400


def message(role: str, text: str = LONG) -> JSON:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def call(call_id: str) -> list[JSON]:
    return [
        {"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": call_id, "output": LONG},
    ]


def size(*items: JSON) -> int:
    return estimated_tokens(items)


def test_nothing_goes_while_there_is_room() -> None:
    items = [message("user"), message("assistant"), message("user")]
    assert left_out(items, size(*items)) == frozenset()


def test_the_oldest_exchange_goes_first_and_instructions_stay() -> None:
    items = [message("developer"), message("user"), message("assistant"), message("user"), message("user")]
    assert left_out(items, size(*items) - 10) == {1, 2}
    assert left_out(items, size(items[0], items[4]) + 5) == {1, 2, 3}


def test_the_latest_question_stays_whatever_it_takes() -> None:
    items = [message("user"), message("assistant"), message("user"), *call("c")]
    assert left_out(items, size(*items[2:])) == {0, 1}
    assert left_out(items, size(*items[2:]) - 10) is None


def test_data_of_images_is_not_counted_by_its_length() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 100_000}
    assert size({"type": "message", "role": "user", "content": [image]}) < 30


PIECES = st.one_of(
    st.sampled_from(["user", "assistant", "developer"]).map(lambda role: [message(role, "w" * 400)]),
    st.sampled_from("abcdef").map(call),
)


@given(st.lists(PIECES, max_size=12), st.integers(0, 4000))
def test_what_is_left_is_a_conversation(pieces: list[list[JSON]], room: int) -> None:
    items = [item for piece in pieces for item in piece]
    gone = left_out(items, room)
    if gone is None:
        return
    kept = [item for at, item in enumerate(items) if at not in gone]
    assert size(*kept) <= room + len(items)  # each is rounded down by itself
    said: list[Any] = [item for item in kept if item.get("role") != "developer"]
    assert not gone or said[0].get("role") == "user"
    assert all(item.get("role") != "developer" for at, item in enumerate(items) if at in gone)
    calls = {item["call_id"] for item in kept if item["type"] == "function_call"}
    outputs = {item["call_id"] for item in kept if item["type"] == "function_call_output"}
    assert calls == outputs
