"""What a WebSocket must bear: frames that no client would send, and clients that stall."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.edge.raw_socket import CLOSE, CONTINUED, PING, PONG, TEXT, RawSocket, create, frame, raw_socket
from tests.edge.sockets import socket, text_of
from tests.running import Running, running_gateway

MOST = 65_536  # bytes of a message
RSV1 = 0x40


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("hostile"), limits={"body_bytes": MOST}) as running:
        yield running


@pytest.fixture
def client(gateway: Running) -> Iterator[RawSocket]:
    with raw_socket(gateway) as raw:
        yield raw


def bomb(size: int) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(b" " * size) + squeezer.flush(zlib.Z_SYNC_FLUSH)[:-4]


BROKEN = {
    "bad UTF-8": (frame(TEXT, b'{"type": "\xff\xfe"}'), 1007),
    "UTF-8 that is cut": (frame(TEXT, b'{"a": "\xe2\x82'), 1007),
    "larger than may be": (frame(TEXT, b"x" * (MOST + 1)), 1009),
    "a length of 2^62": (b"\x81\xff" + (2**62).to_bytes(8, "big"), 1009),
    "fragments larger than may be": (frame(TEXT, b"x" * MOST, last=False) + frame(CONTINUED, b"xx"), 1009),
    "compressed, which was not agreed on": (frame(TEXT, bomb(10**7), bits=RSV1), 1002),
    "not masked": (frame(TEXT, b"{}", mask=False), 1002),
    "an opcode that means nothing": (frame(3), 1002),
    "a long ping": (frame(PING, b"x" * 126), 1002),
    "a ping in fragments": (frame(PING, last=False), 1002),
    "a fragment of nothing": (frame(CONTINUED, b"x"), 1002),
    "a message in a message": (frame(TEXT, b"{", last=False) + frame(TEXT, b"}"), 1002),
    "a close of one byte": (frame(CLOSE, b"x"), 1002),
    "a close with a code that is none": (frame(CLOSE, (1005).to_bytes(2, "big")), 1002),
    "pings without end": (frame(PING) * 60_000, 1008),
    "fragments without end, of nothing": (
        frame(TEXT, last=False) + frame(CONTINUED, last=False) * 60_000,
        1008,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_protocol_ends_the_connection(gateway: Running, client: RawSocket, name: str) -> None:
    sent, code = BROKEN[name]
    client.connection.settimeout(10)
    with suppress(ConnectionError):  # it may be closed before all was sent
        client.send(sent)
    assert client.end() == code
    assert client.is_cut()
    with socket(gateway) as next_one:
        assert text_of(next_one.ask(input="hello")) == "hello"


def test_a_large_message_that_may_be_is_taken_byte_by_byte_or_in_one(client: RawSocket) -> None:
    event = create(input="x" * 60_000)
    client.send(frame(TEXT, event))
    while (last := client.message())["type"] != "response.completed":
        pass
    assert len(text_of(last["response"])) == 60_000
    for byte in frame(TEXT, create(input="small")):
        client.send(bytes([byte]))
    assert client.message()["type"] == "response.created"


def test_fragments_are_one_message_and_pings_may_stand_between(client: RawSocket) -> None:
    event = create(input="Grüße")
    cut = event.index(b"\\u00fc") + 3
    client.send(frame(TEXT, event[:cut], last=False) + frame(PING, b"still there?"))
    assert client.frame() == (PONG, b"still there?")
    client.send(frame(CONTINUED, b"", last=False) + frame(CONTINUED, event[cut:]))
    while (last := client.message())["type"] != "response.completed":
        pass
    assert text_of(last["response"]) == "Grüße"


@pytest.mark.parametrize("depth", [200, 5_000, 30_000])
def test_what_is_nested_deeply_is_refused(client: RawSocket, depth: int) -> None:
    nested = b'{"type": "response.create", "model": "sim/echo", "input": "x", "metadata": %b1%b}'
    client.send(frame(TEXT, nested % (b"[" * depth, b"]" * depth)))
    assert client.message()["error"]["code"] == "invalid_json"
    client.send(frame(TEXT, create(input="hello")))
    assert client.message()["type"] == "response.created"


def test_a_nul_is_refused(client: RawSocket) -> None:
    client.send(frame(TEXT, create(input="a\0b")))
    assert client.message()["error"]["param"] == "input"


def test_a_thousand_messages_at_once_get_a_thousand_answers(client: RawSocket) -> None:
    client.send(frame(TEXT, b"{}") * 1_000)
    codes = [client.message()["error"]["code"] for _ in range(1_000)]
    assert set(codes) <= {"invalid_value", "websocket_stream_limit_reached"}


def test_compression_is_not_agreed_on(gateway: Running) -> None:
    with socket(gateway, compression="deflate") as client:
        assert client.connection.protocol.extensions == []


def test_a_goodbye_is_answered(client: RawSocket) -> None:
    client.send(frame(CLOSE, (1000).to_bytes(2, "big")))
    assert client.end() == 1000
    assert client.is_cut()


def test_who_does_not_answer_pings_is_gone(tmp_path: Path) -> None:
    quick = {"heartbeat": 0.1, "write_timeout": 0.4}
    with (
        running_gateway(tmp_path, stream=quick) as gateway,
        socket(gateway) as patient,
        raw_socket(gateway) as silent,
    ):
        assert silent.frame() == (PING, b"")
        assert silent.end() == 1011
        assert text_of(patient.ask(input="hello")) == "hello"


def test_a_message_that_was_begun_goes_on_or_the_connection_ends(tmp_path: Path) -> None:
    with running_gateway(tmp_path, limits={"body_timeout": 0.3}) as gateway, raw_socket(gateway) as client:
        client.send(frame(TEXT, b"{", last=False))
        client.send(frame(PONG))
        assert client.end() == 1008


def test_who_takes_nothing_is_cut_and_his_place_is_free(tmp_path: Path) -> None:
    settings = {"limits": {"in_flight": 1}, "stream": {"write_timeout": 0.3}}
    with running_gateway(tmp_path, **settings) as gateway, raw_socket(gateway, buffer=4096) as stalled:
        stalled.send(frame(TEXT, create(input="count to 100000")))
        with socket(gateway) as client:
            while (answered := client.ask(input="hello")).get("type") == "error":
                assert answered["error"]["code"] == "overloaded"
                time.sleep(0.05)
            assert text_of(answered) == "hello"


def test_who_takes_no_pongs_is_not_heard_any_more(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as gateway, raw_socket(gateway, buffer=4096) as client:
        client.connection.settimeout(1)
        pings, sent = frame(PING, b"x" * 125) * 500, 0
        with pytest.raises((TimeoutError, ConnectionError)):
            while True:
                sent += client.connection.send(pings)
        assert sent < 30_000_000


def test_the_json_of_an_error_says_where_it_is(client: RawSocket) -> None:
    client.send(frame(TEXT, json.dumps({"type": "response.create", "model": 7}).encode()))
    assert client.message()["error"]["param"] == "model"
