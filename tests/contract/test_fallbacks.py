"""Another target answers when the first one cannot: over sockets, as the client sees it, and in the ledger.

Two providers on loopback, each with a script of its own. The first breaks in every way that it can before it
has said anything; whatever it is, the client gets one response, of the second.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from antiphon.core.fold import fold
from antiphon.core.records import Attempt
from antiphon.storage import open_database
from antiphon.stores.ledger import Ledger, Total
from antiphon.stores.schema import DEFAULT_PROJECT
from tests.contract.wire import Answer, ask
from tests.running import Running, running_gateway
from tests.upstream.faults import (
    ENDING,
    LAST_CHUNK,
    STREAM,
    FaultUpstream,
    Script,
    Visit,
    always,
    answer,
    chunk,
    once,
    silent,
    word,
)

FIRST, SECOND = "first/model", "second/model"
USAGE = {"prompt_tokens": 100, "completion_tokens": 10}
COST = (100 * 2 + 10 * 10) / 1e6
COUNTED = b'data: {"choices":[],"usage":%s}\n\n' % json.dumps(USAGE).encode()


async def works(visit: Visit) -> None:
    """Says hello, streamed or whole, and counts its tokens."""
    while True:
        asked = json.loads((await visit.request()).body)
        if asked.get("stream"):
            said = STREAM + chunk(word("Hello")) + chunk(ENDING.replace(b"data: [DONE]\n\n", COUNTED))
            await visit.send(said + chunk(b"data: [DONE]\n\n") + LAST_CHUNK)
        else:
            message = {"role": "assistant", "content": "Hello"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            await visit.send(answer(json.dumps({"choices": [choice], "usage": USAGE}).encode()))


@dataclass
class Pair:
    """A gateway, and the sockets of its two providers."""

    gateway: Running
    sockets: tuple[socket.socket, socket.socket]

    @asynccontextmanager
    async def speaking(self, *scripts: Script | None) -> AsyncIterator[list[FaultUpstream]]:
        """The providers follow these scripts; one without a script lets connections wait."""
        upstreams = [FaultUpstream(script or silent()) for script in scripts]
        servers = [
            await asyncio.start_server(upstream.visit, sock=listening.dup())
            for upstream, listening in zip(upstreams, self.sockets, strict=True)
        ]
        try:
            yield upstreams
        finally:
            for server in servers:
                server.close()
            for upstream in upstreams:
                upstream.cut()
            await asyncio.sleep(0)

    async def asked(self, *headers: tuple[str, str], path: str = "/v1/responses", **fields: Any) -> Answer:
        body = {"model": FIRST, "fallbacks": [SECOND], "input": "hi", **fields}
        return await asyncio.to_thread(ask, self.gateway, "POST", path, body, headers)

    async def rows(self, response_id: str) -> list[Attempt]:
        async with open_database(self.gateway.settings) as database:
            return await Ledger(database).of_response(DEFAULT_PROJECT, response_id)

    async def total(self) -> Total:
        await asyncio.sleep(0.2)  # rows without a stored response are written a moment later
        async with open_database(self.gateway.settings) as database:
            return await Ledger(database).total(DEFAULT_PROJECT)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        providers = {
            name: {
                "dialect": "chat",
                "base_url": f"http://127.0.0.1:{listening.getsockname()[1]}/v1",
                "api_key": "sk-canary",
                "models": ["model"],
                "timeouts": {"connect": 1, "first_event": 0.4, "idle": 1, "total": 3},
            }
            for name, listening in (("first", first), ("second", second))
        }
        models = {name: {"prices": {"input": 2, "output": 10}} for name in (FIRST, SECOND)}
        how = {"providers": providers, "models": models, "simulated": {"enabled": False}}
        with running_gateway(tmp_path / "data", requests={"retries": 0}, **how) as gateway:
            yield Pair(gateway, (first, second))


def response_of(answered: Answer, *, stream: bool) -> Any:
    """The response, and that it began once and is what its events add up to."""
    assert answered.status == 200, answered.body
    if not stream:
        return answered.json()
    events = answered.events
    kinds = [event["type"] for event in events]
    assert (kinds.count("response.created"), kinds[0]) == (1, "response.created")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert {event["response"]["model"] for event in events if "response" in event} == {SECOND}
    assert fold(events) == events[-1]["response"]
    return events[-1]["response"]


def broken(status: str, *lines: str) -> Script:
    return once(answer(b'{"error":{"message":"no"}}', status, "application/json", *lines))


# What the first does: its script, what the ledger says of it, and its status.
FAILURES: dict[str, tuple[Script, str, str, int | None]] = {
    "answers 503": (broken("503 Service Unavailable"), "failed", "upstream_error", 503),
    "answers 500": (broken("500 Internal Server Error"), "failed", "upstream_error", 500),
    "asks to wait": (
        broken("429 Too Many Requests", "Retry-After: 9"),
        "rate_limited",
        "rate_limit_exceeded",
        429,
    ),
    "does not know our key": (broken("401 Unauthorized"), "failed", "upstream_auth", 401),
    "does not have the model": (broken("404 Not Found"), "rejected", "", 404),
    "hangs up": (once(), "failed", "upstream_disconnected", None),
    "resets the connection": (once(then=Visit.reset), "failed", "upstream_disconnected", None),
    "answers with garbage": (once(answer(b"garbage")), "failed", "upstream_invalid_response", None),
}
STREAMED: dict[str, tuple[Script, str, str, int | None]] = {
    "says nothing": (silent(), "failed", "upstream_timeout", None),
    "says nothing after its head": (silent(STREAM), "failed", "upstream_timeout", None),
    "ends before it says anything": (once(STREAM + LAST_CHUNK), "failed", "upstream_disconnected", None),
    "breaks off after its head": (once(STREAM), "failed", "upstream_disconnected", None),
}


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        *((name, stream) for name in FAILURES for stream in (False, True)),
        *((name, True) for name in STREAMED),
    ],
)
async def test_whatever_the_first_does_the_second_answers_once(pair: Pair, name: str, stream: bool) -> None:
    script, outcome, code, status = {**FAILURES, **STREAMED}[name]
    async with pair.speaking(script, works) as (first, second):
        response = response_of(await pair.asked(stream=stream), stream=stream)
    assert (len(first.requests), len(second.requests)) == (1, 1)
    assert (response["status"], response["provider"], response["model"]) == ("completed", "second", SECOND)
    assert response["output"][0]["content"][0]["text"] == "Hello"
    failed, answered = await pair.rows(response["id"])
    assert (failed.target.public_name, failed.number, failed.outcome, failed.status) == (
        FIRST,
        1,
        outcome,
        status,
    )
    assert code in ("", failed.code)
    assert (answered.target.public_name, answered.number, answered.outcome) == (SECOND, 2, "ok")
    assert (answered.input_tokens, answered.output_tokens) == (100, 10)
    assert response["cost"] == pytest.approx(COST)
    assert response["cost_details"]["attempts"] == 2


async def test_a_refused_connection_is_passed_on_and_its_row_has_no_tokens(pair: Pair) -> None:
    pair.sockets[0].close()
    upstream = FaultUpstream(works)
    server = await asyncio.start_server(upstream.visit, sock=pair.sockets[1].dup())
    response = response_of(await pair.asked(), stream=False)
    server.close()
    upstream.cut()
    failed, answered = await pair.rows(response["id"])
    assert (failed.code, failed.status, failed.input_tokens) == ("upstream_unreachable", None, 0)
    assert failed.charge is not None and failed.charge.total == 0
    assert answered.charge is not None
    assert answered.charge.total == 300_000


async def test_what_one_provider_calls_invalid_is_not_asked_of_another(pair: Pair) -> None:
    async with pair.speaking(broken("400 Bad Request"), works) as (_, second):
        answered = await pair.asked()
    assert (answered.status, second.requests) == (400, [])
    assert (await pair.total()).attempts == 1


async def test_after_the_first_word_nobody_else_is_asked(pair: Pair) -> None:
    said = once(STREAM + chunk(word("Hello")) + chunk(word(" you")))
    async with pair.speaking(said, works) as (_, second):
        events = (await pair.asked(stream=True)).events
    failed = events[-1]["response"]
    assert (failed["status"], failed["provider"], second.requests) == ("failed", "first", [])
    assert failed["output"][0]["content"][0]["text"] == "Hello you"
    (row,) = await pair.rows(failed["id"])
    assert row.charge is not None
    assert (row.outcome, row.charge.source) == ("failed", "estimate")
    assert failed["cost"] == row.charge.total / 1e9 > 0


async def test_when_nobody_answers_the_client_hears_of_the_last(pair: Pair) -> None:
    async with pair.speaking(broken("503 Busy"), broken("429 Slow", "Retry-After: 9")):
        answered = await pair.asked()
    assert (answered.status, answered.error["code"], answered.header("retry-after")) == (
        429,
        "rate_limit_exceeded",
        "9",
    )
    assert (await pair.total()).attempts == 2


async def test_without_allow_fallbacks_there_are_none(pair: Pair) -> None:
    async with pair.speaking(broken("503 Busy"), works) as (_, second):
        answered = await pair.asked(providers={"allow_fallbacks": False})
    assert (answered.status, second.requests) == (502, [])


async def test_a_target_that_keeps_failing_is_asked_last(pair: Pair) -> None:
    async with pair.speaking(broken("503 Busy"), works) as (first, _):
        for _ in range(5):
            assert (await pair.asked()).status == 200
        assert len(first.requests) == 3
    shown = await asyncio.to_thread(ask, pair.gateway, "GET", f"/v1/models/{FIRST}")
    assert shown.json()["status"] == "open"
    route = await pair.asked(path="/v1/router/explain")
    assert route.json()["targets"] == [SECOND, FIRST]


async def test_a_session_stays_with_whoever_answered_it(pair: Pair) -> None:
    """Among models that are equal to the client. The body's name of the session wins over the header's."""
    async with pair.speaking(broken("503 Busy"), works):
        assert (await pair.asked(session_id="mine")).json()["model"] == SECOND
    equal = {"providers": {"sort": {"partition": "none"}}}
    mine, other = ("X-Session-ID", "mine"), ("X-Session-ID", "other")
    async with pair.speaking(works, works):
        assert (await pair.asked(**equal)).json()["model"] == FIRST
        assert (await pair.asked(session_id="mine", **equal)).json()["model"] == SECOND
        assert (await pair.asked(mine, **equal)).json()["model"] == SECOND
        assert (await pair.asked(other, session_id="mine", **equal)).json()["model"] == SECOND
        assert (await pair.asked(mine, session_id="another", **equal)).json()["model"] == FIRST
    explained = await pair.asked(mine, path="/v1/router/explain", **equal)
    assert explained.json()["targets"] == [SECOND, FIRST]


async def test_a_kept_response_tells_its_route(pair: Pair) -> None:
    async with pair.speaking(always(b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"), works):
        response = (await pair.asked(include=["routing"])).json()
    assert response["routing"]["targets"] == [FIRST, SECOND], "as it was when the request came"
    assert [each["dropped"] for each in response["routing"]["considered"]] == [None, None]
    kept = ask(pair.gateway, "GET", f"/v1/responses/{response['id']}?include[]=routing").json()
    assert kept["routing"] == response["routing"]
