"""Conversations over HTTP: every endpoint, what is refused in which words, and what responses do in them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from antiphon.core.records import ConversationRecord
from antiphon.stores.conversations import Conversations
from antiphon.stores.drivers.sqlite import SQLite
from tests.contract import specifications
from tests.contract.wire import Answer, ask, create, made
from tests.running import Running

CONVERSATIONS = "/v1/conversations"
LOCKED = "Another process is currently operating on this conversation. Please retry in a few seconds."
UNKNOWN = "conv_" + "0" * 48
ITEMS: list[dict[str, Any]] = [
    {"role": "user", "content": "hello"},
    {"role": "system", "content": [{"type": "input_text", "text": "s"}]},
    {"role": "assistant", "content": "hi"},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}]},
    {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c1", "output": "done"},
    {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"},
    {"type": "custom_tool_call_output", "call_id": "c2", "output": "done"},
    {
        "type": "shell_call",
        "call_id": "c3",
        "status": "completed",
        "environment": {"type": "local"},
        "action": {"commands": ["ls"], "timeout_ms": None, "max_output_length": None},
    },
    {
        "type": "shell_call_output",
        "call_id": "c3",
        "status": "completed",
        "max_output_length": None,
        "output": [{"stdout": "", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
    },
]


def post(gateway: Running, path: str, body: Any) -> Answer:
    return ask(gateway, "POST", path, body)


def started(gateway: Running, *items: dict[str, Any], **metadata: str) -> str:
    """The path of a new conversation."""
    answer = post(gateway, CONVERSATIONS, {"items": list(items), "metadata": metadata})
    assert answer.status == 200, answer.body
    return f"{CONVERSATIONS}/{answer.json()['id']}"


def id_of(path: str) -> str:
    return path.removeprefix(f"{CONVERSATIONS}/")


def listed(gateway: Running, path: str, query: str = "order=asc&limit=100") -> Any:
    answer = ask(gateway, "GET", f"{path}/items?{query}")
    assert answer.status == 200, answer.body
    return answer.json()


def texts(gateway: Running, path: str) -> list[str]:
    return [item["content"][0]["text"] for item in listed(gateway, path)["data"]]


@specifications.needed
def test_a_conversation_lives_as_openai_describes_it(gateway: Running) -> None:
    openai = specifications.openai()
    path = started(gateway, {"role": "user", "content": "one"}, a="1")
    shown = ask(gateway, "GET", path).json()
    openai.check("ConversationResource", shown)
    assert (shown["id"], shown["object"], shown["metadata"]) == (id_of(path), "conversation", {"a": "1"})
    assert shown["created_at"] == pytest.approx(time.time(), abs=60)
    changed = post(gateway, path, {"metadata": {"b": "2"}}).json()
    assert changed == {**shown, "metadata": {"b": "2"}} == ask(gateway, "GET", path).json()
    assert post(gateway, path, {"metadata": None}).json()["metadata"] == {}
    gone = ask(gateway, "DELETE", path)
    assert gone.json() == {"id": id_of(path), "object": "conversation.deleted", "deleted": True}
    openai.check("DeletedConversationResource", gone.json())
    assert ask(gateway, "GET", path).status == 404


@specifications.needed
def test_items_of_every_kind_are_shown_as_openai_describes_them(gateway: Running) -> None:
    path = started(gateway)
    added = post(gateway, f"{path}/items", {"items": ITEMS}).json()
    specifications.openai().check("ConversationItemList", added)
    assert [item["type"] for item in added["data"]] == [item.get("type", "message") for item in ITEMS]
    assert len({item["id"] for item in added["data"]}) == len(ITEMS)
    assert (added["first_id"], added["last_id"]) == (added["data"][0]["id"], added["data"][-1]["id"])
    assert listed(gateway, path) == added
    for item in added["data"]:
        assert ask(gateway, "GET", f"{path}/items/{item['id']}").json() == item
    last = f"{path}/items/{added['last_id']}"
    assert ask(gateway, "DELETE", last).json() == ask(gateway, "GET", path).json()
    assert ask(gateway, "DELETE", last).error["message"] == f"Item with id '{added['last_id']}' not found."
    assert listed(gateway, path)["data"] == added["data"][:-1]


def test_an_empty_body_makes_an_empty_conversation(gateway: Running) -> None:
    for body in (None, b"", {}, {"items": None, "metadata": None}):
        made_so = post(gateway, CONVERSATIONS, body).json()
        assert made_so["metadata"] == {}
        page = listed(gateway, f"{CONVERSATIONS}/{made_so['id']}")
        assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"items": [{"role": "user", "content": "x"}] * 21}, "array_above_max_length", "items"),
        ({"items": "x"}, "invalid_type", "items"),
        ({"items": [{"role": "robot", "content": "x"}]}, "invalid_value", "items[0].role"),
        ({"items": [{"type": "function_call_output"}]}, "missing_required_parameter", "items[0].call_id"),
        ({"items": [{"type": "compaction_trigger"}]}, "invalid_value", "items[0]"),
        ({"items": [{"type": "item_reference", "id": "msg_0"}]}, None, "items[0].id"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "object_above_max_properties", "metadata"),
        ({"metadata": {"k" * 65: "x"}}, "string_above_max_length", "metadata." + "k" * 64),
        ({"metadata": {"k": "x" * 513}}, "string_above_max_length", "metadata.k"),
        ({"metadata": {"k": 1}}, "invalid_type", "metadata.k"),
        ({"name": "x"}, "unknown_parameter", "name"),
        ([], "invalid_type", None),
    ],
)
def test_what_cannot_be_made_is_refused_by_name(
    gateway: Running, body: Any, code: str | None, param: str | None
) -> None:
    answer = post(gateway, CONVERSATIONS, body)
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, code, param)


def test_limits_are_what_just_fits(gateway: Running) -> None:
    metadata = {f"{n:064}": "x" * 512 for n in range(16)}
    items = [{"role": "user", "content": str(n)} for n in range(20)]
    path = started(gateway, *items, **metadata)
    assert len(listed(gateway, path)["data"]) == 20
    assert post(gateway, f"{path}/items", {"items": items}).status == 200
    assert post(gateway, f"{path}/items", {"items": [*items, items[0]]}).error["param"] == "items"
    assert post(gateway, f"{path}/items", {}).error["code"] == "missing_required_parameter"
    assert post(gateway, path, {}).error["param"] == "metadata"


def test_pages_follow_one_another(gateway: Running) -> None:
    path = started(gateway, *({"role": "user", "content": str(n)} for n in range(7)))
    seen, query = list[str](), "limit=3"
    while True:
        page = listed(gateway, path, query)
        seen += [item["content"][0]["text"] for item in page["data"]]
        if not page["has_more"]:
            break
        query = f"limit=3&after={page['last_id']}"
    assert seen == list("6543210")
    refused = ask(gateway, "GET", f"{path}/items?after=msg_0")
    assert (refused.status, refused.error["param"]) == (400, "after")
    assert ask(gateway, "GET", f"{path}/items?limit=101").error["param"] == "limit"


def test_thoughts_are_shown_sealed_to_who_asks(gateway: Running) -> None:
    path = started(gateway)
    made(gateway, "think first then say hi", conversation=id_of(path))
    [thought] = [item for item in listed(gateway, path)["data"] if item["type"] == "reasoning"]
    assert "encrypted_content" not in thought
    wish = "include=reasoning.encrypted_content"
    shown = ask(gateway, "GET", f"{path}/items/{thought['id']}?{wish}").json()
    assert shown["encrypted_content"]
    assert shown in listed(gateway, path, f"order=asc&{wish}")["data"]
    assert ask(gateway, "GET", f"{path}/items?include=everything").error["param"] == "include[0]"


# Whose it is


async def foreign(gateway: Running) -> str:
    """The id of another project's conversation, which has an item msg_foreign."""
    database = await SQLite.open(Path(gateway.settings.data) / "antiphon.db")
    record = ConversationRecord(id="conv_" + "f" * 48, project_id="another", created_at=1, metadata={})
    item = {"type": "message", "id": "msg_foreign", "role": "user", "content": [], "status": "completed"}
    store = Conversations(database)
    if await store.get("another", record.id) is None:
        await store.create(record, [item])
    await database.close()
    return record.id


