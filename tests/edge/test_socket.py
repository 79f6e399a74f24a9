"""Responses over a WebSocket: what is said, and in which words it is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.wire import ask as over_http
from tests.contract.wire import create
from tests.edge.sockets import Socket, code_of, socket, text_of
from tests.running import Running, running_gateway

INVENTED = "resp_0123456789abcdef"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("sockets")) as running:
        yield running


@pytest.fixture
def client(gateway: Running) -> Iterator[Socket]:
    with socket(gateway) as opened:
        yield opened


def without_moments(events: list[Any]) -> list[Any]:
    """Ids and times are of the moment; everything else is not."""
    ids: dict[str, str] = {}

    def plain(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: plain(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        if name in ("id", "item_id"):
            return ids.setdefault(value, f"{value.partition('_')[0]} {len(ids)}")
        return None if name in ("created_at", "completed_at") else value

    return [plain(event) for event in events]


# What is said


@pytest.mark.parametrize("said", ["hello there", "count to 30", "think first then say yes", "call tool f"])
def test_the_events_are_those_of_a_stream(gateway: Running, client: Socket, said: str) -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    fields = {"input": said, "tools": [tool], "store": False}
    streamed = create(gateway, stream=True, **fields).events
    client.send(**fields)
    assert without_moments(client.answer()) == without_moments(streamed)


def test_one_may_be_asked_after_the_other(client: Socket) -> None:
    assert [text_of(client.ask(input=word)) for word in ("one", "two", "three")] == ["one", "two", "three"]


def test_deltas_are_padded_unless_the_client_wants_them_plain(client: Socket) -> None:
    client.send(input="hello")
    assert [event["obfuscation"] for event in client.answer() if event["type"].endswith(".delta")]
    client.send(input="hello", stream_options={"include_obfuscation": False})
    assert not [event for event in client.answer() if "obfuscation" in event]


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/v3/responses"])
def test_it_is_served_wherever_responses_are_made(gateway: Running, path: str) -> None:
    with socket(gateway, path) as client:
        assert text_of(client.ask(input="hello")) == "hello"


@pytest.mark.parametrize("extra", [{"stream": True}, {"background": False}, {"stream": None}])
def test_what_agents_send_besides_is_no_error(client: Socket, extra: dict[str, Any]) -> None:
    assert text_of(client.ask(input="hello", **extra)) == "hello"


def test_bytes_may_be_sent_as_a_binary_message(client: Socket) -> None:
    client.connection.send(b'{"type": "response.create", "model": "sim/echo", "input": "hello"}')
    assert text_of(client.answer()[-1]["response"]) == "hello"


def test_a_stored_response_can_be_read_over_http(gateway: Running, client: Socket) -> None:
    made = client.ask(input="hello")
    assert over_http(gateway, "GET", f"/v1/responses/{made['id']}").json() == made


# What is refused


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"model": "nobody/knows"}, 400, "model_not_found", "model"),
        ({"temperature": 9}, 400, "decimal_above_max_value", "temperature"),
        ({"background": True}, 400, "unsupported_parameter", "background"),
        ({"stream": False}, 400, "unsupported_parameter", "stream"),
        ({"stream": "yes"}, 400, "invalid_type", "stream"),
        ({"generate": "no"}, 400, "invalid_type", "generate"),
        ({"stream_id": "a b"}, 400, "invalid_value", "stream_id"),
        ({"stream_id": 7}, 400, "invalid_type", "stream_id"),
        ({"previous_response_id": INVENTED}, 400, "previous_response_not_found", "previous_response_id"),
        ({"type": "response.drop"}, 400, "invalid_value", "type"),
        ({"type": None}, 400, "invalid_value", "type"),
        ({"input": "fail before output"}, 502, "upstream_error", None),
        ({"input": "rate limit me"}, 429, "rate_limit_exceeded", None),
    ],
)
def test_a_refusal_is_one_error_message_and_the_connection_goes_on(
    client: Socket, fields: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    client.send(**{"input": "x", **fields})
    (event,) = client.answer()
    assert (event["status"], event["error"]["param"]) == (status, param), event
    assert event["error"]["code"] == code
    assert isinstance(event["error"]["message"], str)
    assert "stream_id" not in event
    assert text_of(client.ask(input="hello")) == "hello"


def test_who_is_asked_to_wait_is_told_how_long(client: Socket) -> None:
    event = client.ask(input="rate limit me for 7 seconds")
    assert event["error"]["headers"] == {"retry-after": "7"}


def test_a_failure_after_the_first_word_is_one_end_and_not_two(client: Socket) -> None:
    client.send(input="fail now")
    events = client.answer()
    assert events[-1]["type"] == "response.failed"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    client.send(input="hello")
    assert client.receive()["type"] == "response.created"


@pytest.mark.parametrize("message", ["", "{", "[]", '"hello"', "\0", '{"type": "response.create"} x'])
def test_what_is_no_json_object_is_refused(client: Socket, message: str) -> None:
    client.connection.send(message)
    assert client.receive()["status"] == 400
    assert text_of(client.ask(input="hello")) == "hello"


def test_steering_gives_the_words_back(client: Socket) -> None:
    words = {"previous_response_id": INVENTED, "input": "rather say no"}
    client.connection.send(json.dumps({"type": "response.steer", **words}))
    event = client.receive()
    assert (event["type"], event["steer"]) == ("response.steer.failed", words)
    assert event["error"]["code"] == "steering_not_supported"


# Preparing


@pytest.mark.parametrize("store", [True, False])
def test_a_warm_up_says_nothing_and_can_be_continued(client: Socket, store: bool) -> None:
    tools = [{"type": "function", "name": "f"}]
    client.send(input="remember the elephant", tools=tools, generate=False, store=store)
    events = client.answer()
    kinds = ["response.created", "response.in_progress", "response.completed"]
    assert [event["type"] for event in events] == kinds
    warm = events[-1]["response"]
    assert (warm["status"], warm["output"], warm["usage"]) == ("completed", [], None)
    answered = client.ask(input="recall elephant", previous_response_id=warm["id"], store=store)
    assert text_of(answered) == "remember the elephant"


def test_nothing_at_all_can_be_prepared_as_agents_do(client: Socket) -> None:
    warm = client.ask(input=[], generate=False, store=False)
    assert text_of(client.ask(input="hello", previous_response_id=warm["id"])) == "hello"


def test_a_warm_up_is_refused_like_any_request(client: Socket) -> None:
    refused = client.ask(input="x", model="nobody/knows", generate=False)
    assert code_of(refused) == (400, "model_not_found")


def test_over_http_there_is_nothing_to_prepare(gateway: Running) -> None:
    assert create(gateway, input="x", generate=False).status == 400


# What is not stored


def test_what_is_not_stored_is_continued_on_its_connection_alone(gateway: Running, client: Socket) -> None:
    first = client.ask(input="the password is swordfish", store=False)
    assert first["store"] is False
    with socket(gateway) as other:
        again = other.ask(input="recall password", previous_response_id=first["id"], store=False)
        assert code_of(again) == (400, "previous_response_not_found")
        assert text_of(other.ask(input="hello")) == "hello"
    assert create(gateway, input="x", previous_response_id=first["id"]).status == 400
    assert over_http(gateway, "GET", f"/v1/responses/{first['id']}").status == 404
    second = client.ask(input="recall password", previous_response_id=first["id"], store=False)
    assert text_of(second) == "the password is swordfish"
    third = client.ask(input="recall password", previous_response_id=second["id"], store=False)
    assert text_of(third) == "the password is swordfish"


def test_only_the_newest_is_held(client: Socket) -> None:
    first = client.ask(input="one", store=False)
    client.ask(input="two", store=False)
    refused = client.ask(input="three", store=False, previous_response_id=first["id"])
    assert code_of(refused) == (400, "previous_response_not_found")


def test_a_failed_continuation_evicts_what_it_continued(client: Socket) -> None:
    first = client.ask(input="one", store=False)
    output = {"type": "function_call_output", "call_id": "call_missing", "output": "x"}
    assert client.ask(input=[output], store=False, previous_response_id=first["id"])["status"] == 400
    refused = client.ask(input="two", store=False, previous_response_id=first["id"])
    assert code_of(refused) == (400, "previous_response_not_found")


def test_so_does_one_that_fails_in_the_middle(client: Socket) -> None:
    first = client.ask(input="one", store=False)
    failed = client.ask(input="fail now", store=False, previous_response_id=first["id"])
    assert failed["status"] == "failed"
    refused = client.ask(input="two", store=False, previous_response_id=first["id"])
    assert code_of(refused) == (400, "previous_response_not_found")


def test_what_is_stored_outlives_a_failed_continuation(client: Socket) -> None:
    first = client.ask(input="one")
    assert client.ask(input="fail now", previous_response_id=first["id"])["status"] == "failed"
    assert text_of(client.ask(input="recall one", previous_response_id=first["id"])) == "one"


def test_stored_behind_what_is_not_can_be_read_anywhere_and_continued_here(
    gateway: Running, client: Socket
) -> None:
    first = client.ask(input="the password is swordfish", store=False)
    second = client.ask(input="two", previous_response_id=first["id"])
    assert over_http(gateway, "GET", f"/v1/responses/{second['id']}").json() == second
    third = client.ask(input="recall password", previous_response_id=second["id"], store=False)
    assert text_of(third) == "the password is swordfish"
    elsewhere = create(gateway, input="recall password", previous_response_id=second["id"])
    assert elsewhere.error["code"] == "previous_response_not_found"


def test_a_call_is_answered_without_a_store(client: Socket) -> None:
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]
    called = client.ask(input="call tool f", tools=tools, store=False)
    (call,) = called["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "42"}
    done = client.ask(input=[output], tools=tools, store=False, previous_response_id=called["id"])
    assert text_of(done) == "tool result: 42"


def test_thoughts_come_back_without_a_store_and_without_being_shown(client: Socket) -> None:
    first = client.ask(model="sim/reasoner", input="one", store=False)
    assert "encrypted_content" not in first["output"][0]
    second = client.ask(model="sim/reasoner", input="two", store=False, previous_response_id=first["id"])
    assert text_of(second) == "two"


def test_what_connections_hold_together_is_bounded(tmp_path: Any) -> None:
    with running_gateway(tmp_path, websocket={"memory": 3000}) as gateway, socket(gateway) as one:
        first = one.ask(input="a" * 1200, store=False)
        with socket(gateway) as two:
            second = two.ask(input="b" * 1200, store=False)
            assert text_of(two.ask(input="recall b", store=False, previous_response_id=second["id"]))
        assert code_of(one.ask(input="x", store=False, previous_response_id=first["id"]))[0] == 400
        huge = one.ask(input="c" * 9000, store=False)
        assert code_of(one.ask(input="x", store=False, previous_response_id=huge["id"]))[0] == 400
