"""The fetcher against real servers on loopback, some of which mean no good."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

from antiphon.protocol.errors import InvalidRequest, Overloaded
from antiphon.upstream.media import fetcher as fetching
from antiphon.upstream.media.fetcher import Bounds, Fetcher
from antiphon.upstream.media.kinds import Kind, Media
from antiphon.upstream.media.parts import Missing
from antiphon.upstream.media.urls import UNREACHABLE
from tests.upstream.faults import FaultUpstream, Script, Visit, answer, once, serving, silent
from tests.upstream.media.test_addresses import OTHERS

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
GOOD = answer(PNG, kind="image/png")
SMALL = Bounds(max_bytes=1000, max_request_bytes=1500)


def port_of(upstream: FaultUpstream) -> int:
    return urlsplit(upstream.url).port or 0


def trusting(*upstreams: FaultUpstream, **changes: object) -> Fetcher:
    """A fetcher whose operator trusts 127.0.0.1, at the ports of these."""
    ports = frozenset(map(port_of, upstreams))
    return Fetcher(replace(SMALL, ports=ports, trusted=frozenset({"127.0.0.1"}), **changes), "antiphon/test")


def place(url: str, at: int = 0, kind: Kind = "image") -> Missing:
    return Missing(0, "content", at, kind, url)


async def got(fetcher: Fetcher, url: str, kind: Kind = "image") -> Media:
    [(_, media)] = await fetcher.fetch([place(url, kind=kind)])
    return media


async def refused(fetcher: Fetcher, url: str, kind: Kind = "image") -> str:
    with pytest.raises(InvalidRequest) as refusal:
        await got(fetcher, url, kind)
    assert refusal.value.code == "media_not_fetched"
    assert refusal.value.param == f"input[0].content[0].{kind}_url"
    return refusal.value.message


async def refused_of(script: Script, kind: Kind = "image", **changes: object) -> str:
    async with serving(script) as upstream:
        return await refused(trusting(upstream, **changes), f"{upstream.url}/a.png", kind)


# What goes well


async def test_what_a_url_leads_to_comes_as_it_is() -> None:
    async with serving(once(GOOD)) as upstream:
        url = f"{upstream.url}/a.png?size=1#top"
        assert await got(trusting(upstream), url) == Media("image/png", PNG)
    [request] = upstream.requests
    assert request.line == "GET /a.png?size=1 HTTP/1.1"
    assert dict(request.headers) == {
        "host": f"127.0.0.1:{port_of(upstream)}",
        "user-agent": "antiphon/test",
        "accept": "image/*",
        "accept-encoding": "identity",
        "connection": "close",
    }


async def test_the_environment_sends_it_no_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    await test_what_a_url_leads_to_comes_as_it_is()


async def test_a_redirect_is_followed_and_no_cookie_with_it() -> None:
    async def script(visit: Visit) -> None:
        request = await visit.request()
        if "/a " in request.line:
            head = ("Location: ../b/c.png", "Set-Cookie: a=b; Path=/")
            await visit.send(answer(b"", "302 Found", "text/html", *head))
        else:
            await visit.send(GOOD)

    async with serving(script) as upstream:
        assert await got(trusting(upstream), f"{upstream.url}/x/a") == Media("image/png", PNG)
    assert [request.line for request in upstream.requests] == ["GET /x/a HTTP/1.1", "GET /b/c.png HTTP/1.1"]
    assert upstream.requests[1].header("cookie") is None


async def test_several_come_at_once_and_the_same_url_comes_once() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await asyncio.sleep(0.2)
        await visit.send(GOOD)

    async with serving(script) as upstream:
        wanted = [place(f"{upstream.url}/{at % 8}.png", at) for at in range(12)]
        began = time.monotonic()
        found = await trusting(upstream).fetch(wanted)
    assert time.monotonic() - began < 0.6
    assert found == [(each, Media("image/png", PNG)) for each in wanted]
    assert len(upstream.requests) == 8


async def test_no_more_than_eight_come_at_once() -> None:
    open_now, most = 0, 0

    async def script(visit: Visit) -> None:
        nonlocal open_now, most
        await visit.request()
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.05)
        open_now -= 1
        await visit.send(answer(PNG[:20], kind="image/png"))

    async with serving(script) as upstream:
        await trusting(upstream).fetch([place(f"{upstream.url}/{at}.png", at) for at in range(20)])
    assert most == fetching.AT_ONCE


# What does not


async def test_a_redirect_to_a_private_address_is_refused() -> None:
    async with serving(once(GOOD)) as inside, serving(once(GOOD)) as outside:
        inner = f"http://127.0.0.2:{port_of(inside)}/"
        outside.script = once(answer(b"", "301 Moved", "text/html", f"Location: {inner}"))
        assert UNREACHABLE in await refused(trusting(inside, outside), f"{outside.url}/a.png")
    assert len(outside.requests) == 1
    assert inside.visits == []


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/", "http://a:b@127.0.0.1/", "http://2130706433/", "http://[::1]/",
     "http://127.0.0.1:1/", "http://[/", "//169.254.169.254/latest/meta-data/"],
)  # fmt: skip
async def test_a_redirect_to_what_is_not_fetched_is_refused(location: str) -> None:
    moved = answer(b"", "302 Found", "text/html", f"Location: {location}")
    assert UNREACHABLE in await refused_of(once(moved))


async def test_a_redirect_to_nowhere_and_one_in_a_circle_are_refused() -> None:
    assert UNREACHABLE in await refused_of(once(answer(b"", "302 Found")))
    async with serving(once(answer(b"", "307 Again", "text/html", "Location: /a"))) as upstream:
        assert "more than 3 times" in await refused(trusting(upstream), f"{upstream.url}/a")
    assert len(upstream.requests) == 4


@pytest.mark.parametrize("length", [True, False])
async def test_what_is_too_large_is_left(length: bool) -> None:
    large = answer(PNG + b"\0" * 1000, kind="image/png")
    if not length:
        large = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + PNG + b"\0" * 1000
    assert "larger than 1000 bytes" in await refused_of(once(large))


async def test_all_together_may_be_too_large() -> None:
    body = answer(PNG + b"\0" * 700, kind="image/png")
    async with serving(once(body)) as upstream:
        await got(trusting(upstream), f"{upstream.url}/1.png")
        with pytest.raises(InvalidRequest, match="larger than 1500 bytes"):
            await trusting(upstream).fetch([place(f"{upstream.url}/{at}.png", at) for at in range(2)])


async def test_what_is_slow_is_left() -> None:
    async def drops(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
        await visit.send(*[b"\x89"] * 100, every=0.1)

    began = time.monotonic()
    assert "too long" in await refused_of(drops, whole=0.6)
    assert "too long" in await refused_of(silent(), whole=0.6)
    assert time.monotonic() - began < 9


async def test_all_together_may_be_too_slow() -> None:
    async with serving(silent()) as upstream:
        wanted = [place(f"{upstream.url}/{at}.png", at) for at in range(30)]
        began = time.monotonic()
        with pytest.raises(InvalidRequest, match="too long"):
            await trusting(upstream, all=0.3).fetch(wanted)
    assert time.monotonic() - began < 9


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (once(answer(b"<html>", kind="text/html")), "not lead to an image"),
        (once(answer(b"<html>", kind="image/png")), "not lead to an image"),
        (once(answer(PNG, "404 Not Found", "image/png")), "status 404"),
        (once(answer(b"", "204 No Content", "image/png")), "status 204"),
        (once(answer(PNG, "206 Partial Content", "image/png")), "status 206"),
        (once(answer(PNG, "200 OK", "image/png", "Content-Encoding: gzip")), "compressed"),
        (once(GOOD[:-10]), UNREACHABLE),
        (once(b"HTTP/1.1 200 OK\r\nContent-Ty"), UNREACHABLE),
        (once(b"SSH-2.0-OpenSSH_9.6\r\n"), UNREACHABLE),
        (once(), UNREACHABLE),
        (once(then=lambda visit: visit.reset()), UNREACHABLE),
    ],
)
async def test_a_server_that_does_not_give_an_image_is_told_of(script: Script, says: str) -> None:
    assert says in await refused_of(script)


async def test_a_page_is_not_read_for_an_image() -> None:
    """A wrong type is known by the head; the body, which never ends here, is not waited for."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>"
    assert "not lead to an image" in await refused_of(silent(head))