VERBS: list[tuple[str, str, Any]] = [
    ("GET", f"{CONVERSATIONS}/ID", None),
    ("POST", f"{CONVERSATIONS}/ID", {"metadata": {}}),
    ("DELETE", f"{CONVERSATIONS}/ID", None),
    ("GET", f"{CONVERSATIONS}/ID/items", None),
    ("GET", f"{CONVERSATIONS}/ID/items?after=msg_foreign", None),
    ("POST", f"{CONVERSATIONS}/ID/items", {"items": [{"role": "user", "content": "x"}]}),
    ("POST", f"{CONVERSATIONS}/ID/items", {"items": []}),
    ("GET", f"{CONVERSATIONS}/ID/items/msg_foreign", None),
    ("DELETE", f"{CONVERSATIONS}/ID/items/msg_foreign", None),
    ("POST", "/v1/responses", {"model": "sim/echo", "input": "x", "conversation": "ID"}),
    ("POST", "/v1/responses", {"model": "sim/echo", "input": "x", "conversation": {"id": "ID"}}),
    ("POST", "/v1/responses", {"model": "sim/echo", "input": "x", "conversation": "ID", "store": False}),
    ("POST", "/v1/responses/input_tokens", {"model": "sim/echo", "input": "x", "conversation": "ID"}),
    ("POST", "/v1/router/explain", {"model": "sim/echo", "input": "x", "conversation": "ID"}),
]


