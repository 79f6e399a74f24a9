"""A model behind Chat Completions that says what it is told, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any


@dataclass
class Scripted:
    """`answers` are the deltas of each answer, in order; `asked` the bodies of the requests.

    `pace`: seconds before each delta.
    """

    url: str = ""
    answers: list[list[dict[str, Any]]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    pace: float = 0.0

    def will_call(self, name: str, arguments: Any) -> None:
        """A call in pieces of four characters."""
        text = json.dumps(arguments)
        begun = {
            "id": f"call_{len(self.answers)}",
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        pieces = [{"function": {"arguments": text[at : at + 4]}} for at in range(0, len(text), 4)]
        self.answers.append([{"tool_calls": [{"index": 0, **piece}]} for piece in (begun, *pieces)])

    def will_say(self, text: str) -> None:
        self.answers.append([{"content": text}])


@contextmanager
def scripted_model() -> Iterator[Scripted]:
    """It listens on a free port until the end of the block."""
    model = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            model.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            deltas = model.answers.pop(0)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            ended = "tool_calls" if "tool_calls" in deltas[-1] else "stop"
            chunks = [{"index": 0, "delta": delta} for delta in deltas]
            for choice in [*chunks, {"index": 0, "delta": {}, "finish_reason": ended}]:
                sleep(model.pace)
                self.wfile.write(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n")
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield model
        finally:
            server.shutdown()
            thread.join(5)
