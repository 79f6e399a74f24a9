"""How a WebSocket ends: by its client, its key, its age, or the gateway; and what becomes of what runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from antiphon.storage import open_accounts
from tests.contract.wire import ask as over_http
from tests.edge.raw_socket import TEXT, RawSocket, create, frame, raw_socket
from tests.edge.sockets import Socket, code_of, socket, text_of
from tests.edge.test_on_disconnect import Provider
from tests.running import Running, running_gateway
from tests.upstream.faults import FaultUpstream, serving

SLOW = "count to 8 slowly"  # 0.4 s
ENDLESS = "count to 1000 slowly"


@asynccontextmanager
async def place(folder: Path, **requests: Any) -> AsyncIterator[tuple[Provider, FaultUpstream, Running]]:
    """A gateway before a provider that says a word, and the rest when it is let."""
    provider = Provider()
    async with serving(provider.script) as upstream:
        there = {"dialect": "chat", "base_url": f"{upstream.url}/v1", "api_key": "k"}
        with running_gateway(folder, providers={"p": there}, requests=requests) as gateway:
            yield provider, upstream, gateway


# The client leaves


def goodbye(client: RawSocket) -> None:
    client.send(frame(8, (1000).to_bytes(2, "big")))


def closed(client: RawSocket) -> None:
    client.connection.close()


def half_closed(client: RawSocket) -> None:
    client.connection.shutdown(1)


def reset(client: RawSocket) -> None:
    client.connection.setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")  # SO_LINGER of no time
    client.connection.close()


@pytest.mark.parametrize("leave", [goodbye, closed, half_closed, reset])
async def test_a_client_that_goes_takes_its_responses_with_it(
    tmp_path: Path, leave: Callable[[RawSocket], None]
) -> None:
    async with place(tmp_path) as (provider, upstream, gateway):
        with raw_socket(gateway) as client:
            client.send(frame(TEXT, create(model="p/m", input="x", store=False, stream_id="a")))
            await asyncio.wait_for(provider.begun.wait(), 5)
            leave(client)
            await asyncio.wait_for(upstream.left.wait(), 1)


async def test_what_is_stored_is_finished_if_the_operator_wants_it(tmp_path: Path) -> None:
    async with place(tmp_path, on_disconnect="finish") as (provider, upstream, gateway):
        with raw_socket(gateway) as client:
            client.send(frame(TEXT, create(model="p/m", input="x")))
            made = (await asyncio.to_thread(client.message))["response"]
        await asyncio.sleep(0.3)
        assert not upstream.left.is_set(), "the provider still speaks"
        provider.may_end.set()
        kept = await asyncio.to_thread(kept_in_time, gateway, made["id"])
        assert kept["output"][0]["content"][0]["text"] == "Hello you you you"


def kept_in_time(gateway: Running, response_id: str) -> dict[str, Any]:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        answer = over_http(gateway, "GET", f"/v1/responses/{response_id}")
        if answer.status == 200 and answer.json()["status"] == "completed":
            return dict(answer.json())
        time.sleep(0.02)
    raise AssertionError("it was not kept")


async def test_what_waited_for_its_turn_is_never_asked(tmp_path: Path) -> None:
    async with place(tmp_path) as (provider, upstream, gateway):
        with raw_socket(gateway) as client:
            for _ in range(3):
                client.send(frame(TEXT, create(model="p/m", input="x", store=False)))
            await asyncio.wait_for(provider.begun.wait(), 5)
        await asyncio.wait_for(upstream.left.wait(), 1)
        await asyncio.sleep(0.2)
        assert len(upstream.requests) == 1


# Its key, its age


def test_a_key_that_is_revoked_asks_for_nothing_more(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as gateway, socket(gateway) as client:
        assert text_of(client.ask(input="hello")) == "hello"
        asyncio.run(revoke_all(gateway))
        end = time.monotonic() + 8  # a key is known for five seconds
        while (answered := client.ask(input="hello")).get("type") != "error":
            assert time.monotonic() < end
            time.sleep(0.2)
        assert code_of(answered) == (401, "invalid_api_key")
        assert client.closed() == (1008, "invalid_api_key")


async def revoke_all(gateway: Running) -> None:
    async with open_accounts(gateway.settings) as ring:
        for row in await ring.list():
            assert await ring.revoke(row.id)


def test_an_old_connection_says_so_and_is_closed(tmp_path: Path) -> None:
    with running_gateway(tmp_path, websocket={"lifetime": 0.3}) as gateway, socket(gateway) as client:
        assert text_of(client.ask(input="hello")) == "hello"
        event = client.receive()
        assert code_of(event) == (400, "websocket_connection_limit_reached")
        assert client.closed() == (1001, "websocket_connection_limit_reached")


def test_it_finishes_what_it_has_begun_and_begins_nothing_more(tmp_path: Path) -> None:
    with running_gateway(tmp_path, websocket={"lifetime": 0.2}) as gateway, socket(gateway) as client:
        client.send(input=SLOW)
        time.sleep(0.3)
        client.send(input="too late", stream_id="b")
        answers = [client.answer()[-1] for _ in range(2)]
        answers.sort(key=lambda event: str(event["type"]))
        assert code_of(answers[0]) == (400, "websocket_connection_limit_reached")
        assert answers[1]["type"] == "response.completed"
        assert client.closed()[0] == 1001


# The gateway stops


def stopped_while(tmp_path: Path, drain: float, said: str) -> tuple[list[Any], tuple[int, str], float]:
    """The events of an answer during which the gateway is told to stop, and how the connection is closed."""
    with ThreadPoolExecutor(1) as thread:
        running = running_gateway(tmp_path, drain_timeout=drain)
        gateway = running.__enter__()
        with socket(gateway) as client:
            client.send(input=said)
            assert client.receive()["type"] == "response.created"
            began = time.monotonic()
            stopping = thread.submit(running.__exit__, None, None, None)
            events = client.answer()
            ending = client.closed()
            stopping.result(20)
            return events, ending, time.monotonic() - began


def test_a_gateway_that_stops_finishes_what_runs(tmp_path: Path) -> None:
    events, ending, _ = stopped_while(tmp_path, 5, SLOW)
    assert events[-1]["type"] == "response.completed"
    assert ending == (1012, "server_shutdown")


def test_but_not_for_ever(tmp_path: Path) -> None:
    events, ending, taken = stopped_while(tmp_path, 0.3, ENDLESS)
    assert events[-1]["type"] == "response.failed"
    assert "shutting down" in events[-1]["response"]["error"]["message"]
    assert ending == (1012, "server_shutdown")
    assert taken < 4


def test_who_asks_for_nothing_is_told_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as thread:
        running = running_gateway(tmp_path, drain_timeout=10)
        with socket(running.__enter__()) as client:
            began = time.monotonic()
            stopping = thread.submit(running.__exit__, None, None, None)
            assert client.closed() == (1012, "server_shutdown")
            stopping.result(20)
            assert time.monotonic() - began < 2


def test_who_asks_while_it_stops_is_refused(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as thread:
        running = running_gateway(tmp_path, drain_timeout=5)
        with socket(running.__enter__()) as client:
            client.send(input="count to 20 slowly", stream_id="a")
            assert client.receive()["type"] == "response.created"
            stopping = thread.submit(running.__exit__, None, None, None)
            time.sleep(0.3)
            client.send(input="late", stream_id="b")
            refused = next_of(client, "b")
            assert code_of(refused) == (503, "server_shutdown")
            assert client.answer()[-1]["type"] == "response.completed"
            assert client.closed()[0] == 1012
            stopping.result(20)


def next_of(client: Socket, lane: str) -> Any:
    while (event := client.receive())["stream_id"] != lane:
        pass
    return event
