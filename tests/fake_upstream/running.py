"""A fake upstream that runs in a thread of this process, on a free port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from antiphon.fake_upstream import builtin
from antiphon.fake_upstream.faulty_ports import faulty_ports
from antiphon.fake_upstream.ledger import Entry, Ledger
from antiphon.fake_upstream.script import Step
from antiphon.fake_upstream.server import FakeUpstream


@dataclass
class RunningUpstream:
    """`ports`: the faulty ones, when they were asked for."""

    url: str
    upstream: FakeUpstream
    ports: dict[str, int] = field(default_factory=dict)
    authority: str = ""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def ledger(self) -> Ledger:
        return self.upstream.ledger

    def asked(self, model: str) -> list[Entry]:
        """The requests for this model whose answers are over."""
        return [entry for entry in list(self.ledger.entries) if entry.model == model]


@contextmanager
def running_upstream(
    models: Mapping[str, Sequence[Step]] | None = None, *, faulty: bool = False
) -> Iterator[RunningUpstream]:
    """With the built-in models, and these."""
    began = threading.Event()
    state: dict[str, Any] = {}

    async def serve() -> None:
        upstream = FakeUpstream({**builtin.models(), **(models or {})})
        state["loop"], state["stop"] = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
            running = RunningUpstream(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", upstream)
            if faulty:
                opened = await stack.enter_async_context(faulty_ports(upstream.serve))
                running.ports, running.authority = opened.ports, opened.authority
            state["running"] = running
            began.set()
            await state["stop"].wait()
            server.close()
            upstream.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert began.wait(20)
    try:
        yield state["running"]
    finally:
        state["loop"].call_soon_threadsafe(state["stop"].set)
        thread.join(20)
