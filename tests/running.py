"""A gateway that runs in a thread of this process, on a free port, with a data folder of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.app import Gateway, open_gateway
from antiphon.serving import listen, server_of
from antiphon.settings import Settings


@dataclass(frozen=True)
class Running:
    """`base_url` ends in `/v1`; `key` is a gateway key of its own."""

    url: str
    key: str
    settings: Settings

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}


@contextmanager
def running_gateway(data: Path, **settings: Any) -> Iterator[Running]:
    """A gateway with these settings, beside the defaults; ended in good manners."""
    checked = Settings.model_validate({"data": data, "port": 0, "drain_timeout": 1, **settings})
    began = threading.Event()
    state: dict[str, Any] = {}

    async def serve() -> None:
        async with open_gateway(checked) as gateway:
            state["server"], listening = server_of(checked, gateway), listen(checked)
            state["port"] = listening.getsockname()[1]
            state["key"] = await _first_key(gateway)
            began.set()
            await state["server"].serve(sockets=[listening])

    def run() -> None:
        try:
            asyncio.run(serve())
        finally:
            began.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    began.wait(20)
    try:
        yield Running(f"http://127.0.0.1:{state['port']}", state["key"], checked)
    finally:
        state["server"].should_exit = True
        thread.join(20)


async def _first_key(gateway: Gateway) -> str:
    return (await gateway.ring.create("tests"))[1]
