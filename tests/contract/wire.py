"""HTTP/1.1 and server-sent events as bytes on a socket, with no library in between.

Libraries are lenient and hide what is tested here: where a chunk ends, which line ends are used, what
stands between two events. So this reader asserts: one chunk of the chunked encoding at a time, each
event with its name, LF alone.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit


class Gateway(Protocol):
    """Where to ask, and with which key."""

    @property
    def url(self) -> str: ...

    @property
    def key(self) -> str: ...


@dataclass(frozen=True)
class Event:
    """One server-sent event: its name, and its data as JSON. A comment has the name `:`."""

    name: str
    data: Any


@dataclass
class Answer:
    """What came back. `chunks`: those of the chunked encoding, or the body as one."""

    status: int
    headers: list[tuple[str, str]]
    chunks: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The one header of this lower-case name."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, values
        return values[0] if values else None

    @property
    def events(self) -> list[Any]:
        """The data of all events but the end marker."""
        return [event.data for event in frames(self.body) if event.name not in (":", "[DONE]")]

    @property
    def error(self) -> dict[str, Any]:
        """The inside of OpenAI's envelope, which is all there is."""
        body = self.json()
        assert body.keys() == {"error"}, body
        assert body["error"].keys() == {"message", "type", "param", "code"}, body
        assert isinstance(body["error"]["message"], str)
        assert isinstance(body["error"]["type"], str)
        return dict(body["error"])


def frames(data: bytes) -> Iterator[Event]:
    """The events and comments of a stream, which must hold whole ones only."""
    assert b"\r" not in data
    assert data.endswith(b"\n\n") or not data
    for frame in data.decode().split("\n\n")[:-1]:
        if frame.startswith(":"):
            assert "\n" not in frame
            yield Event(":", frame[1:].strip())
        elif frame == "data: [DONE]":
            yield Event("[DONE]", None)
        else:
            name, _, rest = frame.partition("\n")
            assert name.startswith("event: "), frame
            assert rest.startswith("data: {"), frame
            assert "\n" not in rest, frame
            yield Event(name.removeprefix("event: "), json.loads(rest.removeprefix("data: ")))


class Connection:
    """One connection to a gateway."""

    def __init__(self, gateway: Gateway, timeout: float = 30) -> None:
        address = urlsplit(gateway.url)
        self._gateway = gateway
        self._socket = socket.create_connection((address.hostname or "", address.port or 80), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")
        self._chunked = False
        self._left: int | None = None

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def stop_sending(self) -> None:
        """Close the sending side alone."""
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Leave with RST instead of FIN."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def ask(self, method: str, path: str, body: Any = None, headers: Any = (), *, keyed: bool = True) -> None:
        """Send a whole request; a `body` that is no bytes is sent as JSON."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: gateway",
            *(f"{name}: {value}" for name, value in headers),
        ]
        if keyed:
            lines.append(f"Authorization: Bearer {self._gateway.key}")
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        self.send("\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + data)

    def head(self) -> Answer:
        """The head of the next answer, without its body. Raises ConnectionError when none comes."""
        first = self._line()
        assert first.startswith("HTTP/1.1 "), first
        answer = Answer(int(first.split(" ")[1]), [])
        while line := self._line():
            name, _, value = line.partition(":")
            answer.headers.append((name.lower(), value.strip()))
        self._chunked = answer.header("transfer-encoding") == "chunked"
        length = answer.header("content-length")
        self._left = int(length) if length is not None else None
        return answer

    def chunk(self) -> bytes:
        """The next chunk of the body; empty at its end. Raises ConnectionError when it breaks off."""
        if self._chunked:
            size = int(self._line(), 16)
            data = self._exactly(size)
            assert self._line() == ""
            self._chunked = size > 0
            self._left = None if size else 0
            return data
        data = self._reader.read() if self._left is None else self._exactly(self._left)
        self._left = 0
        return data

    def answer(self, *, bodiless: bool = False) -> Answer:
        """The whole of the next answer."""
        answer = self.head()
        while not bodiless and (data := self.chunk()):
            answer.chunks.append(data)
        return answer

    def is_over(self) -> bool:
        """Whether the gateway closes the connection."""
        try:
            return self._reader.read(1) == b""
        except ConnectionError:
            return True

    def _line(self) -> str:
        line = self._reader.readline(65536)
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"the connection ended within a line: {line[:100]!r}")
        return line[:-2].decode("latin-1")

    def _exactly(self, size: int) -> bytes:
        data = self._reader.read(size)
        if len(data) < size:
            raise ConnectionError(f"{len(data)} bytes of {size} came")
        return data


def ask(
    gateway: Gateway,
    method: str,
    path: str,
    body: Any = None,
    headers: Any = (),
    *,
    keyed: bool = True,
    timeout: float = 30,
) -> Answer:
    """One request on a connection of its own."""
    with Connection(gateway, timeout) as connection:
        connection.ask(method, path, body, headers, keyed=keyed)
        return connection.answer(bodiless=method == "HEAD")


def create(gateway: Gateway, input: Any, **fields: Any) -> Answer:
    """Ask the simulated model."""
    return ask(gateway, "POST", "/v1/responses", {"model": "sim/echo", "input": input, **fields})


def made(gateway: Gateway, input: Any, **fields: Any) -> dict[str, Any]:
    """The response the simulated model made, whether it was streamed or not."""
    answer = create(gateway, input, **fields)
    assert answer.status == 200, answer.body
    response: dict[str, Any] = answer.events[-1]["response"] if fields.get("stream") else answer.json()
    return response