async def test_one_that_fails_ends_the_others() -> None:
    async def script(visit: Visit) -> None:
        request = await visit.request()
        if "/1.png" in request.line:
            await visit.send(answer(b"", "500 Oh"))
        await visit.gone()

    async with serving(script) as upstream:
        wanted = [place(f"{upstream.url}/{at}.png", at) for at in range(3)]
        began = time.monotonic()
        with pytest.raises(InvalidRequest, match="status 500") as refusal:
            await trusting(upstream).fetch(wanted)
    assert refusal.value.param == "input[0].content[1].image_url"
    assert time.monotonic() - began < 0.5


async def test_too_many_are_refused_before_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(once(GOOD)) as upstream:
        wanted = [place(f"{upstream.url}/{at}.png", at) for at in range(fetching.MOST + 1)]
        with pytest.raises(InvalidRequest, match="100 URLs"):
            await trusting(upstream).fetch(wanted)
        monkeypatch.setattr(fetching, "REQUESTS", 0)
        with pytest.raises(Overloaded):
            await trusting(upstream).fetch(wanted[:1])
    assert upstream.visits == []


# Addresses


@pytest.mark.parametrize("address", [address for address in OTHERS if address and " " not in address])
async def test_no_address_that_is_not_public_is_connected_to(address: str) -> None:
    """As a literal in the URL, on a port where somebody listens at 127.0.0.1."""
    async with serving(once(GOOD)) as upstream:
        fetcher = Fetcher(replace(SMALL, ports=frozenset({port_of(upstream)})), "antiphon/test")
        host = f"[{address}]" if ":" in address else address
        assert UNREACHABLE in await refused(fetcher, f"http://{host}:{port_of(upstream)}/a.png")
    assert upstream.visits == []