@pytest.mark.parametrize(("method", "path", "body"), VERBS)
def test_what_is_somebody_elses_is_not_there(gateway: Running, method: str, path: str, body: Any) -> None:
    theirs = asyncio.run(foreign(gateway))

    def answer(named: str) -> Answer:
        sent = None if body is None else json.loads(json.dumps(body).replace("ID", named))
        return ask(gateway, method, path.replace("ID", named), sent)

    unknown, foreigners = answer(UNKNOWN), answer(theirs)
    assert (unknown.status, unknown.error["type"]) == (404, "invalid_request_error")
    assert unknown.error["message"] == f"Conversation with id '{UNKNOWN}' not found."
    assert foreigners.status == unknown.status
    assert foreigners.body == unknown.body.replace(UNKNOWN.encode(), theirs.encode())


def test_what_is_no_id_of_a_conversation_is_told_so(gateway: Running) -> None:
    answer = create(gateway, "x", conversation="resp_1")
    assert (answer.status, answer.error["param"]) == (400, "conversation")
    assert (
        answer.error["message"] == "Invalid 'conversation': 'resp_1'. Expected an ID that begins with 'conv'."
    )
    assert create(gateway, "x", conversation={"id": "resp_1"}).error["param"] == "conversation.id"
    assert ask(gateway, "GET", f"{CONVERSATIONS}/resp_1").error["param"] == "conversation_id"


# Responses in it


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_asked_and_said_is_added(gateway: Running, stream: bool) -> None:
    path = started(gateway, {"role": "user", "content": "zero"})
    named = {"id": id_of(path)}
    first = made(gateway, "one", conversation=id_of(path), stream=stream)
    assert first["conversation"] == named
    second = made(gateway, "recall zero", conversation=named, stream=stream)
    assert second["output"][0]["content"][0]["text"] == "zero"
    assert texts(gateway, path) == ["zero", "one", "one", "recall zero", "zero"]
    items = listed(gateway, path)["data"]
    assert items[2]["id"] == first["output"][0]["id"]
    assert ask(gateway, "GET", f"/v1/responses/{second['id']}").json()["conversation"] == named
    inputs = ask(gateway, "GET", f"/v1/responses/{second['id']}/input_items?order=asc").json()
    assert [item["id"] for item in inputs["data"]] == [item["id"] for item in items[:4]]


def test_without_new_input_the_model_goes_on_from_the_items(gateway: Running) -> None:
    path = started(gateway, {"role": "user", "content": "zero"})
    answer = ask(gateway, "POST", "/v1/responses", {"model": "sim/echo", "conversation": id_of(path)})
    assert answer.status == 200
    assert texts(gateway, path) == ["zero", "zero"]


def test_instructions_are_not_carried(gateway: Running) -> None:
    path = started(gateway)
    assert made(gateway, "one", conversation=id_of(path), instructions="Shout.")["instructions"] == "Shout."
    assert made(gateway, "two", conversation=id_of(path))["instructions"] is None
    assert len(texts(gateway, path)) == 4


