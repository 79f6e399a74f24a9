"""A provider that misbehaves as told: real sockets on loopback, one script for each connection.

A script is an async function of a Visit. It reads the request, or does not, sends what it likes, in the
pieces and at the times it likes, and breaks the connection in the way it likes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from antiphon.core.deltas import Delta, Text
from antiphon.core.records import Target
from antiphon.core.turn import Turn
from antiphon.protocol.errors import AntiphonError
from antiphon.upstream.base import Provider, Timeouts
from antiphon.upstream.client import Client
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.speaker import Upstreams

KEY = "sk-canary-0123456789abcdef"

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
UNFRAMED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

QUICK = Timeouts(connect=0.3, first_event=0.4, idle=0.4, total=3.0)
"""Short enough to wait for, long enough for a busy machine."""


def chunk(data: bytes) -> bytes:
    """As a chunk of HTTP."""
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def word(text: str) -> bytes:
    """An event in which the model says something, in Chat Completions."""
    return b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % text.encode()


ENDING = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
HELLO = STREAM + chunk(word("Hello")) + chunk(ENDING) + LAST_CHUNK


def answer(body: bytes, status: str = "200 OK", kind: str = "application/json", *lines: str) -> bytes:
    """A whole answer. `lines` are more headers."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass
class Request:
    """What came in."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Visit:
    """One connection of the client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upstream: FaultUpstream
    left_after: float | None = None

    async def request(self) -> Request:
        """Raises IncompleteReadError when the client leaves."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = [
            (name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in head[1:-2])
        ]
        request = Request(head[0], headers, b"")
        request.body = await self.reader.readexactly(int(request.header("content-length") or 0))
        self.upstream.requests.append(request)
        return request

    async def send(self, *pieces: bytes, every: float = 0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if every:
                await asyncio.sleep(every)

    async def gone(self) -> None:
        """Wait until the client leaves."""
        with contextlib.suppress(OSError):
            while await self.reader.read(65536):
                pass

    def reset(self) -> None:
        """RST instead of FIN."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script: TypeAlias = Callable[[Visit], Awaitable[None]]


@dataclass
class FaultUpstream:
    """Runs the script for every connection; the connection is closed when the script ends."""

    script: Script
    requests: list[Request] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit(reader, writer, self)
        self.visits.append(visit)
        try:
            await self.script(visit)
        except (OSError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    def cut(self) -> None:
        """Cut all connections. One that is closing already cannot be told: its transport may have no loop
        any more."""
        for visit in self.visits:
            if not visit.writer.is_closing():
                visit.writer.transport.abort()


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[FaultUpstream]:
    upstream = FaultUpstream(script)
    server = await asyncio.start_server(upstream.visit, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        server.close()
        upstream.cut()
        await asyncio.sleep(0)


def always(*pieces: bytes) -> Script:
    """Reads a request and sends this, again and again on the same connection."""

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(*pieces)

    return script


def once(*pieces: bytes, then: Callable[[Visit], Awaitable[None] | None] | None = None) -> Script:
    """Reads a request, sends this, and closes: after `then`, if there is one."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(*pieces)
        if then is not None and (ending := then(visit)) is not None:
            await ending

    return script


def silent(*pieces: bytes) -> Script:
    """Reads a request, sends this, and then nothing more, until the client leaves."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(*pieces)
        await visit.gone()
        visit.upstream.left.set()

    return script


def provider(url: str, **changes: Any) -> Provider:
    plain = Provider(
        name="faulty", dialect=Chat(), base_url=f"{url}/v1", key=KEY, timeouts=QUICK, query={"token": KEY}
    )
    return replace(plain, **changes)


def turn(**changes: Any) -> Turn:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    return Turn(model="model", items=[item], **changes)


class NobodySimulated:
    """The simulated model is tested elsewhere."""

    def speech(self, turn: Turn, model: str) -> Any:
        raise AssertionError(model)


@dataclass
class Heard:
    """What came of a call."""

    deltas: list[Delta] = field(default_factory=list)
    error: AntiphonError | None = None
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Text))


async def listen(client: Client, provider: Provider, *, pause: float = 0, **changes: Any) -> Heard:
    """Have a turn spoken, all of it, by a reader who pauses after each batch."""
    heard = Heard()
    upstreams = Upstreams({provider.name: provider}, NobodySimulated(), client, "antiphon/test")
    start = time.monotonic()
    try:
        speech = upstreams.prepare(Target(provider.name, "model"), turn(**changes))
        async with aclosing(speech.deltas()) as batches:
            async for batch in batches:
                assert batch
                heard.deltas.extend(batch)
                if pause:
                    await asyncio.sleep(pause)
    except AntiphonError as error:
        heard.error = error
    heard.seconds = time.monotonic() - start
    return heard


async def call(script: Script, provider_changes: dict[str, Any] | None = None, **changes: Any) -> Heard:
    """One call to a provider with this script, by a client of its own. Checks that nothing leaked."""
    client = Client()
    async with serving(script) as upstream:
        try:
            heard = await listen(client, provider(upstream.url, **(provider_changes or {})), **changes)
        finally:
            await client.aclose()
    assert client.open == 0
    if heard.error is not None:
        assert KEY[:8] not in repr(heard.error) + str(heard.error.code) + heard.error.message
    return heard