async def test_what_is_refused_is_told_in_the_same_words_whatever_is_there() -> None:
    async with serving(once(GOOD)) as upstream:
        ports = frozenset({port_of(upstream), 9})
        fetcher = Fetcher(replace(SMALL, ports=ports), "antiphon/test")
        hosts = (f"127.0.0.1:{port_of(upstream)}", "127.0.0.1:9", "nobody.invalid:9", "2130706433:9")
        assert len({await refused(fetcher, f"http://{host}/a.png") for host in hosts}) == 1


class Answers(AbstractResolver):
    """A name server that gives these answers in turn."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self) -> Answers:
        return self

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None:
        pass


@asynccontextmanager
async def two_faced() -> AsyncIterator[tuple[FaultUpstream, FaultUpstream, int]]:
    """What listens on one port at 127.0.0.2, and at 127.0.0.1."""
    outside, inside = FaultUpstream(once(GOOD)), FaultUpstream(once(GOOD))
    first = await asyncio.start_server(outside.visit, "127.0.0.2", 0)
    port = first.sockets[0].getsockname()[1]
    second = await asyncio.start_server(inside.visit, "127.0.0.1", port)
    yield outside, inside, port
    first.close()
    second.close()


def public_is(address: str) -> Callable[[str], bool]:
    return lambda asked: asked == address


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    async with two_faced() as (outside, inside, port):
        names = Answers(["127.0.0.2"], ["127.0.0.1"])
        bounds = replace(SMALL, ports=frozenset({port}))
        fetcher = Fetcher(bounds, "a", may_reach=public_is("127.0.0.2"), resolver=names)
        assert await got(fetcher, f"http://rebinding.example:{port}/a.png") == Media("image/png", PNG)
        assert names.asked == ["rebinding.example"]
        assert outside.requests[0].header("host") == f"rebinding.example:{port}"
        assert UNREACHABLE in await refused(fetcher, f"http://rebinding.example:{port}/b.png")
    assert inside.visits == []


async def test_a_name_with_one_private_address_is_refused() -> None:
    async with two_faced() as (outside, inside, port):
        names = Answers(["127.0.0.2", "127.0.0.1"])
        bounds = replace(SMALL, ports=frozenset({port}))
        fetcher = Fetcher(bounds, "a", may_reach=public_is("127.0.0.2"), resolver=names)
        assert UNREACHABLE in await refused(fetcher, f"http://both.example:{port}/a.png")
    assert outside.visits == inside.visits == []


async def test_a_name_is_asked_again_for_each_hop() -> None:
    async with two_faced() as (outside, inside, port):
        outside.script = once(answer(b"", "302 Found", "text/html", "Location: /b.png"))
        names = Answers(["127.0.0.2"], ["127.0.0.1"])
        bounds = replace(SMALL, ports=frozenset({port}))
        fetcher = Fetcher(bounds, "a", may_reach=public_is("127.0.0.2"), resolver=names)
        assert UNREACHABLE in await refused(fetcher, f"http://rebinding.example:{port}/a.png")
    assert (len(outside.visits), len(inside.visits)) == (1, 0)


@pytest.mark.parametrize("trusted", ["files.example", "FILES.example."])
async def test_a_trusted_host_may_be_anywhere_and_no_other(trusted: str) -> None:
    async with serving(once(GOOD)) as upstream:
        port = port_of(upstream)
        names = Answers(["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"])
        bounds = replace(SMALL, ports=frozenset({port}), trusted=frozenset({trusted}))
        fetcher = Fetcher(bounds, "a", resolver=names)
        assert await got(fetcher, f"http://Files.Example.:{port}/a.png") == Media("image/png", PNG)
        for host in ("more.files.example", "files.example.com"):
            assert UNREACHABLE in await refused(fetcher, f"http://{host}:{port}/a.png")


async def test_tls_is_spoken_with_the_host_of_the_url_and_must_be_trusted() -> None:
    seen: list[str | None] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("files.example").configure_cert(context)
    context.sni_callback = lambda _, name, __: seen.append(name)
    upstream = FaultUpstream(once(GOOD))
    server = await asyncio.start_server(upstream.visit, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    bounds = replace(SMALL, ports=frozenset({port}))
    fetcher = Fetcher(bounds, "a", may_reach=public_is("127.0.0.1"), resolver=Answers(["127.0.0.1"]))
    assert UNREACHABLE in await refused(fetcher, f"https://files.example:{port}/a.png")
    server.close()
    assert seen == ["files.example"]
    assert upstream.requests == []
