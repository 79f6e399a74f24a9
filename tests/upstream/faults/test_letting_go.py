"""Leaving early cuts the connection; staying to the end keeps it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from antiphon.core.records import Target
from antiphon.protocol.errors import Overloaded, ShuttingDown, UpstreamDisconnected
from antiphon.upstream.base import Timeouts
from antiphon.upstream.client import Client
from antiphon.upstream.speaker import Upstreams
from tests.upstream.faults import (
    HELLO,
    STREAM,
    NobodySimulated,
    Visit,
    always,
    answer,
    chunk,
    listen,
    provider,
    serving,
    silent,
    turn,
    word,
)

PATIENT = Timeouts(connect=1, first_event=30, idle=30, total=30)


def upstreams(url: str, client: Client) -> Upstreams:
    return Upstreams({"faulty": provider(url, timeouts=PATIENT)}, NobodySimulated(), client)


async def test_closing_the_deltas_closes_the_connection_within_a_second() -> None:
    client = Client()
    async with serving(silent(STREAM + chunk(word("Hello")))) as upstream:
        speech = upstreams(upstream.url, client).prepare(Target("faulty", "m"), turn())
        async with aclosing(speech.deltas()) as batches:
            await anext(batches)
        await asyncio.wait_for(upstream.left.wait(), 1)
    assert client.open == 0
    await client.aclose()


@pytest.mark.parametrize("sent", [b"", STREAM, STREAM + b"5\r\nda", b"HTTP/1.1 500 Oops\r\n\r\n"])
async def test_cancelling_closes_it_wherever_it_waits(sent: bytes) -> None:
    client = Client()
    async with serving(silent(sent)) as upstream:
        waiting = asyncio.create_task(listen(client, provider(upstream.url, timeouts=PATIENT)))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(upstream.left.wait(), 1)
    assert client.open == 0
    await client.aclose()


async def test_a_cut_connection_is_never_used_again() -> None:
    """What was still to come on it belongs to the call that was left."""

    async def script(visit: Visit) -> None:
        await visit.request()
        mine = f"{len(visit.upstream.visits)}"
        await visit.send(STREAM, *[chunk(word(mine))] * 50, every=0.01)

    client = Client()
    async with serving(script) as upstream:
        speaker = upstreams(upstream.url, client)
        for visit in range(1, 6):
            async with aclosing(speaker.prepare(Target("faulty", "m"), turn()).deltas()) as batches:
                batch = await anext(batches)
            assert {delta.text for delta in batch} == {str(visit)}
    await client.aclose()


@pytest.mark.parametrize("sent", [HELLO, answer(b'{"choices":[{"message":{"content":"Hello"}}]}')])
async def test_a_finished_answer_leaves_its_connection_for_the_next(sent: bytes) -> None:
    client = Client()
    async with serving(always(sent)) as upstream:
        for _ in range(5):
            heard = await listen(client, provider(upstream.url))
            assert (heard.text, heard.error) == ("Hello", None)
        assert len(upstream.visits) == 1
    await client.aclose()


async def test_a_connection_closed_by_the_provider_meanwhile_is_not_chosen() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO)

    client = Client()
    async with serving(script) as upstream:
        for _ in range(3):
            heard = await listen(client, provider(upstream.url))
            assert (heard.text, heard.error) == ("Hello", None)
            await asyncio.sleep(0.02)
        assert len(upstream.visits) == 3
    await client.aclose()


async def test_bytes_after_the_answer_do_not_get_into_the_next() -> None:
    client = Client()
    async with serving(always(HELLO + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as upstream:
        for _ in range(3):
            heard = await listen(client, provider(upstream.url))
            assert heard.text in ("Hello", "")
            assert heard.text == "Hello" or heard.error is not None
    await client.aclose()


async def test_answers_cut_at_random_moments_leave_nothing_open() -> None:
    client = Client()
    async with serving(always(HELLO)) as upstream:
        faulty = provider(upstream.url, timeouts=PATIENT)
        for n in range(300):
            task = asyncio.create_task(listen(client, faulty))
            for _ in range(n % 40):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        assert (await listen(client, faulty)).text == "Hello"
        assert client.open == 0
        assert client._pool is not None
        assert not client._pool._acquired
    await client.aclose()


async def test_calls_beyond_the_bound_are_refused_at_once() -> None:
    client = Client(connections=2)
    async with serving(silent(STREAM)) as upstream:
        faulty = provider(upstream.url, timeouts=PATIENT)
        waiting = [asyncio.create_task(listen(client, faulty)) for _ in range(2)]
        await asyncio.sleep(0.05)
        heard = await listen(client, faulty)
        assert isinstance(heard.error, Overloaded)
        assert heard.error.retry_after == 1
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    assert client.open == 0
    await client.aclose()


async def test_closing_the_client_ends_calls_in_progress_and_refuses_more() -> None:
    client = Client()
    async with serving(silent(STREAM + chunk(word("Hello")))) as upstream:
        waiting = asyncio.create_task(listen(client, provider(upstream.url, timeouts=PATIENT)))
        await asyncio.sleep(0.1)
        await client.aclose()
        heard = await waiting
        assert heard.text == "Hello"
        assert isinstance(heard.error, UpstreamDisconnected)
        assert isinstance((await listen(client, provider(upstream.url))).error, ShuttingDown)


async def test_a_call_cut_in_the_moment_in_which_the_head_comes_ends() -> None:
    client, arrived = Client(), asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        arrived.set()
        await visit.gone()

    async with serving(script) as upstream:
        waiting = asyncio.create_task(listen(client, provider(upstream.url, timeouts=PATIENT)))
        await arrived.wait()
        (incoming,) = client._incoming
        assert incoming._connection is not None
        assert incoming._connection.protocol is not None
        incoming._connection.protocol.data_received(STREAM)
        incoming.break_off()
        heard = await asyncio.wait_for(waiting, 5)
        assert isinstance(heard.error, UpstreamDisconnected)
    await client.aclose()


async def test_an_answer_before_the_request_was_read_is_heard_and_its_connection_not_used_again() -> None:
    """Nobody takes the 32 MB; what is left of them would run into the next request."""

    async def script(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        await visit.send(HELLO)
        await asyncio.sleep(0.3)

    client = Client()
    async with serving(script) as upstream:
        long = "x" * 32 * 1024 * 1024
        for _ in range(2):
            heard = await listen(client, provider(upstream.url, timeouts=PATIENT), instructions=long)
            assert (heard.text, heard.error) == ("Hello", None)
        assert client._pool is not None
        assert not client._pool._conns
        assert len(upstream.visits) == 2
    await client.aclose()
