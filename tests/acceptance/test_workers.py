"""Workers as processes of their own: killed, frozen, told to stop, and cancelled from elsewhere.

The gateway makes nothing itself here. What a worker began another finishes, or ends with what there was; and
nothing is made twice. On SQLite and on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from antiphon.core.fold import fold
from tests.acceptance.processes import KEYS, PATIENCE, Process, environment, gateway
from tests.acceptance.provider import MODEL
from tests.contract.wire import Connection, ask, frames
from tests.upstream.faults import ENDING, HELLO, LAST_CHUNK, STREAM, FaultUpstream, Script, Visit, chunk, word

LEASE = 1.5  # seconds
PATIENT = {"connect": 5, "first_event": 60, "idle": 60, "total": 60}


@dataclass
class Site:
    """A gateway without a worker, a folder for workers, and the socket of their provider."""

    gateway: Process
    folder: Path
    listening: socket.socket

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / "log").open("ab") as log:
            running = subprocess.Popen(
                [sys.executable, "-m", "antiphon", "worker", "--data", str(self.folder / "data")],
                cwd=self.folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert running.stdout is not None
        try:
            ready, _, _ = select.select([running.stdout], [], [], PATIENCE)
            assert ready and b"antiphon worker" in running.stdout.readline(), (
                self.folder / "log"
            ).read_text()
            yield running
        finally:
            running.kill()
            running.wait(PATIENCE)
            running.stdout.close()

    @asynccontextmanager
    async def speaking(self, script: Script) -> AsyncIterator[FaultUpstream]:
        upstream = FaultUpstream(script)
        server = await asyncio.start_server(upstream.visit, sock=self.listening.dup())
        try:
            yield upstream
        finally:
            server.close()
            upstream.cut()
            await asyncio.sleep(0)

    async def asked(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await asyncio.to_thread(ask, self.gateway, method, path, body)
        assert answer.status == 200, answer.body
        return dict(answer.json())

    async def queued(self) -> str:
        body = {"model": MODEL, "input": "hello", "background": True}
        return str((await self.asked("POST", "/v1/responses", body))["id"])

    async def ended(self, response_id: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while True:
                response = await self.asked("GET", f"/v1/responses/{response_id}")
                if response["status"] not in ("queued", "in_progress"):
                    return response
                await asyncio.sleep(0.05)

    async def events(self, response_id: str) -> list[dict[str, Any]]:
        def read() -> list[dict[str, Any]]:
            with Connection(self.gateway, PATIENCE) as connection:
                connection.ask("GET", f"/v1/responses/{response_id}?stream=true")
                assert connection.head().status == 200
                pieces = []
                while piece := connection.chunk():
                    pieces.append(piece)
            return [frame.data for frame in frames(b"".join(pieces)) if frame.data is not None]

        return await asyncio.to_thread(read)


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "sqlite":
        return {}
    return {"storage": request.getfixturevalue("postgres_database")}


@pytest.fixture
def site(tmp_path: Path, storage: dict[str, str]) -> Iterator[Site]:
    with made(tmp_path, storage, LEASE) as ready:
        yield ready


@contextmanager
def made(folder: Path, storage: dict[str, str], lease: float) -> Iterator[Site]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        provider = {
            "dialect": "chat",
            "base_url": f"http://127.0.0.1:{listening.getsockname()[1]}/v1",
            "api_key": "sk-provider-0123456789",
            "timeouts": PATIENT,
        }
        settings = {
            "keys": KEYS,
            "providers": {"faulty": provider},
            "background": {"worker": False, "lease": lease},
            **storage,
        }
        with gateway(folder, settings) as process:
            yield Site(process, folder, listening)


class Provider:
    """Does with each call what stands next in the list; the last for all that follow."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self.reached = asyncio.Event()
        self.left = asyncio.Event()
        self.calls = 0

    async def script(self, visit: Visit) -> None:
        await visit.request()
        at = min(self.calls, len(self._scripts) - 1)
        self.calls += 1
        self.reached.set()
        await self._scripts[at](visit)
        self.left.set()


async def silent(visit: Visit) -> None:
    await visit.gone()


async def half(visit: Visit) -> None:
    await visit.send(STREAM, chunk(word("Hel")))
    await visit.gone()


async def whole(visit: Visit) -> None:
    await visit.send(HELLO)
    await visit.gone()


