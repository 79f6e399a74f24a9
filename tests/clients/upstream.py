"""A provider on loopback that answers each request with the next of its prepared answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Upstream:
    """`answers`: status and JSON body, or a list of events for a stream. `asked`: the bodies that came."""

    url: str
    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)


@contextmanager
def upstream() -> Iterator[Upstream]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            known.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            status, value = known.answers.pop(0)
            streamed = isinstance(value, list)
            events = (f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in value)
            body = ("".join(events) if streamed else json.dumps(value)).encode()
            self.send_response(status)
            self.send_header("content-type", "text/event-stream" if streamed else "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known = Upstream(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield known
        finally:
            server.shutdown()
