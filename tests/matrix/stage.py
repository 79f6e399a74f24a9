"""The fakes behind one port, each under its own path, and the gateway that knows them as its providers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from antiphon.upstream.base import WireRequest
from tests.matrix.fakes.anthropic import Anthropic
from tests.matrix.fakes.base import Fake
from tests.matrix.fakes.chat import Chat
from tests.matrix.fakes.chats import DeepSeek, Mistral, OpenAIChat
from tests.matrix.fakes.cohere import Cohere
from tests.matrix.fakes.converse import Converse
from tests.matrix.fakes.gemini import Gemini
from tests.matrix.fakes.ollama import Ollama
from tests.matrix.fakes.others import (
    CommandA,
    Gemini25,
    Grok,
    MistralOnBedrock,
    Nova,
    Opus46,
    Qwen,
    Sonnet5,
)
from tests.matrix.fakes.responses import Responses
from tests.running import Running, running_gateway

CAST: Mapping[str, type[Fake]] = {
    "openai": Responses,
    "openrouter": Chat,
    "anthropic": Anthropic,
    "gemini": Gemini,
    "bedrock": Converse,
    "cohere": Cohere,
    "ollama_native": Ollama,
    "openai_chat": OpenAIChat,
    "mistral": Mistral,
    "deepseek": DeepSeek,
    "xai": Grok,
    "opus": Opus46,
    "sonnet": Sonnet5,
    "old_gemini": Gemini25,
    "nova": Nova,
    "mistral_on_bedrock": MistralOnBedrock,
    "command": CommandA,
    "qwen": Qwen,
}
"""The built-in provider whose place each fake takes."""


class Stage:
    """Who plays: `cast` anew for each conversation, so that nobody remembers another one."""

    def __init__(self) -> None:
        self.url = ""
        self.fakes: dict[str, Fake] = {}
        self.cast()

    def cast(self) -> dict[str, Fake]:
        self.fakes = {name: fake(name) for name, fake in CAST.items()}
        shared: dict[str, dict[str, Any]] = {}
        for fake in self.fakes.values():
            fake.sealed = shared.setdefault(fake.family, {})
        return self.fakes

    async def visit(self, request: web.BaseRequest) -> web.Response:
        name, _, path = request.rel_url.raw_path.removeprefix("/").partition("/")
        fake = self.fakes[name]
        asked = WireRequest(
            f"/{path}".removeprefix(fake.base),
            json.loads(await request.read()),
            {key.lower(): value for key, value in request.headers.items()},
            (),
            dict(request.query),
        )
        reply = fake.serve(asked)
        return web.Response(
            status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type}
        )


@contextmanager
def stage() -> Iterator[Stage]:
    """The fakes listen on a free port until the end of the block."""
    playing = Stage()
    began, loop = threading.Event(), asyncio.new_event_loop()

    async def serve() -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(playing.visit))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        playing.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        began.set()
        return runner

    def run() -> None:
        runner = loop.run_until_complete(serve())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert began.wait(20)
    try:
        yield playing
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


@contextmanager
def gateway(playing: Stage, data: Path) -> Iterator[Running]:
    """A gateway whose providers are on stage."""
    providers: dict[str, Any] = {
        name: {"base_url": f"{playing.url}/{name}{fake.base}", "api_key": "k" * 20, **fake.settings}
        for name, fake in CAST.items()
    }
    with running_gateway(data, providers=providers) as running:
        yield running
