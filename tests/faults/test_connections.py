"""Faults that are no answer: ports, connections that are used again, clients that leave or do not read."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from tests.contract.wire import Connection
from tests.faults.expected import RETRIES
from tests.faults.memory import bounded
from tests.faults.place import DIALECTS, HALVES, MODES, QUICK, TOOL, Place, ledger_of, requests_for, seen

UNREACHABLE = "502 upstream_unreachable"
PORTS = {
    "refuses": UNREACHABLE,
    "swallows": "504 upstream_timeout",
    "tls-trusted": UNREACHABLE,  # by its authority alone, which this gateway does not know
    "tls-expired": UNREACHABLE,
    "tls-other-host": UNREACHABLE,
    "tls-unknown": UNREACHABLE,
    "no-tls": UNREACHABLE,
}
LATE = 0.5


def ports() -> Iterator[Any]:
    for number, port in enumerate(PORTS):
        for dialect, mode, half in product(DIALECTS, MODES, HALVES):
            chosen = (dialect, mode, half) == (DIALECTS[number], MODES[number % 2], HALVES[number // 2 % 2])
            marks = () if chosen else (pytest.mark.chaos,)
            name = f"{port}-{dialect}-{mode}-{half}"
            yield pytest.param(port, dialect, mode, half, id=name, marks=marks)


@pytest.mark.parametrize(("port", "dialect", "mode", "half"), list(ports()))
def test_who_cannot_be_reached_is_told_at_once_and_is_sent_nothing(
    place: Place, outcomes: Any, port: str, dialect: str, mode: str, half: str
) -> None:
    own = f"steady+{port}-{dialect}-{mode}-{half}"
    fields = {"fallbacks": [f"spare-{dialect}/steady"]} if half == "fallback" else {}
    was = seen(place, own, stream=mode == "stream", provider=f"{port}-{dialect}", **fields)
    row = {"refuses": "01", "swallows": "02"}.get(port, "03")
    outcomes[f"{row} {port}", mode, half][dialect] = was.outcome
    assert was.outcome == (PORTS[port] if half == "alone" else "completed")
    was.check(place)
    assert was.seconds < (QUICK["connect"] + LATE if port == "swallows" else 1)
    assert place.upstream.asked(own) == []
    rows = ledger_of(place, own, 1)
    assert 1 <= len(rows) <= 1 + RETRIES
    assert {(row.outcome, row.input_tokens, row.output_tokens) for row in rows} == {("failed", 0, 0)}


sampled = [
    pytest.param(dialect, marks=() if dialect == "chat" else (pytest.mark.chaos,)) for dialect in DIALECTS
]


@pytest.mark.parametrize("dialect", sampled)
def test_connections_that_closed_while_nobody_used_them_cost_no_answer(place: Place, dialect: str) -> None:
    for number in range(5):
        own = f"closes-when-idle+{dialect}-{number}"
        was = seen(place, own, stream=number % 2 == 1, provider=f"patient-{dialect}")
        assert was.outcome == "completed"
        assert requests_for(place, own) == 1


@pytest.mark.parametrize("dialect", sampled)
def test_a_request_that_may_have_been_read_is_not_sent_again(place: Place, dialect: str) -> None:
    """The connection is reset with the request on it: nobody knows what became of it."""
    for number in range(3):
        own = f"resets-on-reuse+{dialect}-again-{number}"
        was = seen(place, own, stream=False, provider=f"patient-{dialect}")
        assert was.outcome in ("completed", "502 upstream_disconnected")
        assert requests_for(place, own) == 1
    assert seen(place, "steady", stream=False, provider=f"patient-{dialect}").outcome == "completed"


@pytest.mark.parametrize("dialect", sampled)
def test_when_the_client_leaves_a_stream_the_provider_is_left_too(place: Place, dialect: str) -> None:
    """What it had said until then it bills; the fake upstream says how much that is."""
    own = f"slow+{dialect}-left"
    with begun(place, own, f"patient-{dialect}") as connection:
        while b"output_text.delta" not in connection.chunk():
            pass
    left = time.monotonic()
    assert requests_for(place, own) == 1
    assert time.monotonic() - left < 1
    [entry] = place.upstream.asked(own)
    assert entry.end == "caller left"
    assert 0 < entry.output_tokens < 20
    assert entry.input_tokens == 10


@pytest.mark.parametrize("dialect", sampled)
def test_when_the_client_does_not_wait_for_a_whole_answer_the_provider_is_left_too(
    place: Place, dialect: str
) -> None:
    own = f"silent+{dialect}-left"
    with Connection(place.gateway) as connection:
        ask(connection, own, f"patient-{dialect}", stream=False)
        time.sleep(0.3)
    assert requests_for(place, own) == 1
    [entry] = place.upstream.asked(own)
    assert entry.seconds < 1.5


@pytest.mark.parametrize("dialect", sampled)
def test_a_client_that_does_not_read_holds_the_provider_back(place: Place, dialect: str) -> None:
    """Of 66 MB no more is taken than the kernel's buffers hold, of which Linux may give one 32 MB."""
    own = f"deluge+{dialect}"
    with bounded(), begun(place, own, f"patient-{dialect}"):
        time.sleep(2)
    assert requests_for(place, own) == 1
    [entry] = place.upstream.asked(own)
    assert entry.end == "caller left"
    assert entry.bytes < 48_000_000


def begun(place: Place, model: str, provider: str) -> Connection:
    """A stream of which the head came. Its receive buffer is small."""
    connection = Connection(place.gateway)
    connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    ask(connection, model, provider, stream=True)
    assert connection.head().status == 200
    return connection


def ask(connection: Connection, model: str, provider: str, *, stream: bool) -> None:
    body = {"model": f"{provider}/{model}", "input": "Hi", "stream": stream, "tools": [TOOL]}
    connection.ask("POST", "/v1/responses", body)


def test_when_everybody_fails_each_is_asked_once_and_the_last_word_is_told(place: Place) -> None:
    """Row 20: one pass, an error of one of them, and a row in the ledger for each."""
    names = [f"error-500+{number}-all" for number in range(2)] + ["limited+all"]
    first, *others = [f"patient-{dialect}/{name}" for dialect, name in zip(DIALECTS, names, strict=False)]
    for stream in (False, True):
        provider, _, model = first.partition("/")
        was = seen(place, model, stream=stream, provider=provider, fallbacks=others)
        was.check(place)
        assert was.outcome == "429 rate_limit_exceeded"
        assert was.seconds < 2
        times = 2 if stream else 1
        assert [requests_for(place, name, times) for name in names] == [times] * 3
        assert [len(ledger_of(place, name, times)) for name in names] == [times] * 3


def test_no_request_follows_a_redirect(place: Place) -> None:
    """It would come to the same server, to a path that no dialect has."""
    for status in (301, 302, 307, 308):
        seen(place, f"redirect-{status}+followed", stream=False, provider="patient-chat")
    assert requests_for(place, "redirect-308+followed") == 1
    assert place.upstream.asked("/elsewhere") == []
