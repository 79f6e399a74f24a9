"""A request leaves nothing for the garbage collector, and its answer leaves in one piece.

What holds itself in a circle stays until a collection finds it: that costs memory, and time for everybody.
"""

from __future__ import annotations

import gc
import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from antiphon.core.assembler import Assembler
from antiphon.edge.exchange import Exchange
from antiphon.edge.server import OneWrite
from antiphon.engine.journal import MemoryJournal
from antiphon.engine.run import Run
from tests.running import Running, running_gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("data")) as running:
        yield running


@contextmanager
def nothing_collected() -> Iterator[None]:
    """What was there before is set aside: not collected, and not among `gc.get_objects()`."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def alive() -> int:
    return sum(isinstance(thing, Exchange | Run | MemoryJournal | Assembler) for thing in gc.get_objects())


def ask(gateway: Running, **changes: object) -> int:
    """One request on a connection of its own, its answer read to the end; the status."""
    place = urlsplit(gateway.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    body = json.dumps({"model": "sim/echo", "input": "hello", **changes})
    connection.request("POST", "/v1/responses", body, gateway.headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def left_by(gateway: Running, status: int, **changes: object) -> int:
    """How many exchanges, runs and their parts of ten requests stay. What is on its way out is waited for."""
    ask(gateway, **changes)
    with nothing_collected():
        statuses = {ask(gateway, **changes) for _ in range(10)}
        until = time.monotonic() + 5
        while (left := alive()) and time.monotonic() < until:
            time.sleep(0.05)
    assert statuses == {status}
    return left


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_a_request_leaves_no_circles(gateway: Running, store: bool, stream: bool) -> None:
    assert left_by(gateway, 200, store=store, stream=stream) == 0


@pytest.mark.parametrize(
    ("text", "stream", "status"),
    [
        ("wait 0.15 seconds then say hello", False, 200),  # so long that the client is watched meanwhile
        ("wait 0.15 seconds then say hello", True, 200),
        ("fail now", False, 502),
        ("fail now", True, 200),
        ("fail before output", False, 502),
        ("fail before output", True, 502),
    ],
)
def test_nor_does_one_that_takes_long_or_fails(
    gateway: Running, text: str, stream: bool, status: int
) -> None:
    assert left_by(gateway, status, input=text, stream=stream) == 0


class Wire:
    """The writes that reach a connection."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_head_leaves_with_the_first_piece_of_its_body() -> None:
    wire = Wire()
    answer = OneWrite(wire)
    for piece in (HEAD, b"a", b"b"):
        answer.write(piece)
    assert wire.writes == [HEAD + b"a", b"b"]


def test_a_permission_to_go_on_is_not_held_back() -> None:
    wire = Wire()
    answer = OneWrite(wire)
    for piece in (CONTINUE, HEAD, b"a"):
        answer.write(piece)
    assert wire.writes == [CONTINUE, HEAD + b"a"]


def test_a_head_without_a_body_leaves_when_the_connection_is_closed() -> None:
    wire = Wire()
    answer = OneWrite(wire)
    answer.write(HEAD)
    answer.close()
    assert wire.writes == [HEAD]
    assert wire.closed
