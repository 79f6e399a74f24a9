"""Signals, whatever carries them: in one process, over PostgreSQL, over Redis. One suite for all."""

from __future__ import annotations

import asyncio
import secrets
import socket
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

import pytest
import trustme

from antiphon.engine.ports import Heard, Signals
from antiphon.engine.signals import LocalSignals, SharedSignals
from antiphon.stores.drivers.bus import Bus
from antiphon.stores.drivers.postgres_bus import MOST_BYTES, PostgresBus, messages
from antiphon.stores.drivers.redis import RedisBus
from tests import postgres, redis_server

WITHIN = 0.1  # seconds from one instance to the other
BACK = 5.0  # seconds after which it works again
SILENCE = 0.3  # seconds in which nothing is heard

OpenBus: TypeAlias = Callable[[], Bus]


@asynccontextmanager
async def shared(bus: Bus) -> AsyncIterator[SharedSignals]:
    signals = SharedSignals(bus)
    signals.start()
    try:
        yield signals
    finally:
        await signals.close()


async def until(condition: Callable[[], bool], within: float = BACK) -> None:
    limit = time.monotonic() + within
    while not condition():
        assert time.monotonic() < limit
        await asyncio.sleep(0.01)


async def is_woken(heard: Heard, within: float = 5.0) -> bool:
    began = time.monotonic()
    await heard.wait(within)
    return time.monotonic() - began < within


async def quiet(heard: Heard) -> None:
    """What it is told because it has just begun to listen is over."""
    while await is_woken(heard, SILENCE):
        pass


class Outage(Protocol):
    """A server that goes away, and comes back."""

    async def begin(self) -> None: ...

    async def end(self) -> None: ...


class Pair(NamedTuple):
    """Two instances; of one process, if there is no bus."""

    one: Signals
    other: Signals
    buses: tuple[Bus, ...] = ()


def own_bus(request: pytest.FixtureRequest) -> OpenBus:
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_database")
        return lambda: PostgresBus(url, secrets.token_hex(8))
    url, prefix = request.getfixturevalue("redis_url"), f"test-{secrets.token_hex(8)}"
    return lambda: RedisBus(url, secrets.token_hex(8), prefix=prefix)


@pytest.fixture(params=["postgres", "redis"])
def open_bus(request: pytest.FixtureRequest) -> OpenBus:
    return own_bus(request)


@pytest.fixture(params=["memory", "postgres", "redis"])
def any_bus(request: pytest.FixtureRequest) -> OpenBus | None:
    return None if request.param == "memory" else own_bus(request)


@pytest.fixture
async def pair(any_bus: OpenBus | None) -> AsyncIterator[Pair]:
    if any_bus is None:
        signals = LocalSignals()
        yield Pair(signals, signals)
        return
    buses = any_bus(), any_bus()
    async with shared(buses[0]) as one, shared(buses[1]) as other:
        await until(lambda: all(bus.is_connected for bus in buses))
        yield Pair(one, other, buses)


async def test_what_one_tells_the_other_hears_at_once(pair: Pair) -> None:
    took = []
    with pair.other.subscribe("a") as heard:
        await quiet(heard)
        for _ in range(21):
            began = time.monotonic()
            pair.one.publish("a")
            assert await is_woken(heard)
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.02)
    assert statistics.median(took) < WITHIN


async def test_all_who_listen_are_woken_and_nobody_else(pair: Pair) -> None:
    with (
        pair.other.subscribe("a") as first,
        pair.other.subscribe("a") as second,
        pair.one.subscribe("a") as near,
        pair.other.subscribe("b") as deaf,
    ):
        for heard in (first, second, near, deaf):
            await quiet(heard)
        pair.one.publish("a")
        assert all(await asyncio.gather(*(is_woken(heard) for heard in (first, second, near))))
        assert not await is_woken(deaf, SILENCE)


async def test_who_listens_to_himself_is_woken_once(pair: Pair) -> None:
    with pair.one.subscribe("a") as heard:
        await quiet(heard)
        pair.one.publish("a")
        assert await is_woken(heard)
        assert not await is_woken(heard, SILENCE)


async def test_who_has_left_hears_nothing_and_who_stays_does(pair: Pair) -> None:
    with pair.other.subscribe("a") as staying:
        with pair.other.subscribe("a") as leaving:
            await quiet(staying)
            await quiet(leaving)
        pair.one.publish("a")
        assert await is_woken(staying)
        assert not await is_woken(leaving, SILENCE)
    await asyncio.sleep(0.05)
    pair.one.publish("a")
    assert not await is_woken(staying, SILENCE)
    with pair.other.subscribe("a") as again:
        await quiet(again)
        pair.one.publish("a")
        assert await is_woken(again)


async def test_who_sleeps_is_woken_once_however_much_was_said(pair: Pair) -> None:
    with pair.other.subscribe("a") as heard:
        await quiet(heard)
        for _ in range(5_000):
            pair.one.publish("a")
            pair.one.publish("b")
        await asyncio.sleep(SILENCE)
        assert all(bus.waiting == 0 for bus in pair.buses)
        assert await is_woken(heard)
        assert not await is_woken(heard, SILENCE)


