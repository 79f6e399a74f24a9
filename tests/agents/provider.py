"""Providers on loopback that play the script, each in its own language: Chat Completions, Anthropic Messages.

They keep no conversation: what is due is read off the request. `failures` are statuses to answer with first.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from tests.agents.script import Request, step

STATUSES = {"context": 400}  # of the failures that the script names


class Wire(Protocol):
    """A language: what was asked, which tools are offered, and how an answer is written."""

    def read(self, body: Any) -> Request: ...

    def offered(self, body: Any) -> dict[str, Any]:
        """The parameters of each tool, by its name."""
        ...

    def stream(self, parts: list[Any]) -> Iterator[bytes]: ...

    def whole(self, parts: list[Any]) -> Any: ...

    def failure(self, status: int) -> Any: ...


@dataclass
class Provider:
    """`asked` holds the bodies of the requests, in their order."""

    url: str = ""
    asked: list[Any] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)


def parts_of(due: dict[str, Any], offered: dict[str, Any], turn: str) -> list[Any]:
    """The step as `(kind, …)`: think and text with their text, call with id, name and arguments."""
    parts: list[Any] = [(kind, due[kind]) for kind in ("think", "text") if kind in due]
    for at, (name, arguments) in enumerate(due.get("calls", ())):
        known = next((each for each in offered if each == name or each.endswith(f"__{name}")), None)
        if known is None:
            parts.append(("text", f"No such tool is offered: {name}"))
            continue
        if isinstance(arguments, str):  # freeform text: the only property takes it
            arguments = {next(iter(offered[known]["properties"])): arguments}
        parts.append(("call", f"call_{turn}_{at}", known, json.dumps(arguments)))
    if "antiphon_answer" in offered and parts[0][0] == "text":  # a schema that goes through a tool
        parts = [("call", f"call_{turn}", "antiphon_answer", parts[0][1])]
    return parts


@contextmanager
def playing(wire: Wire) -> Iterator[Provider]:
    """It listens on a free port until the end of the block."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            provider.asked.append(body)
            due = {"fail": provider.failures.pop(0)} if provider.failures else step(wire.read(body))
            if "fail" in due:
                status = STATUSES.get(due["fail"], due["fail"])
                self._send(status, "application/json", [json.dumps(wire.failure(status)).encode()])
                return
            parts = parts_of(due, wire.offered(body), str(len(provider.asked)))
            if body.get("stream"):
                self._send(200, "text/event-stream", wire.stream(parts))
            else:
                self._send(200, "application/json", [json.dumps(wire.whole(parts)).encode()])

        def _send(self, status: int, kind: str, pieces: Any) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            for piece in pieces:
                self.wfile.write(piece)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join(5)
