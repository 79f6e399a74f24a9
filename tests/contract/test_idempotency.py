"""A request with an Idempotency-Key is done once, however often it is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.wire import Answer, ask
from tests.running import Running


def sent(gateway: Running, key: str, path: str = "/v1/responses", **fields: Any) -> Answer:
    body = fields if path != "/v1/responses" else {"model": "sim/echo", "input": "hello", **fields}
    return ask(gateway, "POST", path, body, [("Idempotency-Key", key)])


def is_replayed(answer: Answer) -> bool:
    return answer.header("idempotent-replayed") == "true"


def test_the_second_time_the_answer_is_the_first_ones(gateway: Running) -> None:
    first, second = sent(gateway, "whole"), sent(gateway, "whole")
    assert (first.status, second.status) == (200, 200)
    assert (is_replayed(first), is_replayed(second)) == (False, True)
    assert first.body == second.body
    assert first.header("content-type") == second.header("content-type")
    assert ask(gateway, "GET", f"/v1/responses/{first.json()['id']}").status == 200


def test_so_are_the_events_of_a_stream(gateway: Running) -> None:
    first = sent(gateway, "stream", input="count to 20", stream=True)
    second = sent(gateway, "stream", input="count to 20", stream=True)
    assert is_replayed(second)
    assert second.header("content-type") == first.header("content-type")
    assert first.events[-1]["type"] == "response.completed"
    assert first.body == second.body


def test_the_order_of_keys_does_not_matter_and_what_they_say_does(gateway: Running) -> None:
    first = ask(
        gateway, "POST", "/v1/responses", {"model": "sim/echo", "input": "x"}, [("Idempotency-Key", "order")]
    )
    other_order = {"input": "x", "model": "sim/echo"}
    assert is_replayed(ask(gateway, "POST", "/v1/responses", other_order, [("Idempotency-Key", "order")]))
    conflict = sent(gateway, "order", input="y")
    assert (conflict.status, conflict.json()["error"]["code"]) == (409, "idempotency_key_conflict")
    assert conflict.header("x-should-retry") == "false"
    assert first.status == 200


def test_fifty_at_once_make_one_response(gateway: Running) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: sent(gateway, "fifty", input="count to 30 slowly"), range(50)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum(not is_replayed(answer) for answer in answers) == 1


def test_what_is_refused_is_not_kept(gateway: Running) -> None:
    assert sent(gateway, "refused", temperature=9).status == 400
    again = sent(gateway, "refused")
    assert (again.status, is_replayed(again)) == (200, False)


def test_what_a_provider_failed_at_is(gateway: Running) -> None:
    first = sent(gateway, "failed", input="fail before output")
    second = sent(gateway, "failed", input="fail before output")
    assert first.status == second.status == 502
    assert (is_replayed(second), first.body) == (True, second.body)


def test_other_posts_that_make_something_know_it_too(gateway: Running) -> None:
    first, second = (sent(gateway, "made", "/v1/conversations", metadata={"a": "b"}) for _ in range(2))
    assert first.json() == second.json()
    assert is_replayed(second)
    path = f"/v1/conversations/{first.json()['id']}/items"
    item = {"type": "message", "role": "user", "content": "hi"}
    added, again = (sent(gateway, "made", path, items=[item]) for _ in range(2))
    assert added.json() == again.json()
    assert len(ask(gateway, "GET", path).json()["data"]) == 1


def test_what_is_deleted_is_not_replayed(gateway: Running) -> None:
    first = sent(gateway, "deleted").json()
    ask(gateway, "DELETE", f"/v1/responses/{first['id']}")
    again = sent(gateway, "deleted")
    assert not is_replayed(again)
    assert again.json()["id"] != first["id"]


@pytest.mark.parametrize("key", ["", "k" * 256, "clé"])
def test_a_key_is_short_and_printable(gateway: Running, key: str) -> None:
    answer = sent(gateway, key)
    assert (answer.status, answer.json()["error"]["param"]) == (400, "Idempotency-Key")