async def test_many_topics_at_once_all_arrive(pair: Pair) -> None:
    names = [f"resp_{number:048x}" for number in range(600)]
    async with AsyncExitStack() as stack:
        heard = [stack.enter_context(pair.other.subscribe(name)) for name in names]
        await asyncio.sleep(0.2)
        await asyncio.gather(*(quiet(each) for each in heard))
        for name in names:
            pair.one.publish(name)
        assert all(await asyncio.gather(*(is_woken(each) for each in heard)))


async def test_more_than_fits_is_left_out_and_waits_for_nobody(open_bus: OpenBus) -> None:
    bus, listening = open_bus(), open_bus()
    bus._limit = 100
    async with shared(bus) as one, shared(listening) as other:
        await until(lambda: bus.is_connected and listening.is_connected)
        with other.subscribe("last") as heard, one.subscribe("near") as near:
            await quiet(heard)
            await quiet(near)
            began = time.monotonic()
            for number in range(100_000):
                one.publish(str(number))
            one.publish("near")
            assert time.monotonic() - began < 2
            assert bus.waiting == 100
            assert await is_woken(near)
            await until(lambda: bus.waiting == 0)
            one.publish("last")
            assert await is_woken(heard)


async def test_what_is_said_last_leaves_before_the_end(open_bus: OpenBus) -> None:
    bus, listening = open_bus(), open_bus()
    async with shared(listening) as other:
        with other.subscribe("a") as heard:
            async with shared(bus) as one:
                await until(lambda: bus.is_connected and listening.is_connected)
                await quiet(heard)
                one.publish("a")
            assert await is_woken(heard)
        one.publish("a")  # after the end: nothing happens


