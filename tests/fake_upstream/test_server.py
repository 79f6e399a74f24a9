"""The server: what comes over its connections, byte by byte, and what it counts."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest

from antiphon.fake_upstream.faults import Fault
from antiphon.fake_upstream.script import Step
from tests.fake_upstream.running import RunningUpstream, running_upstream

TEXT = "Grüße"


def broken(**fault: Any) -> list[Step]:
    return [Step(say="one two three four", chunks=4, fault=Fault(**fault))]


MODELS = {
    "flaky": [Step(status=503, times=2), Step(say="at last")],
    "bytes": broken(after_bytes=100, then="close"),
    "bytes-reset": broken(after_bytes=100, then="reset"),
    "bytes-end": broken(after_bytes=100, then="end"),
    "half": [
        Step(
            say="x" * 10,
            chunks=10,
            usage={"input": 7, "output": 5},
            fault=Fault(after_events=5, then="close"),
        )
    ],
    "quotes": [Step(status=401, message="no such key: {key}")],
    "dated": [Step(status=429, headers={"retry-after": "{in 30 s}"})],
}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningUpstream]:
    with running_upstream(MODELS) as upstream:
        yield upstream


def raw(running: RunningUpstream, *requests: bytes) -> bytes:
    """All that comes until the server closes, or is silent; a reset ends in `<reset>`."""
    received = b""
    with socket.create_connection(("127.0.0.1", running.port), 5) as connection:
        for request in requests:
            connection.sendall(request)
        connection.settimeout(0.5)
        try:
            while data := connection.recv(65536):
                received += data
        except ConnectionResetError:
            received += b"<reset>"
        except TimeoutError:
            received += b"<silence>"
    return received


def post(
    model: str, path: str = "/v1/chat/completions", *, stream: bool = True, keep: bool = False, **fields: Any
) -> bytes:
    body = json.dumps({"model": model, "stream": stream, **fields}).encode()
    fields = {"Host": "x", "Authorization": "Bearer sk-secret", "Content-Length": len(body)}
    fields |= {} if keep else {"Connection": "close"}
    lines = (f"{name}: {value}" for name, value in fields.items())
    return "\r\n".join((f"POST {path} HTTP/1.1", *lines, "", "")).encode() + body


def get(running: RunningUpstream, path: str, method: str = "GET") -> Any:
    answer = raw(running, f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def body_of(answer: bytes) -> bytes:
    """Without its chunks."""
    rest, body = answer.partition(b"\r\n\r\n")[2], b""
    while rest and not rest.startswith(b"<"):
        size, _, rest = rest.partition(b"\r\n")
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return body


def test_a_whole_answer_leaves_the_connection_open(running: RunningUpstream) -> None:
    answer = raw(running, post("steady", keep=True), post("steady", stream=False, keep=True))
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.count(b"data: [DONE]\n\n") == 1
    assert answer.endswith(b"}<silence>")


def test_an_answer_is_cut_after_exactly_so_many_bytes(running: RunningUpstream) -> None:
    cut = raw(running, post("bytes"))
    assert len(body_of(cut)) == 100
    assert not cut.endswith(b"0\r\n\r\n")
    assert raw(running, post("bytes-reset")).endswith(b"<reset>")
    whole = raw(running, post("bytes-end", stream=False))
    assert b"Content-Length: 100\r\n" in whole
    assert len(whole.partition(b"\r\n\r\n")[2]) == 100


def test_an_answer_can_be_whole_and_its_connection_be_closed_all_the_same(running: RunningUpstream) -> None:
    assert raw(running, post("closes-when-idle", keep=True)).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert raw(running, post("closes-when-idle", stream=False, keep=True)).endswith(b"}")
    assert {entry.end for entry in running.asked("closes-when-idle")} == {"close"}


def test_events_are_counted_and_what_was_not_said_is_not_billed(running: RunningUpstream) -> None:
    raw(running, post("half+mine"))
    [entry] = running.asked("half+mine")
    assert (entry.events, entry.end, entry.input_tokens) == (5, "close", 7)
    assert entry.output_tokens == 2  # four of ten pieces, of five tokens
    raw(running, post("half+whole", stream=False))
    [entry] = running.asked("half+whole")
    assert (entry.input_tokens, entry.output_tokens) == (7, 5)  # it was all said before the first byte


def test_steps_follow_one_another_for_each_caller_of_his_own_name(running: RunningUpstream) -> None:
    def statuses(model: str) -> list[bytes]:
        return [raw(running, post(model, stream=False))[9:12] for _ in range(4)]

    assert statuses("flaky+one") == [b"503", b"503", b"200", b"200"]
    assert statuses("flaky+two") == [b"503", b"503", b"200", b"200"]


def test_the_key_of_the_caller_is_quoted_where_the_script_says_so_and_kept_nowhere(
    running: RunningUpstream,
) -> None:
    assert b"no such key: sk-secret" in raw(running, post("quotes"))
    assert "sk-secret" not in json.dumps(get(running, "/ledger"))


def test_a_date_is_reckoned_from_now(running: RunningUpstream) -> None:
    assert b"\r\nretry-after: " in (answer := raw(running, post("dated")))
    assert answer.partition(b"retry-after: ")[2].partition(b"\r\n")[0].endswith(b" GMT")


def test_the_tool_that_is_called_is_one_that_was_offered(running: RunningUpstream) -> None:
    tools = [{"type": "function", "function": {"name": "tell_time"}}]
    assert b'"name":"tell_time"' in raw(running, post("tool-loop", tools=tools))
    assert b'"name":"look_up"' in raw(running, post("tool-loop"))


def test_there_is_a_list_of_models_and_a_ledger_that_can_be_cleared() -> None:
    with running_upstream() as running:
        assert get(running, "/")["models"]["silent"] == "Reads the request and says nothing"
        assert {"id": "steady", "object": "model", "owned_by": "fake-upstream"} in get(running, "/v1/models")[
            "data"
        ]
        raw(running, post("steady", stream=False))
        ledger = get(running, "/ledger")
        assert (ledger["requests"], ledger["input_tokens"], ledger["output_tokens"]) == (1, 10, 8)
        assert ledger["entries"][0]["end"] == "complete"
        assert get(running, "/ledger", "DELETE")["requests"] == 0


def test_what_is_not_there_is_told_in_the_words_of_the_dialect(running: RunningUpstream) -> None:
    unknown = raw(running, post("stedy", "/v1/messages"))
    assert unknown.startswith(b"HTTP/1.1 404")
    assert b'{"type":"error","error":{"type":"not_found_error"' in unknown
    assert b"did you mean `steady`?" in unknown
    assert raw(running, post("steady", "/v9/nothing")).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("data", [b"SSH-2.0\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000])
def test_what_is_no_request_is_refused(running: RunningUpstream, data: bytes) -> None:
    assert raw(running, data).startswith((b"HTTP/1.1 400", b"<reset>"))


def test_a_body_that_waits_to_be_asked_for_is_asked_for(running: RunningUpstream) -> None:
    head, _, body = post("steady", stream=False).partition(b"\r\n\r\n")
    answer = raw(running, head + b"\r\nExpect: 100-continue\r\n\r\n", body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_who_leaves_in_the_middle_is_noted(running: RunningUpstream) -> None:
    with socket.create_connection(("127.0.0.1", running.port), 5) as connection:
        connection.sendall(post("slow+left"))
        connection.recv(100)
    until = time.monotonic() + 3
    while not running.asked("slow+left") and time.monotonic() < until:
        time.sleep(0.02)
    [entry] = running.asked("slow+left")
    assert entry.end == "caller left"
    assert entry.seconds < 1


def test_faulty_ports_are_faulty_and_the_trusted_one_can_be_trusted() -> None:
    with running_upstream(faulty=True) as running:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", running.ports["refuses"]), 1)
        with pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", running.ports["swallows"]), 0.3)
        assert secured(running, "tls-trusted").startswith(b"HTTP/1.1 200 OK")
        for name, told in {
            "tls-expired": "certificate has expired",
            "tls-other-host": "IP address mismatch",
            "tls-unknown": "unable to get local issuer|self.signed",
        }.items():
            with pytest.raises(ssl.SSLCertVerificationError, match=told):
                secured(running, name)


def secured(running: RunningUpstream, name: str) -> bytes:
    context = ssl.create_default_context(cadata=running.authority)
    with (
        socket.create_connection(("127.0.0.1", running.ports[name]), 5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(post("steady", stream=False))
        return connection.recv(100)
