"""Webhooks across processes: an end that was committed is told, whoever is killed before it was.

On SQLite and on PostgreSQL, with real workers and a receiver on loopback.
"""

from __future__ import annotations

import asyncio
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from tests.acceptance.processes import PATIENCE
from tests.acceptance.test_workers import LEASE, Provider, Site, made, storage, whole
from tests.upstream.faults import FaultUpstream, Script, Visit, answer

__all__ = ["storage"]  # a fixture

SECRET = "whsec_" + b64encode(b"webhook secret canary 01").decode()
ORACLE = OpenAI(api_key="none", webhook_secret=SECRET)


class Hooks:
    """A webhook that can be away. `told`: the type, response and id of what arrived."""

    def __init__(self, listening: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/hook?token=canary"
        self._listening = listening
        self.told: list[tuple[str, str, str | None]] = []
        self.arrived = asyncio.Event()

    async def _believes(self, visit: Visit) -> None:
        request = await visit.request()
        event: Any = ORACLE.webhooks.unwrap(request.body, dict(request.headers))
        self.told.append((event.type, event.data.id, request.header("webhook-id")))
        await visit.send(answer(b"", "204 No Content"))
        self.arrived.set()

    @asynccontextmanager
    async def there(self, script: Script | None = None) -> AsyncIterator[FaultUpstream]:
        upstream = FaultUpstream(script or self._believes)
        server = await asyncio.start_server(upstream.visit, sock=self._listening.dup())
        try:
            yield upstream
        finally:
            server.close()
            await asyncio.sleep(0)


@contextmanager
def bound() -> Iterator[Hooks]:
    """Its port is taken, but nobody accepts yet."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Hooks(listening)


@contextmanager
def place(folder: Path, storage: dict[str, str], hooks: Hooks, *, allowed: bool = True) -> Iterator[Site]:
    settings: Any = {
        "webhooks": [{"url": hooks.url, "secret": SECRET}],
        "webhook_allow_hosts": ["127.0.0.1"] if allowed else [],
        "log": {"level": "debug"},
        **storage,
    }
    with made(folder, settings, LEASE) as site:
        yield site
    log = (folder / "log").read_text()
    assert "Traceback" not in log and "canary" not in log and SECRET not in log


async def test_an_end_is_told_also_when_who_committed_it_is_killed(
    tmp_path: Path, storage: dict[str, str]
) -> None:
    """The gateway, which has no worker and so tells nobody, cancels, and is killed."""
    with bound() as hooks, place(tmp_path, storage, hooks) as site:
        response_id = await site.queued()
        response = await site.asked("POST", f"/v1/responses/{response_id}/cancel")
        assert response["status"] == "cancelled"
        site.gateway.kill()
        async with hooks.there():
            with site.worker():
                await asyncio.wait_for(hooks.arrived.wait(), PATIENCE)
                await asyncio.sleep(1)
    assert [told[:2] for told in hooks.told] == [("response.cancelled", response_id)]


async def test_who_hung_up_is_told_by_the_same_id_after_a_worker_was_killed(
    tmp_path: Path, storage: dict[str, str]
) -> None:
    hung_up = asyncio.Event()

    async def hangs_up(visit: Visit) -> None:
        await visit.request()
        visit.reset()
        hung_up.set()

    with bound() as hooks, place(tmp_path, storage, hooks) as site:
        async with site.speaking(Provider(whole).script), hooks.there(hangs_up) as away:
            with site.worker() as first:
                response_id = await site.queued()
                assert (await site.ended(response_id))["status"] == "completed"
                await asyncio.wait_for(hung_up.wait(), PATIENCE)
                await asyncio.sleep(0.5)  # for the attempt to be noted
                first.kill()
        async with hooks.there():
            with site.worker():
                await asyncio.wait_for(hooks.arrived.wait(), PATIENCE)
    assert hooks.told == [("response.completed", response_id, away.requests[0].header("webhook-id"))]


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
async def test_a_private_address_is_not_reached_unless_the_operator_allows_it(
    tmp_path: Path, storage: dict[str, str]
) -> None:
    with bound() as hooks, place(tmp_path, storage, hooks, allowed=False) as site:
        async with hooks.there():
            with site.worker():
                response_id = await site.queued()
                await site.asked("POST", f"/v1/responses/{response_id}/cancel")
                for _ in range(20 * PATIENCE):
                    if "webhook_waits" in (tmp_path / "log").read_text():
                        break
                    await asyncio.sleep(0.05)
    assert "not a public address" in (tmp_path / "log").read_text()
    assert hooks.told == []
