"""`requests.on_disconnect: finish`: what is to be stored is made to its end, whoever listens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.contract.wire import Connection, ask
from tests.running import Running, running_gateway
from tests.upstream.faults import ENDING, LAST_CHUNK, STREAM, FaultUpstream, Visit, chunk, serving, word

BUSY = 5.0  # seconds


class Provider:
    """Says a word, and the rest when it is let."""

    def __init__(self) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def script(self, visit: Visit) -> None:
        await visit.request()
        await visit.send(STREAM, chunk(word("Hello")))
        self.begun.set()
        left = asyncio.create_task(visit.gone())
        ending = asyncio.create_task(self.may_end.wait())
        await asyncio.wait([left, ending], return_when=asyncio.FIRST_COMPLETED)
        if left.done():
            visit.upstream.left.set()
        await visit.send(*[chunk(word(" you"))] * 3, chunk(ENDING), LAST_CHUNK)
        left.cancel()
        ending.cancel()


@asynccontextmanager
async def place(folder: Path) -> AsyncIterator[tuple[Provider, FaultUpstream, Running]]:
    provider = Provider()
    async with serving(provider.script) as upstream:
        there = {"dialect": "chat", "base_url": f"{upstream.url}/v1", "api_key": "k"}
        requests = {"on_disconnect": "finish"}
        with running_gateway(folder, providers={"p": there}, requests=requests) as gateway:
            yield provider, upstream, gateway


async def begun(provider: Provider, gateway: Running, **fields: Any) -> Connection:
    connection = await asyncio.to_thread(Connection, gateway)
    connection.ask("POST", "/v1/responses", {"model": "p/m", "input": "x", **fields})
    await asyncio.wait_for(provider.begun.wait(), BUSY)
    return connection


def closed(connection: Connection) -> None:
    connection.close()


def reset(connection: Connection) -> None:
    connection.reset()


def half_closed(connection: Connection) -> None:
    connection.stop_sending()


def kept_in_time(gateway: Running, response_id: str) -> dict[str, Any]:
    end = time.monotonic() + BUSY
    while time.monotonic() < end:
        answer = ask(gateway, "GET", f"/v1/responses/{response_id}")
        if answer.status == 200 and answer.json()["status"] != "in_progress":
            return dict(answer.json())
        time.sleep(0.02)
    raise AssertionError("it was not kept")


@pytest.mark.parametrize("leave", [closed, reset, half_closed])
async def test_a_response_that_is_stored_is_finished_without_its_client(
    tmp_path: Path, leave: Callable[[Connection], None]
) -> None:
    async with place(tmp_path) as (provider, upstream, gateway):
        connection = await begun(provider, gateway, stream=True)
        await asyncio.to_thread(connection.head)
        first = await asyncio.to_thread(connection.chunk)
        response_id = first.split(b'"id":"')[1].split(b'"')[0].decode()
        leave(connection)
        await asyncio.sleep(0.5)
        assert not upstream.left.is_set(), "the provider still speaks"
        provider.may_end.set()
        kept = await asyncio.to_thread(kept_in_time, gateway, response_id)
        assert kept["status"] == "completed"
        assert kept["output"][0]["content"][0]["text"] == "Hello you you you"


async def test_so_is_one_that_is_not_streamed(tmp_path: Path) -> None:
    async with place(tmp_path) as (provider, upstream, gateway):
        connection = await begun(provider, gateway)
        connection.close()
        await asyncio.sleep(0.5)
        assert not upstream.left.is_set()


async def test_one_that_is_not_stored_is_stopped(tmp_path: Path) -> None:
    async with place(tmp_path) as (provider, upstream, gateway):
        connection = await begun(provider, gateway, store=False, stream=True)
        connection.close()
        await asyncio.wait_for(upstream.left.wait(), 1.5)


async def test_who_stays_gets_what_he_always_got(tmp_path: Path) -> None:
    async with place(tmp_path) as (provider, _, gateway):
        provider.may_end.set()
        for stream in (False, True):
            body = {"model": "p/m", "input": "x", "stream": stream}
            answer = await asyncio.to_thread(ask, gateway, "POST", "/v1/responses", body)
            response = answer.events[-1]["response"] if stream else answer.json()
            assert response["output"][0]["content"][0]["text"] == "Hello you you you"
