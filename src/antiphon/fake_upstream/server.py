"""The server: acts performed on sockets, requests counted.

    GET /            what there is, as JSON          GET /ledger       what was asked and billed
    GET /v1/models   the models, as OpenAI lists     DELETE /ledger    forget it, and where scripts are
    POST …           a dialect, by its path

What stands behind a `+` in a model's name is the caller's: `flaky+17` is a flaky of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from antiphon.fake_upstream.acts import Act, Pause, Send
from antiphon.fake_upstream.answers import Trouble, answer_of, billed
from antiphon.fake_upstream.delivery import acts
from antiphon.fake_upstream.ledger import Entry, Ledger
from antiphon.fake_upstream.requests import BadRequest, Request, Requests
from antiphon.fake_upstream.script import Step
from antiphon.fake_upstream.wires import PATHS, Asked, understood
from antiphon.fake_upstream.wires.base import compact
from antiphon.settings.problems import near_miss

_RESET = struct.pack("ii", 1, 0)  # linger for no time: RST in place of FIN


class FakeUpstream:
    """One script being played. `tell` hears of each request when its answer is over."""

    def __init__(
        self, models: Mapping[str, Sequence[Step]], tell: Callable[[Entry], None] | None = None
    ) -> None:
        self.ledger = Ledger()
        self.about: dict[str, Any] = {}
        """More for `GET /` to tell."""
        self._models = models
        self._tell = tell
        self._played: Counter[tuple[str, str]] = Counter()
        self._numbers = count(1)
        self._connections: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        self._connections.add(writer)
        try:
            await self._converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the caller left
        finally:
            self._connections.discard(writer)
            writer.close()

    def close(self) -> None:
        """Cut all connections."""
        for writer in self._connections:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests = Requests(reader, lambda: writer.write(b"HTTP/1.1 100 Continue\r\n\r\n"))
        reused = False
        while True:
            try:
                request = await requests.next()
            except BadRequest as error:
                writer.write(_answer(400, {"error": str(error)}))
                return
            if request is None:
                return
            if request.method == "POST":
                goes_on = await self._speak(request, reused, reader, writer)
            else:
                writer.write(self._page(request))
                goes_on = True
            if not (goes_on and request.keeps_alive):
                return
            await writer.drain()
            reused = True

    async def _speak(
        self, request: Request, reused: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection can be used again."""
        asked = _asked(request, reused)
        if asked is None:
            self.ledger.add(Entry(next(self._numbers), "", request.path[:200], False, 404))
            writer.write(
                _answer(404, {"error": "No dialect has this path; GET / tells those that there are."})
            )
            return True
        step = self._due(asked)
        if step is None:
            self.ledger.add(Entry(next(self._numbers), asked.dialect, asked.model, asked.streamed, 404))
            writer.write(_answer(404, asked.wire.refusal(self._unknown(asked.model))))
            return True
        number = next(self._numbers)
        answer = answer_of(step, asked.model, number, int(time.time()), asked.tool)
        entry = Entry(number, asked.dialect, asked.model, asked.streamed, step.status)
        performance = _Performance(entry, reader, writer)
        begun = time.monotonic()
        try:
            await performance.of(acts(step, asked, answer, time.time()))
        except OSError:
            entry.end = "caller left"
        finally:
            entry.seconds = round(time.monotonic() - begun, 4)
            if step.status < 300 and entry.bytes:
                # What is not streamed was all said before its first byte.
                said = performance.said if asked.streamed else answer.pieces
                entry.input_tokens, entry.output_tokens = billed(step, answer, said)
            self.ledger.add(entry)
            if self._tell is not None:
                self._tell(entry)
        return entry.end == "complete"

    def _due(self, asked: Asked) -> Step | None:
        """The step of the model that is next."""
        steps = self._models.get(asked.model.partition("+")[0])
        if steps is None or len(steps) == 1:
            return steps[0] if steps else None
        place = self._played[asked.dialect, asked.model]
        self._played[asked.dialect, asked.model] += 1
        return _step_at(steps, place)

    def _unknown(self, model: str) -> Trouble:
        known = near_miss(model, self._models)
        return Trouble(404, "not_found", f"There is no model {model[:100]!r} in the script{known}.")

    def _page(self, request: Request) -> bytes:
        match request.method, request.path:
            case "GET", "/":
                return _answer(200, {**self._described(), **self.about})
            case "GET", "/ledger":
                return _answer(200, self.ledger.json)
            case "DELETE", "/ledger":
                self.ledger.clear()
                self._played.clear()
                return _answer(200, self.ledger.json)
            case "GET", "/v1/models":
                data = [{"id": name, "object": "model", "owned_by": "fake-upstream"} for name in self._models]
                return _answer(200, {"object": "list", "data": data})
            case _:
                return _answer(404, {"error": "GET /, GET /ledger, DELETE /ledger, GET /v1/models"})

    def _described(self) -> dict[str, Any]:
        models = {name: steps[0].about for name, steps in self._models.items()}
        return {"dialects": dict(PATHS), "models": models}


class _Performance:
    """Acts on one connection; `said`: pieces of the answer that left."""

    def __init__(self, entry: Entry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.said = 0
        self._entry = entry
        self._reader = reader
        self._writer = writer

    async def of(self, acts: Iterator[Act]) -> None:
        """Raises OSError when the caller left."""
        for act in acts:
            match act:
                case Send():
                    await self._send(act)
                case Pause(seconds):
                    await self._pause(seconds)
                case "stall":
                    self._entry.end = "stall"
                    await self._gone()
                case "reset":
                    self._entry.end = "reset"
                    self._reset()
                case "close":
                    self._entry.end = "close"
                case "whole":
                    pass  # which matters to what has chunks

    async def _send(self, act: Send) -> None:
        self._writer.write(act.data)
        await self._writer.drain()
        if self._writer.transport.is_closing():
            raise ConnectionResetError
        self._entry.bytes += len(act.data)
        self._entry.events += act.events
        self.said += act.said

    async def _pause(self, seconds: float) -> None:
        """A caller that left in it is noticed at its end."""
        await asyncio.sleep(seconds)
        if self._reader.at_eof():
            raise ConnectionResetError

    async def _gone(self) -> None:
        with contextlib.suppress(OSError):
            while await self._reader.read(65536):
                pass

    def _reset(self) -> None:
        raw = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()


def _asked(request: Request, reused: bool) -> Asked | None:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = {}
    found = body if isinstance(body, dict) else {}
    return understood(request.path, found, reused=reused, key=request.key)


def _step_at(steps: Sequence[Step], place: int) -> Step:
    """The last one repeats."""
    for step in steps[:-1]:
        if place < step.times:
            return step
        place -= step.times
    return steps[-1]


def _answer(status: int, value: Any) -> bytes:
    body = compact(value) if status >= 300 else json.dumps(value, indent=2, ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