def test_an_incomplete_answer_is_part_of_it_and_a_failed_one_is_not(gateway: Running) -> None:
    path = started(gateway)
    cut = made(gateway, "count to 50", conversation=id_of(path), max_output_tokens=3)
    assert cut["status"] == "incomplete"
    before = texts(gateway, path)
    assert len(before) == 2
    for stream in (False, True):
        failed = create(gateway, "fail now", conversation=id_of(path), stream=stream)
        assert failed.status == (200 if stream else 502)
        assert texts(gateway, path) == before
        made(gateway, "again", conversation=id_of(path))  # it is free at once
        before = texts(gateway, path)


def test_what_is_refused_before_it_began_leaves_it_free(gateway: Running) -> None:
    path = started(gateway)
    call = {"type": "function_call_output", "call_id": "c", "output": "x"}
    assert create(gateway, [call], conversation=id_of(path)).error["param"] == "input"
    wrong = {
        "model": "sim/echo",
        "input": "x",
        "conversation": id_of(path),
        "providers": {"only": ["openai"]},
    }
    assert post(gateway, "/v1/responses", wrong).status == 400
    made(gateway, "one", conversation=id_of(path))


def test_what_is_not_stored_is_told_but_not_added(gateway: Running) -> None:
    path = started(gateway, {"role": "user", "content": "zero"})
    answer = made(gateway, "recall zero", conversation=id_of(path), store=False)
    assert answer["output"][0]["content"][0]["text"] == "zero"
    assert (answer["store"], answer["conversation"]) == (False, {"id": id_of(path)})
    assert texts(gateway, path) == ["zero"]


def test_it_excludes_a_previous_response(gateway: Running) -> None:
    path = started(gateway)
    first = made(gateway, "one", conversation=id_of(path))
    both = create(gateway, "two", conversation=id_of(path), previous_response_id=first["id"])
    assert (both.status, both.error["param"]) == (400, "conversation")
    fork = made(gateway, "recall one", previous_response_id=first["id"])
    assert fork["output"][0]["content"][0]["text"] == "one"
    assert len(texts(gateway, path)) == 2


def test_responses_stay_when_it_is_deleted_but_do_not_go_on(gateway: Running) -> None:
    path = started(gateway, {"role": "user", "content": "zero"})
    first = made(gateway, "one", conversation=id_of(path))
    assert ask(gateway, "DELETE", path).status == 200
    assert ask(gateway, "GET", f"/v1/responses/{first['id']}").json() == first
    refused = create(gateway, "two", previous_response_id=first["id"])
    assert refused.error["code"] == "previous_response_not_found"


def test_items_can_be_referred_to(gateway: Running) -> None:
    path = started(gateway, {"role": "user", "content": "zero"})
    [item] = listed(gateway, path)["data"]
    reference = {"type": "item_reference", "id": item["id"]}
    assert made(gateway, [reference])["output"][0]["content"][0]["text"] == "zero"
    other = started(gateway, reference)
    [copied] = listed(gateway, other)["data"]
    assert copied == {**item, "id": copied["id"]}


def test_tokens_and_routes_are_told_with_it(gateway: Running) -> None:
    path = started(gateway, {"role": "user", "content": "some words that count"})
    body = {"model": "sim/echo", "input": "x"}

    def tokens(**more: Any) -> int:
        return int(post(gateway, "/v1/responses/input_tokens", body | more).json()["input_tokens"])

    assert tokens(conversation=id_of(path)) > tokens()
    assert post(gateway, "/v1/router/explain", body | {"conversation": id_of(path)}).status == 200
    assert texts(gateway, path) == ["some words that count"]


# One writer


def in_background(gateway: Running, path: str, text: str) -> tuple[threading.Thread, list[Answer]]:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(create(gateway, text, conversation=id_of(path))))
    thread.start()
    return thread, answers


def wait_until_locked(gateway: Running, path: str) -> Answer:
    for _ in range(100):
        answer = post(gateway, f"{path}/items", {"items": []})
        if answer.status != 200:
            return answer
        time.sleep(0.01)
    raise AssertionError("it was never locked")


