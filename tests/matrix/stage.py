"""The fakes behind one port, each under its own path, and the gateway that knows them as its providers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from antiphon.upstream.base import WireRequest
from tests.matrix.fakes.anthropic import Anthropic
from tests.matrix.fakes.base import Fake, Reply
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
from tests.matrix.fakes.platforms import ClaudeOnBedrock, ClaudeOnVertex
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
    "bedrock_anthropic": ClaudeOnBedrock,
    "vertex_anthropic": ClaudeOnVertex,
    "old_gemini": Gemini25,
    "nova": Nova,
    "mistral_on_bedrock": MistralOnBedrock,
    "command": CommandA,
    "qwen": Qwen,
}
"""The built-in provider whose place each fake takes."""


class Stage:
    """Who plays: `cast` anew for each conversation, so that nobody remembers another one."""

    def __init__(self, names: Iterable[str] = CAST) -> None:
        self.url = ""
        self.names = tuple(names)
        self.fakes: dict[str, Fake] = {}
        self.cast()

    def cast(self) -> dict[str, Fake]:
        self.fakes = {name: CAST[name](name) for name in self.names}
        shared: dict[str, dict[str, Any]] = {}
        for fake in self.fakes.values():
            fake.sealed = shared.setdefault(fake.family, {})
        return self.fakes

    def answer(self, fake: Fake, request: WireRequest) -> Reply:
        return fake.serve(request)

    def providers(self) -> dict[str, Any]:
        """The settings with which a gateway has the fakes as its providers."""
        return {
            name: {"base_url": f"{self.url}/{name}{fake.base}", "api_key": "k" * 20, **fake.settings}
            for name, fake in self.fakes.items()
        }

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
        reply = self.answer(fake, asked)
        return web.Response(
            status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type}
        )


Playing = TypeVar("Playing", bound=Stage)


@contextmanager
def stage(playing: Playing) -> Iterator[Playing]:
    """The fakes listen on a free port until the end of the block."""
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
    with running_gateway(data, providers=playing.providers()) as running:
        yield running
