"""Messages between agents, on a model that knows only people."""

from __future__ import annotations

from antiphon.protocol.json import JSON
from tests.upstream.emulation.conversing import asked, noted

HEAD = {"type": "input_text", "text": "Message Type: NEW_TASK\nPayload:\n"}


def message(*content: JSON) -> JSON:
    return {"type": "agent_message", "author": "/root", "recipient": "/root/a", "content": list(content)}


def encrypted(text: str) -> JSON:
    return {"type": "encrypted_content", "encrypted_content": text}


def test_the_task_of_an_agent_is_said_by_the_user() -> None:
    adapted = asked(items=[message(HEAD, encrypted("Run the code."))])
    (said,) = adapted.turn.items
    assert (said["type"], said["role"]) == ("message", "user")
    assert [part["text"] for part in said["content"]] == [HEAD["text"], "Run the code."]
    assert noted(adapted) == [("input[0]", "translated")]


def test_what_openai_sealed_is_not_told_as_text() -> None:
    adapted = asked(items=[message(HEAD, encrypted("gAAAAABoqx7bGzwi_xyz=="))])
    (said,) = adapted.turn.items
    assert said["content"] == [HEAD]
    assert noted(adapted) == [("input[0].content[1]", "dropped"), ("input[0]", "translated")]


def test_a_message_with_nothing_to_say_is_left_to_the_dialect() -> None:
    for content in ([], "text", ["text"]):
        item = {**message(), "content": content}
        assert asked(items=[item]).turn.items == [item]


def test_whoever_knows_agents_is_told_as_it_was() -> None:
    item = message(HEAD, encrypted("Run the code."))
    assert asked(items=[item], native=None).turn.items == [item]