def test_of_two_writers_the_second_is_told_to_wait(gateway: Running) -> None:
    path = started(gateway)
    thread, answers = in_background(gateway, path, "wait 1 seconds then say done")
    refused = wait_until_locked(gateway, path)
    for answer in (refused, create(gateway, "x", conversation=id_of(path))):
        assert (answer.status, answer.header("retry-after")) == (400, "2")
        assert answer.error == {
            "message": LOCKED,
            "type": "invalid_request_error",
            "param": "conversation",
            "code": "conversation_locked",
        }
    assert made(gateway, "reading needs no lock", conversation=id_of(path), store=False)
    assert post(gateway, path, {"metadata": {"a": "1"}}).status == 200
    assert texts(gateway, path) == []
    thread.join()
    assert answers[0].status == 200
    assert len(texts(gateway, path)) == 2


def test_one_that_is_deleted_meanwhile_takes_nothing_of_the_answer(gateway: Running) -> None:
    path = started(gateway)
    thread, answers = in_background(gateway, path, "wait 1 seconds then say done")
    wait_until_locked(gateway, path)
    assert ask(gateway, "DELETE", path).status == 200
    thread.join()
    response = answers[0].json()
    assert (response["status"], response["store"]) == ("completed", True)
    assert ask(gateway, "GET", f"/v1/responses/{response['id']}").json() == response


def test_fifty_at_once_are_served_one_after_the_other(gateway: Running) -> None:
    path = started(gateway)

    def insist(number: int) -> None:
        while (answer := create(gateway, f"n{number}", conversation=id_of(path))).status == 400:
            assert answer.error["code"] == "conversation_locked"
            time.sleep(0.02)
        assert answer.status == 200

    threads = [threading.Thread(target=insist, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = texts(gateway, path)
    assert len(said) == 100
    assert said[::2] == said[1::2]  # each echo stands behind what was asked
    assert sorted(said[::2]) == sorted(f"n{number}" for number in range(50))


# In the background


def in_the_end(gateway: Running, response: dict[str, Any]) -> dict[str, Any]:
    while response["status"] in ("queued", "in_progress"):
        time.sleep(0.05)
        response = ask(gateway, "GET", f"/v1/responses/{response['id']}").json()
    return response


def test_a_background_response_has_the_lock_from_the_queue_to_its_end(gateway: Running) -> None:
    path = started(gateway, {"role": "user", "content": "zero"})
    queued = made(gateway, "wait 1 seconds then recall zero", conversation=id_of(path), background=True)
    assert queued["status"] == "queued"
    for _ in range(3):
        assert create(gateway, "x", conversation=id_of(path)).error["code"] == "conversation_locked"
        assert post(gateway, f"{path}/items", {"items": ITEMS[:1]}).status == 400
        time.sleep(0.2)
    ended = in_the_end(gateway, queued)
    assert (ended["status"], ended["conversation"]) == ("completed", {"id": id_of(path)})
    items = listed(gateway, path)["data"]
    assert [item["id"] for item in items[2:]] == [item["id"] for item in ended["output"]]
    inputs = ask(gateway, "GET", f"/v1/responses/{ended['id']}/input_items?order=asc").json()
    assert [item["id"] for item in inputs["data"]] == [item["id"] for item in items[:2]]
    made(gateway, "one", conversation=id_of(path))
    assert len(texts(gateway, path)) == 5
    fork = made(gateway, "recall zero", previous_response_id=ended["id"])
    assert fork["output"][0]["content"][0]["text"] == "zero"


@pytest.mark.parametrize("text", ["fail now", "wait 60 seconds then say never"])
def test_one_that_fails_or_is_cancelled_adds_nothing_and_lets_go(gateway: Running, text: str) -> None:
    path = started(gateway)
    queued = made(gateway, text, conversation=id_of(path), background=True)
    if "wait" in text:
        cancelled = post(gateway, f"/v1/responses/{queued['id']}/cancel", {})
        assert cancelled.json()["status"] == "cancelled"
    assert in_the_end(gateway, queued)["status"] in ("failed", "cancelled")
    assert texts(gateway, path) == []
    made(gateway, "one", conversation=id_of(path))


def test_one_whose_conversation_is_deleted_ends_without_it(gateway: Running) -> None:
    path = started(gateway)
    queued = made(gateway, "wait 1 seconds then say done", conversation=id_of(path), background=True)
    assert ask(gateway, "DELETE", path).status == 200
    assert in_the_end(gateway, queued)["status"] in ("completed", "failed")  # as it had begun, or not
