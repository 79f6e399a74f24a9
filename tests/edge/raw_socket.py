"""A WebSocket as bytes, with no library in between: for what no library would send."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.running import Running

TEXT, CONTINUED, CLOSE, PING, PONG = 1, 0, 8, 9, 10
MASK = b"\x11\x22\x33\x44"
OFFER = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def frame(opcode: int, data: bytes = b"", *, last: bool = True, bits: int = 0, mask: bool = True) -> bytes:
    """`bits`: the three reserved ones, as they stand in the first byte."""
    head = bytes([(0x80 if last else 0) | bits | opcode])
    masked = 0x80 if mask else 0
    if len(data) < 126:
        head += bytes([masked | len(data)])
    elif len(data) < 65_536:
        head += bytes([masked | 126]) + struct.pack("!H", len(data))
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", len(data))
    if not mask:
        return head + data
    return head + MASK + bytes(byte ^ MASK[index % 4] for index, byte in enumerate(data))


def create(**fields: Any) -> bytes:
    return json.dumps({"type": "response.create", "model": "sim/echo", **fields}).encode()


@dataclass
class RawSocket:
    connection: socket.socket
    received: bytes = b""

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def _take(self, count: int) -> bytes:
        while len(self.received) < count:
            more = self.connection.recv(65_536)
            if not more:
                raise EOFError
            self.received += more
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def frame(self) -> tuple[int, bytes]:
        """The next frame: its opcode and data."""
        first, length = self._take(2)
        assert not length & 0x80, "a server masks nothing"
        assert first & 0xF0 == 0x80, "in one piece, no bit of an extension"
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        return first & 0x0F, self._take(length)

    def message(self) -> Any:
        opcode, data = self.frame()
        while opcode != TEXT:
            assert opcode == PING
            opcode, data = self.frame()
        return json.loads(data)

    def end(self) -> int:
        """The code of the frame that closes; 1006 if there is none."""
        try:
            while True:
                opcode, data = self.frame()
                if opcode == CLOSE:
                    return int.from_bytes(data[:2], "big")
        except (EOFError, ConnectionResetError):
            return 1006

    def is_cut(self, within: float = 10.0) -> bool:
        self.connection.settimeout(within)
        try:
            while self.connection.recv(65_536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True


def connected(gateway: Running, buffer: int | None = None) -> socket.socket:
    """`buffer`: bytes that are received for who does not read."""
    place = urlsplit(gateway.url)
    connection = socket.socket()
    if buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(10)
    connection.connect((place.hostname, place.port))
    return connection


def head(gateway: Running, offer: str = OFFER, line: str = "GET /v1/responses HTTP/1.1") -> bytes:
    return f"{line}\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n{offer}\r\n".encode()


@contextmanager
def raw_socket(gateway: Running, buffer: int | None = None) -> Iterator[RawSocket]:
    with connected(gateway, buffer) as connection:
        raw = RawSocket(connection)
        raw.send(head(gateway))
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += raw._take(1)
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        yield raw


def answer_to(gateway: Running, request: bytes) -> bytes:
    """All that comes back until the connection is closed."""
    with connected(gateway) as connection:
        connection.sendall(request)
        received = b""
        while more := connection.recv(65_536):
            received += more
        return received


def soon(true: Any, within: float = 5.0) -> bool:
    """Whether it becomes true."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False
