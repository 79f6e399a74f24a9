"""A client of the gateway's WebSocket: JSON in, JSON out, and every event as it came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.running import Running

ENDS = ("response.completed", "response.failed", "response.incomplete", "error")
PATIENCE = 10.0  # seconds

JSON = dict[str, Any]


@dataclass(frozen=True)
class Socket:
    """`answer` reads up to the end of one answer, `ask` asks for it before."""

    connection: ClientConnection

    def send(self, **fields: Any) -> None:
        self.connection.send(json.dumps({"type": "response.create", "model": "sim/echo", **fields}))

    def receive(self) -> JSON:
        message = self.connection.recv(timeout=PATIENCE)
        assert isinstance(message, str)
        event: JSON = json.loads(message)
        return event

    def answer(self) -> list[JSON]:
        events = [self.receive()]
        while events[-1]["type"] not in ENDS:
            events.append(self.receive())
        return events

    def ask(self, **fields: Any) -> JSON:
        """The response, or the event of an error."""
        self.send(**fields)
        last = self.answer()[-1]
        return last if last["type"] == "error" else dict(last["response"])

    def closed(self) -> tuple[int, str]:
        """How the gateway closes; what it still says is passed over."""
        with suppress(ConnectionClosed):
            while True:
                self.connection.recv(timeout=PATIENCE)
        frame = self.connection.protocol.close_rcvd
        assert frame is not None
        return frame.code, frame.reason


def code_of(event: JSON) -> tuple[int, str]:
    assert event["type"] == "error", event
    return event["status"], event["error"]["code"]


def text_of(response: JSON) -> str:
    assert response["object"] == "response", response
    return "".join(
        part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"]
    )


@contextmanager
def socket(gateway: Running, path: str = "/v1/responses", **options: Any) -> Iterator[Socket]:
    """An open connection; `options` are those of websockets' `connect`."""
    headers = {"Authorization": f"Bearer {gateway.key}", **options.pop("headers", {})}
    url = gateway.url.replace("http", "ws", 1) + path
    with connect(url, additional_headers=headers, proxy=None, max_size=None, **options) as connection:
        yield Socket(connection)
