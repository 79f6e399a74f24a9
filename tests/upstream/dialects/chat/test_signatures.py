"""Gemini's signatures, there and back through a chat: each where it was."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.chat.signatures import UNCHECKED, seal, unseal
from tests.play import answer_deltas, play
from tests.recordings import Recording, each_showing, needs_recordings
from tests.upstream.dialects.chat.hearing import DONE, chunk, hear, piece

GOOGLE = Chat(replay="extra_content")
NEW = "gemini-3-flash-preview"
USER: JSON = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}


def signed(signature: str, **more: Any) -> JSON:
    return {"google": {"thought_signature": signature, **more}}


def output(call: JSON) -> JSON:
    return {"type": "function_call_output", "call_id": call["call_id"], "output": "done"}


def stored(*chunks: Any) -> list[JSON]:
    """The items of an answer, as they are stored."""
    _, assembler = play(hear(*chunks, DONE, chat=GOOGLE))
    return list(assembler.said)


def sent(*items: JSON, model: str = NEW) -> list[JSON]:
    """The assistant's messages."""
    body = GOOGLE.encode(Turn(model=model, items=[USER, *items])).body
    return [message for message in body["messages"] if message["role"] == "assistant"]


def told(*items: JSON) -> list[tuple[str, str]]:
    request = GOOGLE.encode(Turn(model=NEW, items=[USER, *items]))
    return [(each.param, each.action) for each in request.adaptations]


def test_the_signature_of_a_call_comes_back_on_it() -> None:
    first = {**piece(None, "a", "look", "{}"), "extra_content": signed("s/+=")}
    items = stored(chunk("tool_calls", tool_calls=[first, piece(None, "b", "look", '{"at":2}')]))
    assert [item["type"] for item in items] == ["reasoning", "function_call", "function_call"]
    (message,) = sent(*items, output(items[1]), output(items[2]))
    assert [call.get("extra_content") for call in message["tool_calls"]] == [signed("s/+="), None]
    assert "extra_content" not in message


def test_a_signature_that_comes_after_its_call_is_on_it_all_the_same() -> None:
    late = {"index": 0, "extra_content": signed("late")}
    items = stored(chunk(tool_calls=[piece(0, "a", "look", "{}")]), chunk("tool_calls", tool_calls=[late]))
    call = next(item for item in items if item["type"] == "function_call")
    (message,) = sent(*items, output(call))
    assert message["tool_calls"][0]["extra_content"] == signed("late")


def test_the_signature_of_a_message_comes_back_on_it() -> None:
    items = stored(
        chunk(content="It ra", extra_content=signed("m", thought=True)), chunk("stop", content="ins.")
    )
    (message,) = sent(*items, USER)
    assert message == {
        "role": "assistant",
        "content": "It rains.",
        "extra_content": signed("m", thought=True),
    }


def test_each_step_has_its_own() -> None:
    def step(at: int) -> list[JSON]:
        call = {**piece(None, f"c{at}", "look", "{}"), "extra_content": signed(f"s{at}")}
        items = stored(chunk("tool_calls", content=f"Step {at}.", tool_calls=[call]))
        return [*items, output({"call_id": f"c{at}"})]

    messages = sent(*step(1), *step(2))
    signatures = [message["tool_calls"][0]["extra_content"] for message in messages]
    assert signatures == [signed("s1"), signed("s2")]


def test_who_is_not_asked_to_keep_signatures_hears_none() -> None:
    call = {**piece(None, "a", "look", "{}"), "extra_content": signed("s")}
    _, assembler = play(hear(chunk("tool_calls", tool_calls=[call], extra_content=signed("m")), DONE))
    assert [item["type"] for item in assembler.said] == ["function_call"]


# Calls of others


CALL: JSON = {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"}


@pytest.mark.parametrize(
    ("model", "unchecked"),
    [
        (NEW, True),
        ("google/gemini-3-pro", True),
        ("gemini-flash-latest", True),
        ("gemini-2.5-pro", False),
        ("gemma-3", False),
    ],
)
def test_calls_that_others_made_go_unchecked_where_they_are_checked(model: str, unchecked: bool) -> None:
    (message,) = sent(CALL, {**CALL, "call_id": "b"}, output(CALL), output({"call_id": "b"}), model=model)
    first, second = message["tool_calls"]
    assert first.get("extra_content") == (UNCHECKED if unchecked else None)
    assert "extra_content" not in second


def test_a_call_of_others_is_told() -> None:
    assert told(CALL, output(CALL)) == [("input", "emulated")]


# What a client may bring


@pytest.mark.parametrize(
    "blob",
    [
        "gemini:[]",
        "chat-google:",
        "chat-google:[]",
        'chat-google:{"nowhere":{}}',
        'chat-google:{"next":1}',
        'chat-google:{"next":{},"last":{}}',
        seal("last", {}),
        None,
    ],
)
def test_what_has_no_place_is_left_out_and_told(blob: str | None) -> None:
    said: JSON = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Yes."}],
    }
    thought: JSON = {"type": "reasoning", "summary": [], "encrypted_content": blob}
    assert sent(thought, said) == [{"role": "assistant", "content": "Yes."}]
    assert told(thought, said) == [("input[1]", "dropped")]


def test_a_signature_whose_call_is_gone_is_told() -> None:
    thought: JSON = {"type": "reasoning", "summary": [], "encrypted_content": seal("next", signed("s"))}
    said: JSON = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Yes."}],
    }
    assert told(thought, said, USER) == [("input[1]", "dropped")]


def test_a_blob_is_what_was_sealed() -> None:
    assert unseal(seal("message", signed("ä/+="))) == ("message", signed("ä/+="))


@needs_recordings
@each_showing("C23")
def test_c23_what_google_signed_goes_back(recording: Recording) -> None:
    _, assembler = play(answer_deltas(GOOGLE, recording.wire))
    items = list(assembler.said)
    outputs = [output(item) for item in items if item["type"] == "function_call"]
    (message,) = sent(*items, *outputs)
    said = recording.wire.decode()
    assert message["extra_content"]["google"]["thought_signature"] in said.replace("\\/", "/")


def test_who_reads_them_is_named_by_the_quirk() -> None:
    assert GOOGLE.reads == {"chat-google"}
    assert Chat().reads == frozenset()
    assert Chat(replay="reasoning_details").reads == {"chat"}