class Cut:
    """What a restart of PostgreSQL does to connections."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def begin(self) -> None:
        await postgres.cut_all(self._url)

    async def end(self) -> None:
        """It takes new ones at once."""


class Killed:
    def __init__(self, server: redis_server.Own) -> None:
        self._server = server

    async def begin(self) -> None:
        self._server.kill()
        await asyncio.sleep(0.5)

    async def end(self) -> None:
        await asyncio.to_thread(self._server.start)


class Frozen(Killed):
    async def begin(self) -> None:
        self._server.freeze()

    async def end(self) -> None:
        await asyncio.sleep(4.0)  # longer than we are patient
        self._server.thaw()


@pytest.fixture(params=["postgres cut", "redis killed", "redis frozen"])
def outage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Outage, OpenBus]]:
    if request.param == "postgres cut":
        url = request.getfixturevalue("postgres_database")
        yield Cut(url), lambda: PostgresBus(url, secrets.token_hex(8))
        return
    with redis_server.own(tmp_path, password="s3cr3t") as server:
        ends = Killed(server) if request.param == "redis killed" else Frozen(server)
        yield ends, lambda: RedisBus(server.url, secrets.token_hex(8), prefix="test")


async def test_an_outage_costs_those_who_wait_no_more_than_a_wait(
    outage: tuple[Outage, OpenBus], capsys: pytest.CaptureFixture[str]
) -> None:
    server, opened = outage
    buses = opened(), opened()
    async with shared(buses[0]) as one, shared(buses[1]) as other:
        await until(lambda: all(bus.is_connected for bus in buses))
        with other.subscribe("a") as heard, one.subscribe("a") as near:
            await quiet(heard)
            await quiet(near)
            await server.begin()
            began = time.monotonic()
            for number in range(1_000):
                one.publish(str(number))
            one.publish("a")
            assert time.monotonic() - began < 0.5
            assert await is_woken(near, 0.5)  # who is here hears it anyway
            with other.subscribe("b") as later:  # somebody comes while it is away
                await server.end()
                assert await works(one, "a", heard)
                assert await works(one, "b", later)
    told = "".join(capsys.readouterr())
    assert "signals_only_by_polling" in told
    assert "s3cr3t" not in told


async def works(signals: Signals, topic: str, heard: Heard) -> bool:
    """Within five seconds what is told arrives, each time."""
    until = time.monotonic() + BACK
    in_a_row = 0
    while time.monotonic() < until and in_a_row < 5:
        signals.publish(topic)
        in_a_row = in_a_row + 1 if await is_woken(heard, 0.2) else 0
    return in_a_row == 5


@pytest.mark.parametrize("outage", ["postgres cut", "redis killed"], indirect=True)
async def test_who_waits_is_woken_when_it_is_back(outage: tuple[Outage, OpenBus]) -> None:
    server, opened = outage
    bus = opened()
    async with shared(bus) as signals:
        await until(lambda: bus.is_connected)
        with signals.subscribe("a") as heard:
            await quiet(heard)
            await server.begin()
            await server.end()
            assert await is_woken(heard, BACK)  # for what it may have missed


async def test_a_server_that_is_not_there_at_the_start_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with redis_server.own(tmp_path) as server:
        server.kill()
        bus = RedisBus(server.url, "process", prefix="test")
        async with shared(bus) as signals:
            with signals.subscribe("a") as heard:
                signals.publish("a")
                assert await is_woken(heard)
                await asyncio.sleep(1.0)
                warned = capsys.readouterr().out
                assert warned.count("signals_only_by_polling") == 1
                assert "Connection refused" in warned
                await asyncio.to_thread(server.start)
                await until(lambda: bus.is_connected)
                assert "signals_are_back" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["", "wr0ng-s3cr3t"])
async def test_a_password_that_is_wrong_is_shown_nowhere(
    tmp_path: Path, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with redis_server.own(tmp_path, password="s3cr3t") as server:
        user = f":{given}@" if given else ""
        bus = RedisBus(f"redis://{user}127.0.0.1:{server.port}", "process", prefix="test")
        async with shared(bus):
            await asyncio.sleep(0.5)
            assert not bus.is_connected
    told = "".join(capsys.readouterr())
    assert "AuthenticationError" in told
    assert "s3cr3t" not in told


def by_socket(folder: Path) -> tuple[str, tuple[str, ...]]:
    return f"unix://{folder}/redis.sock", ("--unixsocket", f"{folder}/redis.sock")


def by_tls(folder: Path) -> tuple[str, tuple[str, ...]]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    files = ("--tls-cert-file", "server.pem", "--tls-key-file", "server.pem", "--tls-auth-clients", "no")
    options = ("--tls-port", str(port), "--tls-ca-cert-file", "ca.pem", *files)
    return f"rediss://127.0.0.1:{port}?ssl_ca_certs={folder}/ca.pem", options


def by_rights(folder: Path) -> tuple[str, tuple[str, ...]]:
    rights = "on >s3cr3t resetchannels &test:* -@all +publish +subscribe +unsubscribe +ping"
    (folder / "redis.conf").write_text(f"user antiphon {rights}\n")
    return "redis://antiphon:s3cr3t@127.0.0.1:{port}", ("--include", "redis.conf")


@pytest.mark.parametrize("way", [by_socket, by_tls, by_rights])
async def test_every_way_to_a_redis_that_the_manual_names(
    way: Callable[[Path], tuple[str, tuple[str, ...]]], tmp_path: Path
) -> None:
    url, options = way(tmp_path)
    with redis_server.own(tmp_path, options=options) as server:
        buses = [RedisBus(url.format(port=server.port), str(n), prefix="test") for n in range(2)]
        async with shared(buses[0]) as one, shared(buses[1]) as other:
            await until(lambda: all(bus.is_connected for bus in buses))
            with other.subscribe("a") as heard:
                await quiet(heard)
                one.publish("a")
                assert await is_woken(heard)


async def test_installations_with_other_prefixes_hear_nothing_of_one_another(redis_url: str) -> None:
    names = [f"test-{secrets.token_hex(8)}" for _ in range(2)]
    mine, theirs = (RedisBus(redis_url, name, prefix=name) for name in names)
    async with shared(mine) as one, shared(theirs) as other:
        await until(lambda: mine.is_connected and theirs.is_connected)
        with other.subscribe("a") as heard:
            await quiet(heard)
            one.publish("a")
            assert not await is_woken(heard, SILENCE)


async def test_nothing_is_left_in_redis_of_who_has_left(redis_url: str) -> None:
    from redis.asyncio import Redis

    prefix = f"test-{secrets.token_hex(8)}"
    bus = RedisBus(redis_url, "process", prefix=prefix)
    async with Redis.from_url(redis_url) as server, shared(bus) as signals:

        async def followed() -> set[bytes]:
            return set(await server.pubsub_channels(f"{prefix}:*"))

        await until(lambda: bus.is_connected)
        with signals.subscribe("a"), signals.subscribe("b") as heard:
            await quiet(heard)
            with signals.subscribe("a"):
                assert await followed() == {f"{prefix}:a".encode(), f"{prefix}:b".encode()}
            await asyncio.sleep(SILENCE)
            assert f"{prefix}:a".encode() in await followed()
        await eventually(followed, set())
        for _ in range(200):  # the last word counts, however fast they come and go
            with signals.subscribe("c"):
                await asyncio.sleep(0)
        await eventually(followed, set())
        assert await server.keys(f"{prefix}*") == []


async def eventually(asked: Callable[[], Awaitable[object]], expected: object) -> None:
    limit = time.monotonic() + BACK
    while await asked() != expected:
        assert time.monotonic() < limit
        await asyncio.sleep(0.02)


def test_messages_of_postgresql_hold_what_fits_and_lose_nothing_else() -> None:
    topics = [f"resp_{number:048x}" for number in range(1_000)] + ["é" * 3_000, "x" * 8_000, "last"]
    sent = list(messages("sender", topics))
    assert all(len(message.encode()) <= MOST_BYTES for message in sent)
    assert len(sent) < 12
    told = [topic for message in sent for topic in message.split("\n")[1:]]
    assert told == [*topics[:1_001], "last"]
    assert list(messages("sender", [])) == []
