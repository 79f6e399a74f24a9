"""Who may open a WebSocket, how, and where: everything else is answered as HTTP is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.edge.raw_socket import OFFER, TEXT, answer_to, connected, create, frame, head, raw_socket
from tests.edge.sockets import socket, text_of
from tests.running import Running, running_gateway

NO_KEY = "GET /v1/responses HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("handshake")) as running:
        yield running


def refused(answer: bytes) -> tuple[int, dict[str, str], Any]:
    top, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, json.loads(body)["error"]["code"]


def without(name: str) -> str:
    return "".join(line + "\r\n" for line in OFFER.split("\r\n") if line and not line.startswith(name))


@pytest.mark.parametrize(
    "credentials", ["", "Authorization: Bearer sk-gateway-0\r\n", "Authorization: x\r\n"]
)
def test_without_a_key_there_is_no_connection(gateway: Running, credentials: str) -> None:
    status, headers, code = refused(answer_to(gateway, f"{NO_KEY}{credentials}{OFFER}\r\n".encode()))
    assert (status, code, headers["www-authenticate"]) == (401, "invalid_api_key", "Bearer")
    assert "x-request-id" in headers


def test_the_answer_has_a_request_id(gateway: Running) -> None:
    with socket(gateway) as client:
        assert client.connection.response is not None
        assert client.connection.response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("offer", "status", "code"),
    [
        ("", 426, "websocket_required"),
        (without("Connection"), 426, "websocket_required"),
        (OFFER.replace("websocket", "h3"), 426, "websocket_required"),
        (without("Sec-WebSocket-Key"), 400, "invalid_http_request"),
        (without("Sec-WebSocket-Version"), 400, "invalid_http_request"),
        (OFFER.replace("Version: 13", "Version: 8"), 400, "invalid_http_request"),
        (OFFER.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400, "invalid_http_request"),
        (OFFER + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400, "invalid_http_request"),
        (OFFER + "x-session-id: " + "x" * 300 + "\r\n", 400, "string_above_max_length"),
        (OFFER + "Origin: https://evil.example\r\n", 403, "origin_not_allowed"),
        (OFFER + "Origin: null\r\n", 403, "origin_not_allowed"),
    ],
)
def test_what_is_no_handshake_is_refused_as_http_is(
    gateway: Running, offer: str, status: int, code: str
) -> None:
    found, headers, found_code = refused(answer_to(gateway, head(gateway, offer + "X-Last: 1\r\n")))
    assert (found, found_code) == (status, code)
    assert headers["connection"].endswith("close")
    assert headers.get("upgrade") == ("websocket" if status == 426 else None)
    is_handshake = status == 426 or code == "invalid_http_request"
    assert headers.get("sec-websocket-version") == ("13" if is_handshake else None)


def test_nor_is_one_with_a_body(gateway: Running) -> None:
    for body in ("Content-Length: 2\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"):
        status, _, code = refused(answer_to(gateway, head(gateway, OFFER + body)[:-2]))
        assert (status, code) == (400, "invalid_http_request")


def test_pages_of_the_gateways_own_origin_and_of_its_operators_may(tmp_path: Path) -> None:
    chosen = {"websocket": {"origins": ["https://chat.example.com"]}}
    with running_gateway(tmp_path, **chosen) as gateway:
        for origin in (gateway.url, "https://chat.example.com"):
            with socket(gateway, origin=origin) as client:
                assert text_of(client.ask(input="hello")) == "hello"
        foreign = head(gateway, OFFER + "Origin: https://chat.example.com.evil.example\r\n")
        assert refused(answer_to(gateway, foreign))[0] == 403


def test_elsewhere_nothing_is_upgraded(gateway: Running) -> None:
    models = answer_to(gateway, head(gateway, line="GET /v1/models HTTP/1.1"))
    assert models.startswith(b"HTTP/1.1 200 ")
    one = answer_to(gateway, head(gateway, line="GET /v1/responses/resp_1 HTTP/1.1"))
    assert refused(one)[0] == 426
    nowhere = answer_to(gateway, head(gateway, line="GET /v1/realtime HTTP/1.1"))
    assert refused(nowhere)[0] == 404
    posted = answer_to(gateway, head(gateway, line="POST /v1/responses HTTP/1.1"))
    assert refused(posted)[0] == 400
    old = answer_to(gateway, head(gateway, line="GET /v1/responses HTTP/1.0"))
    assert refused(old)[0] == 426


@pytest.mark.parametrize("early", [frame(TEXT, create(input="x")), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_who_does_not_wait_for_the_answer_is_refused(gateway: Running, early: bytes) -> None:
    status, _, code = refused(answer_to(gateway, head(gateway) + early))
    assert (status, code) == (400, "invalid_http_request")


def test_behind_another_request_nothing_is_upgraded(gateway: Running) -> None:
    body = b'{"model": "sim/echo", "input": "count to 3 slowly"}'
    post = head(gateway, f"Content-Length: {len(body)}\r\n", "POST /v1/responses HTTP/1.1") + body
    received = answer_to(gateway, post + head(gateway))
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 101" not in received


def test_a_connection_that_was_used_before_may_be_upgraded(gateway: Running) -> None:
    with connected(gateway) as connection:
        connection.sendall(head(gateway, "", "GET /health/live HTTP/1.1"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(head(gateway))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 101 ")


def test_connections_are_bounded(tmp_path: Path) -> None:
    with running_gateway(tmp_path, websocket={"connections": 1}) as gateway:
        with raw_socket(gateway):
            status, headers, code = refused(answer_to(gateway, head(gateway, OFFER)))
            assert (status, code, headers["retry-after"]) == (503, "overloaded", "1")
        with socket(gateway) as client:
            assert text_of(client.ask(input="hello")) == "hello"


def test_where_it_is_switched_off_agents_fall_back(tmp_path: Path) -> None:
    with running_gateway(tmp_path, websocket={"enabled": False}) as gateway:
        status, headers, code = refused(answer_to(gateway, head(gateway)))
        assert (status, code, headers["upgrade"]) == (426, "websocket_not_supported", "HTTP/1.1")
