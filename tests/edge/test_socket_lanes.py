"""The order of answers on one WebSocket, and how much it may ask for at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.edge.sockets import ENDS, JSON, Socket, code_of, socket, text_of
from tests.running import Running, running_gateway

SLOW = "count to 8 slowly"  # 0.4 s
FULL = (429, "websocket_stream_limit_reached")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("lanes")) as running:
        yield running


@pytest.fixture
def client(gateway: Running) -> Iterator[Socket]:
    with socket(gateway) as opened:
        yield opened


def until_ends(client: Socket, ends: int) -> list[JSON]:
    events: list[JSON] = []
    while sum(event["type"] in ENDS for event in events) < ends:
        events.append(client.receive())
    return events


def ended(events: list[JSON]) -> list[Any]:
    """The lanes of the answers, in the order in which they ended; a refusal by its code."""
    return [
        event.get("stream_id", event["error"]["code"] if event["type"] == "error" else None)
        for event in events
        if event["type"] in ENDS
    ]


def test_without_lanes_answers_come_strictly_in_order(client: Socket) -> None:
    for said in (SLOW, "two", "three"):
        client.send(input=said)
    answers = [client.answer() for _ in range(3)]
    assert [text_of(each[-1]["response"]) for each in answers][1:] == ["two", "three"]
    assert [each[0]["type"] for each in answers] == ["response.created"] * 3


def test_refusals_wait_for_their_turn(client: Socket) -> None:
    client.send(input=SLOW)
    client.send(input="x", temperature=9)
    client.connection.send("not JSON")
    client.send(input="x")
    codes = ["decimal_above_max_value", "invalid_json"]
    assert ended(until_ends(client, 4)) == [None, *codes, None]


def test_lanes_run_beside_one_another_and_each_event_says_whose_it_is(client: Socket) -> None:
    client.send(input=SLOW, stream_id="slow.1")
    client.send(input="two", stream_id="fast-2")
    client.send(input="three")
    events = until_ends(client, 3)
    assert ended(events)[-1] == "slow.1"
    assert {event.get("stream_id") for event in events} == {"slow.1", "fast-2", None}
    for lane in ("slow.1", "fast-2", None):
        own = [event for event in events if event.get("stream_id") == lane]
        assert [event["sequence_number"] for event in own] == list(range(len(own)))


def test_in_one_lane_answers_come_in_order(client: Socket) -> None:
    client.send(input=SLOW, stream_id="a")
    client.send(input="x", temperature=9, stream_id="a")
    client.send(input="two", stream_id="a")
    events = until_ends(client, 3)
    assert [event["type"] for event in events if event["type"] in ENDS] == [ENDS[0], "error", ENDS[0]]
    assert {event["stream_id"] for event in events} == {"a"}


def test_any_lane_continues_what_another_holds(client: Socket) -> None:
    first = client.ask(input="remember the elephant", store=False, stream_id="a")
    for lane in ("b", "c"):
        again = {"previous_response_id": first["id"], "stream_id": lane, "store": False}
        assert text_of(client.ask(input="recall elephant", **again)) == "remember the elephant"


def test_each_lane_holds_its_newest(client: Socket) -> None:
    first = client.ask(input="one", store=False, stream_id="a")
    client.ask(input="two", store=False, stream_id="b")
    assert text_of(client.ask(input="recall one", store=False, previous_response_id=first["id"])) == "one"


def test_requests_in_progress_are_bounded_and_the_refusal_comes_at_once(tmp_path: Path) -> None:
    with running_gateway(tmp_path, websocket={"in_flight": 2}) as gateway, socket(gateway) as client:
        client.send(input=SLOW)
        client.send(input="waits")
        client.send(input="too many", stream_id="b")
        refused, others = client.receive(), list[JSON]()
        while refused["type"] != "error":
            refused = client.receive()
        assert (code_of(refused), refused["stream_id"]) == (FULL, "b")
        others = until_ends(client, 2)
        assert text_of(others[-1]["response"]) == "waits"
        assert text_of(client.ask(input="hello", stream_id="b")) == "hello"


def test_so_are_their_bytes(tmp_path: Path) -> None:
    with running_gateway(tmp_path, limits={"body_bytes": 4096}) as gateway, socket(gateway) as client:
        client.send(input=SLOW)
        client.send(input="x" * 3000)
        client.send(input="x" * 3000)
        assert ended(until_ends(client, 3)) == [FULL[1], None, None]
        assert text_of(client.ask(input="y" * 3000)) == "y" * 3000


def test_so_are_lanes_that_have_something_to_do_or_to_remember(tmp_path: Path) -> None:
    with running_gateway(tmp_path, websocket={"lanes": 2}) as gateway, socket(gateway) as client:
        for lane in ("a", "b", "c", "d"):
            client.ask(input="stored", stream_id=lane)
        for lane in ("e", "f"):
            client.ask(input="held", store=False, stream_id=lane)
        refused = client.ask(input="x", store=False, stream_id="g")
        assert (code_of(refused), refused["stream_id"]) == (FULL, "g")
        assert text_of(client.ask(input="hello", stream_id="f")) == "hello"
        assert text_of(client.ask(input="hello", stream_id="g")) == "hello"


def test_the_gateways_own_bound_counts_here_too(tmp_path: Path) -> None:
    with running_gateway(tmp_path, limits={"in_flight": 1}) as gateway, socket(gateway) as client:
        client.send(input=SLOW, stream_id="a")
        assert client.receive()["type"] == "response.created"
        assert code_of(client.ask(input="x", stream_id="b")) == (503, "overloaded")
