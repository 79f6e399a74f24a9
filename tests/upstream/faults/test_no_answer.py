"""Providers that cannot be reached, or say nothing: which error, and within which time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from antiphon.protocol.errors import (
    ProtocolViolation,
    UpstreamDisconnected,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from antiphon.upstream.base import Timeouts
from antiphon.upstream.client import Client
from tests.upstream.faults import (
    HELLO,
    QUICK,
    STREAM,
    Visit,
    call,
    chunk,
    listen,
    once,
    provider,
    serving,
    silent,
    word,
)

LATE = 0.5
"""Seconds after a deadline in which a busy machine may still tell us of it."""


async def asked(url: str, **changes: object) -> object:
    client = Client()
    try:
        return await listen(client, provider(url, **changes))
    finally:
        await client.aclose()


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: the kernel drops what knocks."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = []
        for _ in range(8):
            knocking = socket.socket()
            knocking.setblocking(False)
            knocking.connect_ex(server.getsockname())
            waiting.append(knocking)
        yield server.getsockname()[1]
        for knocking in waiting:
            knocking.close()


async def test_a_refused_connection_is_unreachable_at_once(closed_port: int) -> None:
    heard = await asked(f"http://127.0.0.1:{closed_port}")
    assert isinstance(heard.error, UpstreamUnreachable)
    assert heard.seconds < 1


async def test_a_name_that_nobody_has_is_unreachable() -> None:
    heard = await asked("http://no-such-host.invalid", timeouts=Timeouts(connect=5))
    assert isinstance(heard.error, UpstreamUnreachable)


async def test_a_black_hole_ends_with_the_connect_deadline(full_port: int) -> None:
    heard = await asked(f"http://127.0.0.1:{full_port}", timeouts=Timeouts(connect=0.3))
    assert isinstance(heard.error, UpstreamTimeout)
    assert 0.3 <= heard.seconds < 0.3 + LATE


async def test_a_server_that_speaks_no_tls_is_unreachable_and_gets_no_request() -> None:
    async def script(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await visit.request()

    async with serving(script) as upstream:
        heard = await asked(upstream.url.replace("http:", "https:"))
    assert isinstance(heard.error, UpstreamUnreachable)
    assert upstream.requests == []


@pytest.mark.parametrize("streamed", [True, False])
async def test_accepting_and_saying_nothing_ends_with_a_deadline(streamed: bool) -> None:
    limits = Timeouts(connect=0.3, first_event=0.4 if streamed else 9, total=9 if streamed else 0.4)
    heard = await call(silent(), {"timeouts": limits}, stream=streamed)
    assert isinstance(heard.error, UpstreamTimeout)
    assert 0.4 <= heard.seconds < 0.4 + LATE


async def test_headers_byte_by_byte_do_not_move_the_deadline() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(*(bytes([byte]) for byte in STREAM * 9), every=0.05)

    heard = await call(script)
    assert isinstance(heard.error, UpstreamTimeout)
    assert heard.seconds < QUICK.first_event + LATE


async def test_headers_and_then_silence_end_with_the_same_deadline() -> None:
    heard = await call(silent(STREAM))
    assert isinstance(heard.error, UpstreamTimeout)
    assert QUICK.first_event <= heard.seconds < QUICK.first_event + LATE


async def test_informational_answers_without_end_are_refused() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        while True:
            await visit.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, every=0.001)

    heard = await call(script)
    assert isinstance(heard.error, ProtocolViolation)


async def test_informational_answers_do_not_move_the_deadline() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        while True:
            await visit.send(b"HTTP/1.1 103 Early Hints\r\n\r\n", every=QUICK.first_event / 3)

    heard = await call(script)
    assert isinstance(heard.error, UpstreamTimeout)
    assert heard.seconds < QUICK.first_event + LATE


async def test_some_informational_answers_are_skipped() -> None:
    heard = await call(
        once(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", HELLO)
    )
    assert heard.error is None
    assert heard.text == "Hello"


async def test_closing_without_an_answer_is_a_disconnection() -> None:
    heard = await call(once())
    assert isinstance(heard.error, UpstreamDisconnected)


async def test_resetting_without_an_answer_is_a_disconnection() -> None:
    heard = await call(once(then=Visit.reset))
    assert isinstance(heard.error, UpstreamDisconnected)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 150_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 2000 Too OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad\x00Name: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=["huge", "many", "two-lengths", "length-and-chunks", "status", "ssh", "nul", "tls"],
)
async def test_a_head_that_is_not_http_is_a_violation(head: bytes) -> None:
    heard = await call(silent(head))
    assert isinstance(heard.error, ProtocolViolation)


async def test_a_request_that_is_not_read_does_not_outlive_its_deadline() -> None:
    """Megabytes are waiting in the connection's buffer; nobody will take them."""

    async def script(visit: Visit) -> None:
        await asyncio.sleep(1.2)
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await visit.request()
        visit.upstream.left.set()

    client = Client()
    async with serving(script) as upstream:
        heard = await listen(client, provider(upstream.url), instructions="x" * 20_000_000)
        assert isinstance(heard.error, UpstreamTimeout)
        await asyncio.wait_for(upstream.left.wait(), 2)
        assert upstream.requests == []
    await client.aclose()


async def test_a_lost_request_is_not_sent_again_once_it_may_have_been_read() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO)
        await visit.request()  # read, and then nothing

    client = Client()
    async with serving(script) as upstream:
        first, second = [await listen(client, provider(upstream.url)) for _ in range(2)]
        assert first.text == "Hello"
        assert isinstance(second.error, UpstreamDisconnected)
        assert len(upstream.requests) == 2
        assert len(upstream.visits) == 1
    await client.aclose()


async def test_a_kept_connection_that_closes_as_it_is_chosen_costs_nothing() -> None:
    """Closed between choice and use, it has seen no byte: another is taken. Nothing is asked twice."""
    client = Client()

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(HELLO)

    async with serving(script) as upstream:
        await listen(client, provider(upstream.url))
        assert client._pool is not None
        ((kept, _),) = next(iter(client._pool._conns.values()))
        second = asyncio.create_task(listen(client, provider(upstream.url)))
        asyncio.get_running_loop().call_soon(kept.transport.close)
        heard = await second
        assert heard.text == "Hello" or isinstance(heard.error, UpstreamDisconnected)
        assert len(upstream.requests) <= 2
        third = await listen(client, provider(upstream.url))
        assert third.text == "Hello"
    await client.aclose()


async def test_words_before_the_silence_are_kept() -> None:
    heard = await call(silent(STREAM + chunk(word("Hel")) + chunk(word("lo"))))
    assert heard.text == "Hello"
    assert isinstance(heard.error, UpstreamTimeout)
    assert QUICK.idle <= heard.seconds < QUICK.idle + LATE
