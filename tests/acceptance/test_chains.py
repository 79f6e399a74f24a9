"""Conversations over several requests: what a turn remembers, and what it must not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from antiphon.core.records import ResponseRecord
from antiphon.stores.drivers import open_driver
from antiphon.stores.responses import Responses
from antiphon.stores.schema import DEFAULT_PROJECT
from tests.acceptance.processes import KEYS, Process, gateway
from tests.contract.wire import Connection, ask, create, frames, made

LENGTH = 1000


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, storage: dict[str, Any]) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("chains")
    asyncio.run(grow(storage.get("storage", f"sqlite:///{folder}/data/antiphon.db")))
    with gateway(folder, storage) as running:
        yield running


async def grow(database: str) -> None:
    """A conversation of many turns, put into the store directly."""
    driver = await open_driver(database)
    store = Responses(driver)
    await asyncio.gather(*(store.save(turn(number)) for number in range(LENGTH)))
    await driver.close()


def turn(number: int) -> ResponseRecord:
    previous = f"resp_old_{number - 1}" if number else None
    return ResponseRecord(
        id=f"resp_old_{number}",
        project_id=DEFAULT_PROJECT,
        previous_response_id=previous,
        created_at=round(time.time()),  # else it is old enough to be forgotten
        body={"id": f"resp_old_{number}", "object": "response", "previous_response_id": previous},
        input=[message("user", number, "input_text", f"question {number}.")],
        output=[message("assistant", number, "output_text", f"answer {number}.")],
    )


def message(role: str, number: int, kind: str, text: str) -> dict[str, Any]:
    part = {"type": kind, "text": text} | ({"annotations": []} if kind == "output_text" else {})
    return {"id": f"msg_{role}_{number}", "type": "message", "role": role, "content": [part]}


def text_of(response: dict[str, Any]) -> str:
    return str(response["output"][0]["content"][0]["text"])


def asked_with(process: Process, response_id: str) -> list[str]:
    """The texts of all its input items, oldest first, page by page."""
    texts: list[str] = []
    after = ""
    while True:
        path = f"/v1/responses/{response_id}/input_items?limit=100&order=asc&after={after}"
        page = ask(process, "GET", path).json()
        texts += [item["content"][0]["text"] for item in page["data"]]
        if not page["has_more"]:
            return texts
        after = page["last_id"]


def test_a_conversation_of_a_thousand_turns_is_known_from_its_first_word(process: Process) -> None:
    last = f"resp_old_{LENGTH - 1}"
    response = made(process, "recall question 0.", previous_response_id=last)
    assert text_of(response) == "question 0."
    assert text_of(made(process, "recall answer 500.", previous_response_id=last)) == "answer 500."
    assert response["usage"]["input_tokens"] > 2 * LENGTH
    texts = asked_with(process, response["id"])
    assert len(texts) == 2 * LENGTH + 1
    assert texts[:3] == ["question 0.", "answer 0.", "question 1."]


def test_a_long_conversation_goes_on_from_its_middle(process: Process) -> None:
    middle = made(process, "recall question 600.", previous_response_id="resp_old_500")
    assert text_of(middle) == "Nothing recalled."


def test_a_turn_sent_at_once_sees_the_one_before(process: Process) -> None:
    """Also when the one before was streamed and its stream is not over yet: its terminal event is enough."""
    with Connection(process) as first:
        first.ask("POST", "/v1/responses", {"model": "sim/echo", "input": "remember plugh", "stream": True})
        first.head()
        final: dict[str, Any] = {}
        while not final:
            for event in frames(first.chunk()):
                if event.name == "response.completed":
                    final = event.data["response"]
        assert text_of(made(process, "recall plugh", previous_response_id=final["id"])) == "remember plugh"


def test_many_conversations_at_once_do_not_mix(process: Process) -> None:
    def converse(number: int) -> list[str]:
        previous, said = None, []
        for at in range(8):
            text = f"conversation {number} turn {at}"
            response = made(process, text, previous_response_id=previous, stream=at % 2 == 1)
            previous = response["id"]
        said = asked_with(process, str(previous))
        return [text for text in said if f"conversation {number} " not in text]

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(converse, range(12))) == [[]] * 12


def test_a_fork_holds_only_its_ancestors(process: Process) -> None:
    root = made(process, "the root")
    left = made(process, "the left", previous_response_id=root["id"])
    right = made(process, "the right", previous_response_id=root["id"])
    leaf = made(process, "a leaf", previous_response_id=left["id"])
    assert asked_with(process, leaf["id"]) == ["the root"] * 2 + ["the left"] * 2 + ["a leaf"]
    assert asked_with(process, right["id"]) == ["the root"] * 2 + ["the right"]
    assert text_of(made(process, "recall right", previous_response_id=leaf["id"])) == "Nothing recalled."


def test_instructions_are_not_carried_over(process: Process) -> None:
    first = made(process, "hello", instructions="Say xyzzy.")
    second = made(process, "recall xyzzy", previous_response_id=first["id"])
    assert (second["instructions"], text_of(second)) == (None, "Nothing recalled.")


def test_nothing_goes_on_from_what_was_deleted_or_from_behind_it(process: Process) -> None:
    root = made(process, "the root")
    child = made(process, "the child", previous_response_id=root["id"])
    assert ask(process, "DELETE", f"/v1/responses/{root['id']}").json()["deleted"] is True
    for gone in (root["id"], child["id"], "resp_never_was"):
        refused = create(process, "x", previous_response_id=gone)
        assert refused.status == 400
        assert refused.error["code"] == "previous_response_not_found"
        assert refused.error["param"] == "previous_response_id"
    assert ask(process, "GET", f"/v1/responses/{child['id']}").json() == child
    assert ask(process, "DELETE", f"/v1/responses/{root['id']}").status == 404


def test_a_call_is_answered_once_and_by_its_id(process: Process) -> None:
    tool = {"type": "function", "name": "look"}
    called = made(process, "call tool look with {}", tools=[tool])
    call_id = called["output"][0]["call_id"]
    output = {"type": "function_call_output", "call_id": call_id, "output": "a cave"}
    answered = made(process, [output], previous_response_id=called["id"])
    assert text_of(answered) == "tool result: a cave"
    unanswered = create(process, "hello", previous_response_id=called["id"])
    assert (unanswered.status, call_id in unanswered.error["message"]) == (400, True)
    lost = create(process, [{**output, "call_id": "call_lost"}], previous_response_id=called["id"])
    assert lost.status == 400
    assert "call_lost" in lost.error["message"]


def test_an_item_can_be_referred_to_until_it_is_deleted(process: Process) -> None:
    first = made(process, "the words")
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    again = [reference, {"role": "user", "content": "recall words"}]
    assert text_of(made(process, again)) == "the words"
    ask(process, "DELETE", f"/v1/responses/{first['id']}")
    refused = create(process, again)
    assert (refused.status, refused.error["param"]) == (400, "input[0].id")


def test_all_is_still_there_after_a_restart(tmp_path: Path, storage: dict[str, Any]) -> None:
    settings = {**storage, "keys": KEYS}
    with gateway(tmp_path, settings) as process:
        first = made(process, "the words")
        second = made(process, "more words", previous_response_id=first["id"])
        assert process.stop() == 0
    with gateway(tmp_path, settings) as process:
        assert ask(process, "GET", f"/v1/responses/{second['id']}").json() == second
        third = made(process, "recall the words", previous_response_id=second["id"])
        assert text_of(third) == "the words"
