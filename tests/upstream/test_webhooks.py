"""The POST of a webhook against real servers on loopback: what is sent, where not, and what is read."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from antiphon.upstream.checked import PRIVATE, Checked
from antiphon.upstream.webhooks import Postman
from tests.upstream.faults import UNFRAMED, FaultUpstream, Visit, answer, once, serving

HEADERS = {"webhook-id": "evt_1"}
OK = answer(b"{}")


def postman(*trusted: str, timeout: float = 5.0) -> Postman:
    return Postman(Checked(trusted, connect=2.0), "antiphon/test", timeout=timeout)


async def posted(upstream: FaultUpstream, timeout: float = 5.0) -> int | str:
    return await postman("127.0.0.1", timeout=timeout).post(f"{upstream.url}/hook?t=1", HEADERS, b'{"a":1}')


async def test_a_post_is_sent_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(once(OK)) as upstream:
        assert await posted(upstream) == 200
    (request,) = upstream.requests
    assert (request.line, request.body) == ("POST /hook?t=1 HTTP/1.1", b'{"a":1}')
    assert {name for name, _ in request.headers} == {
        *("host", "webhook-id", "content-type", "user-agent", "content-length"),
        *("accept", "accept-encoding", "connection"),
    }
    assert request.header("content-type") == "application/json"
    assert request.header("user-agent") == "antiphon/test"


async def test_a_redirect_is_an_answer_like_any_other() -> None:
    async with serving(once(OK)) as elsewhere:
        moved = answer(b"", "307 Temporary Redirect", "text/html", f"Location: {elsewhere.url}/")
        async with serving(once(moved)) as upstream:
            assert await posted(upstream) == 307
    assert elsewhere.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_private_address_is_not_connected_to(host: str) -> None:
    async with serving(once(OK)) as upstream:
        port = upstream.url.rpartition(":")[2]
        assert await postman("files.internal").post(f"http://{host}:{port}/", HEADERS, b"{}") == PRIVATE
    assert upstream.visits == []


async def test_a_name_with_one_private_address_is_not_connected_to() -> None:
    class Mixed(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return [
                ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
                for each in ("93.184.216.34", "127.0.0.1")
            ]

        async def close(self) -> None:
            pass

    sender = Postman(Checked((), connect=2.0, resolver=Mixed), "antiphon/test")
    assert await sender.post("http://hooks.example:9/", HEADERS, b"{}") == PRIVATE


async def test_an_answer_without_end_is_not_read() -> None:
    sent = 0

    async def script(visit: Visit) -> None:
        nonlocal sent
        await visit.request()
        await visit.send(UNFRAMED)
        while True:
            await visit.send(b"x" * 65536)
            sent += 65536

    async with serving(script) as upstream:
        began = time.monotonic()
        assert await posted(upstream) == 200
        assert time.monotonic() - began < 2
        await asyncio.wait_for(upstream.left.wait(), 5)
    assert sent < 32 * 1024 * 1024, "what fits into the sockets' buffers"


async def test_who_does_not_answer_is_not_waited_for() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.gone()

    async with serving(script) as upstream:
        assert await posted(upstream, timeout=0.3) == "no answer in time"


@pytest.mark.parametrize("reply", [b"", b"SSH-2.0-OpenSSH\r\n\r\n"])
async def test_what_is_no_answer_is_a_word(reply: bytes) -> None:
    async with serving(once(reply)) as upstream:
        reason = await posted(upstream)
    assert isinstance(reason, str) and "127" not in reason


async def test_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    reason = await postman("127.0.0.1").post(f"http://127.0.0.1:{port}/canary?canary", HEADERS, b"{}")
    assert reason == "ConnectionRefusedError"
