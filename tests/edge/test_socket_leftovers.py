"""A WebSocket leaves nothing behind: no objects for the garbage collector, no silence after a bug.

What holds itself in a circle stays until a collection finds it; a half message of 64 MB with it.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from websockets.client import ClientProtocol
from websockets.protocol import Protocol

from antiphon.app import create_app
from antiphon.edge import client_events
from antiphon.edge.channel import Channel
from antiphon.edge.exchange import Exchange
from antiphon.edge.held import Memory
from antiphon.edge.lanes import Lanes
from antiphon.edge.server import StrictProtocol
from antiphon.engine.journal import MemoryJournal
from antiphon.engine.run import Run
from antiphon.settings import Settings
from tests.edge.raw_socket import CONTINUED, TEXT, answer_to, frame, head, raw_socket, soon
from tests.edge.sockets import socket, text_of
from tests.running import Running, running_gateway

KINDS = (Channel, Exchange, Lanes, Memory, MemoryJournal, Protocol, Run, StrictProtocol)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("leftovers"), drain_timeout=0.1) as running:
        yield running


def alive() -> dict[int, str]:
    """The clients here are the tests' own."""
    kinds = ((thing, type(thing)) for thing in gc.get_objects())
    return {
        id(thing): kind.__name__
        for thing, kind in kinds
        if issubclass(kind, KINDS) and not issubclass(kind, ClientProtocol)
    }


def spoken(gateway: Running) -> None:
    with socket(gateway) as client:
        for fields in ({"store": False}, {"temperature": 9}, {"generate": False}, {"stream_id": "a"}):
            client.ask(**{"input": "hello", **fields})
        client.send(input="count to 1000 slowly")
        client.receive()


def unfinished(gateway: Running) -> None:
    with raw_socket(gateway) as client:
        client.send(frame(TEXT, b"x" * 1000, last=False) + frame(CONTINUED, b"x" * 1000)[:500])


def broken(gateway: Running) -> None:
    with raw_socket(gateway) as client:
        client.send(frame(3))
        client.end()


def refused(gateway: Running) -> None:
    answer_to(gateway, head(gateway, "Upgrade: websocket\r\nConnection: Upgrade\r\n"))


@pytest.mark.parametrize("use", [spoken, unfinished, broken, refused])
def test_nothing_is_left_for_the_garbage_collector(gateway: Running, use: Any) -> None:
    use(gateway)
    time.sleep(0.2)
    gc.collect()
    before = alive()
    gc.disable()
    try:
        for _ in range(5):
            use(gateway)
        soon(lambda: alive().keys() <= before.keys())
        assert {name for thing, name in alive().items() if thing not in before} == set()
    finally:
        gc.enable()


def test_a_bug_ends_the_connection_and_no_other(
    gateway: Running, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket(gateway) as other, socket(gateway) as client:
        with monkeypatch.context() as patch:
            patch.setattr(client_events, "create_request", lambda *_: 1 / 0)
            client.send(input="x")
            assert client.closed() == (1011, "server_error")
        assert text_of(other.ask(input="hello")) == "hello"
    printed = capfd.readouterr()
    assert "ZeroDivisionError" in printed.out + printed.err


def test_another_server_than_ours_tells_agents_to_fall_back(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    config = uvicorn.Config(create_app(settings), port=0, log_level="error", ws="websockets-sansio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert soon(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        answer = answer_to(Running(f"http://127.0.0.1:{port}", "x", settings), head_of_nobody())
    finally:
        server.should_exit = True
        thread.join(10)
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b'"websocket_not_supported"' in answer


def head_of_nobody() -> bytes:
    return head(Running("", "sk-gateway-0", Settings()))