async def long(visit: Visit) -> None:
    """Three leases long."""
    await visit.send(STREAM, *(chunk(word(text)) for text in ("H", "e", "l")), every=LEASE)
    await visit.send(chunk(word("lo")), chunk(ENDING), LAST_CHUNK)
    await visit.gone()


def text_of(response: dict[str, Any]) -> str:
    return "".join(item["content"][0]["text"] for item in response["output"])


async def check(site: Site, response: dict[str, Any]) -> None:
    assert fold(await site.events(response["id"])) == response


async def test_what_a_killed_worker_had_begun_another_makes(site: Site) -> None:
    provider = Provider(silent, whole)
    async with site.speaking(provider.script):
        with site.worker() as first:
            response_id = await site.queued()
            await asyncio.wait_for(provider.reached.wait(), PATIENCE)
            with site.worker():
                first.kill()
                killed_at = time.monotonic()
                response = await site.ended(response_id)
                taken = time.monotonic() - killed_at
    assert (response["status"], text_of(response)) == ("completed", "Hello")
    assert provider.calls == 2
    assert taken < LEASE + 5
    await check(site, response)


async def test_what_a_killed_worker_had_half_said_ends_with_that_half(site: Site) -> None:
    provider = Provider(half, whole)
    async with site.speaking(provider.script):
        with site.worker() as first:
            response_id = await site.queued()
            await asyncio.wait_for(provider.reached.wait(), PATIENCE)
            await asyncio.sleep(0.5)
            first.kill()
            with site.worker():
                response = await site.ended(response_id)
    assert (response["status"], text_of(response)) == ("failed", "Hel")
    assert provider.calls == 1
    await check(site, response)


async def test_of_several_workers_one_makes_it_however_long_it_takes(site: Site) -> None:
    provider = Provider(long)
    async with site.speaking(provider.script):
        with site.worker(), site.worker():
            response = await site.ended(await site.queued())
    assert (response["status"], text_of(response)) == ("completed", "Hello")
    assert provider.calls == 1
    await check(site, response)


async def test_a_worker_that_was_frozen_writes_nothing_when_it_wakes(site: Site) -> None:
    provider = Provider(long, whole)
    async with site.speaking(provider.script):
        with site.worker() as frozen:
            response_id = await site.queued()
            await asyncio.wait_for(provider.reached.wait(), PATIENCE)
            await asyncio.sleep(0.5)  # else SQLite's lock may be frozen, too
            frozen.send_signal(signal.SIGSTOP)
            with site.worker():
                response = await site.ended(response_id)
                before = await site.events(response_id)
                frozen.send_signal(signal.SIGCONT)
                await asyncio.sleep(LEASE)
                assert await site.events(response_id) == before
                assert await site.ended(response_id) == response
    await check(site, response)


async def test_who_cancels_at_the_gateway_stops_the_call_of_a_worker_within_a_second(site: Site) -> None:
    provider = Provider(half)
    async with site.speaking(provider.script):
        with site.worker():
            response_id = await site.queued()
            await asyncio.wait_for(provider.reached.wait(), PATIENCE)
            await asyncio.sleep(0.5)
            began = time.monotonic()
            response = await site.asked("POST", f"/v1/responses/{response_id}/cancel")
            await asyncio.wait_for(provider.left.wait(), PATIENCE)
            taken = time.monotonic() - began
            assert (response["status"], text_of(response)) == ("cancelled", "Hel")
            assert taken < 1
            assert await site.asked("POST", f"/v1/responses/{response_id}/cancel") == response
            await check(site, response)


async def test_a_worker_that_is_told_to_stop_leaves_to_others_what_has_not_spoken(
    tmp_path: Path, storage: dict[str, str]
) -> None:
    provider = Provider(silent, whole)
    with made(tmp_path, {"drain_timeout": 0.2, **storage}, lease=60) as site:
        async with site.speaking(provider.script):
            with site.worker() as first, site.worker() as second:
                response_id = await site.queued()
                await asyncio.wait_for(provider.reached.wait(), PATIENCE)
                began = time.monotonic()
                for worker in (first, second):  # whichever has it; a third is there for it
                    worker.terminate()
                with site.worker():
                    response = await site.ended(response_id)
                assert (first.wait(PATIENCE), second.wait(PATIENCE)) == (0, 0)
                assert time.monotonic() - began < 20
    assert (response["status"], text_of(response)) == ("completed", "Hello")
    assert provider.calls == 2
    assert "Traceback" not in (tmp_path / "log").read_text()
