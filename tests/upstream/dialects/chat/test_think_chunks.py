"""Signed thoughts of Mistral's, there and back: each chunk as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.chat.think_chunks import SEAL, seal, unseal
from antiphon.upstream.providers.mistral import MISTRAL
from tests.play import answer_deltas, play
from tests.upstream.dialects.chat.hearing import DONE, chunk, hear, of
from tests.upstream.dialects.chat.official_mistral import judge
from tests.upstream.dialects.saying import call, message, output, thought, user

DIALECT = MISTRAL.dialect
assert isinstance(DIALECT, Chat)
ODD = "s/+=ü "


def text(said: str) -> JSON:
    return {"type": "text", "text": said}


def thinking(*inner: JSON, **fields: Any) -> JSON:
    return {"type": "thinking", "thinking": list(inner), **fields}


def streamed(*parts: JSON | str) -> list[d.Delta]:
    said = (chunk(content=part if isinstance(part, str) else [part]) for part in parts)
    return hear(*said, DONE, chat=DIALECT)


def whole(*parts: JSON) -> list[d.Delta]:
    said = {"role": "assistant", "content": list(parts)}
    return list(DIALECT.answer({"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}))


def stored(deltas: list[d.Delta]) -> list[JSON]:
    return list(play(deltas)[1].said)


def sent(*items: JSON) -> list[JSON]:
    """The content of the assistant's messages."""
    turn = Turn(model="magistral-medium-latest", items=[user("Hi."), *items, user("So?")])
    body = DIALECT.encode(turn).body
    judge(body)
    return [said["content"] for said in body["messages"] if said["role"] == "assistant"]


def test_a_signed_chunk_that_came_in_pieces_goes_back_in_one() -> None:
    deltas = streamed(
        thinking(text("Rain ")), thinking(text("falls.")), thinking(signature=ODD, closed=True), "It rains."
    )
    assert [delta.text for delta in of(d.Reasoning, deltas)] == ["Rain ", "falls."]
    items = stored(deltas)
    assert [item["type"] for item in items] == ["reasoning", "message"]
    assert sent(*items) == [
        [thinking(text("Rain falls."), signature=ODD, closed=True), text("It rains.")],
    ]


def test_it_is_the_same_when_it_came_whole() -> None:
    parts = thinking(text("Rain falls."), signature=ODD), text("It rains.")
    assert sent(*stored(whole(*parts))) == [list(parts)]


def test_each_signed_chunk_is_a_thought_of_its_own() -> None:
    parts = thinking(text("One."), signature="1"), thinking(text("Two."), signature="2"), text("Three.")
    for deltas in (whole(*parts), streamed(*parts)):
        items = stored(deltas)
        assert [item["type"] for item in items] == ["reasoning", "reasoning", "message"]
        assert sent(*items) == [list(parts)]


def test_references_in_a_signed_chunk_go_back_with_it() -> None:
    reference = {"type": "reference", "reference_ids": [1, 2]}
    parts = thinking(text("See "), reference, text("that."), signature="s"), text("So.")
    assert sent(*stored(whole(*parts))) == [list(parts)]


def test_signed_and_unsigned_thoughts_keep_their_order() -> None:
    signed = stored(whole(thinking(text("One."), signature="1")))
    items = [*signed, thought("Two."), thought("Three."), message("assistant", "Four.")]
    assert sent(*items) == [
        [thinking(text("One."), signature="1"), thinking(text("Two.\n\nThree.")), text("Four.")]
    ]


def test_a_chunk_without_a_signature_is_not_sealed_and_goes_back_as_text() -> None:
    deltas = streamed(thinking(text("Rain "), signature=None), thinking(text("falls.")), "It rains.")
    assert not of(d.Sealed, deltas)
    assert sent(*stored(deltas)) == [[thinking(text("Rain falls.")), text("It rains.")]]


def test_signed_thoughts_before_a_call_go_back_before_it() -> None:
    signed = stored(whole(thinking(text("Look."), signature="s")))
    assert sent(*signed, call("abcdefghi"), output("abcdefghi")) == [
        [thinking(text("Look."), signature="s")],
        "OK.",
    ]


def test_others_do_not_keep_it_and_do_not_read_it() -> None:
    other = Chat(replay="reasoning_content")
    signed = chunk(content=[thinking(text("a"), signature="s")])
    deltas = hear(signed, chunk("stop", content="b"), DONE, chat=other)
    assert not of(d.Sealed, deltas)
    items = [user("a"), *stored(streamed(thinking(text("x"), signature="s"), "b")), user("c")]
    request = other.encode(Turn(model="m", items=items))
    assert [(each.param, each.action) for each in request.adaptations] == [("input[1]", "dropped")]
    assert DIALECT.reads == {SEAL.removesuffix(":")}
    assert not other.reads


@pytest.mark.parametrize(
    "blob",
    [
        f"{SEAL}",
        f"{SEAL}[]",
        f'{SEAL}{{"type":"text","text":"a"}}',
        f'{SEAL}{{"type":"thinking","thinking":5}}',
        "chat:[]",
        None,
    ],
)
def test_what_is_not_a_sealed_chunk_is_left_out(blob: Any) -> None:
    assert unseal(blob) is None
    request = DIALECT.encode(
        Turn(model="m", items=[user("a"), {**thought("x"), "encrypted_content": blob or "anthropic:b"}])
    )
    assert ("input[1]", "dropped") in [(each.param, each.action) for each in request.adaptations]


def test_a_sealed_chunk_opens_as_it_was() -> None:
    signed = thinking(text("a"), signature=ODD)
    assert unseal(seal(signed)) == signed


def test_parts_that_nobody_knows_are_said_to_be_left_out() -> None:
    reference = {"type": "reference", "reference_ids": [1]}
    body = {"choices": [{"message": {"content": [reference]}}]}
    deltas = list(answer_deltas(DIALECT, json.dumps(body).encode()))
    told = d.Untold("a part of a kind that is not known here: reference", "dropped")
    assert of(d.Untold, deltas) == of(d.Untold, streamed(text("a"), reference)) == [told]
