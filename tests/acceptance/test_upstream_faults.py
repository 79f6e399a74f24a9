"""What a client is told when a provider does not do its part, through the whole gateway.

Before the first output: a status, whether a stream was asked for or not. After it: `response.failed`, with
what was said until then, which is stored. And never a word of the provider's key, or of where it is.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.acceptance.provider import MODEL, NOWHERE, PROVIDER_KEY, Place, asked
from tests.contract.wire import Answer, Connection, ask
from tests.upstream.faults import (
    ENDING,
    HELLO,
    LAST_CHUNK,
    STREAM,
    Script,
    Visit,
    always,
    answer,
    chunk,
    once,
    silent,
    word,
)

WHOLE = answer(
    b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":1}}'
)
SECRETS = b'{"error":{"message":"bad key %s"}}' % PROVIDER_KEY.encode()

# What the provider does before it says anything: status and code for the client.
BEFORE: dict[str, tuple[Script, int, str]] = {
    "does not know our key": (once(answer(SECRETS, "401 Unauthorized")), 502, "upstream_auth"),
    "forbids it": (once(answer(SECRETS, "403 Forbidden")), 502, "upstream_auth"),
    "asks to wait": (
        once(answer(b"{}", "429 Too Many", "application/json", "Retry-After: 7")),
        429,
        "rate_limit_exceeded",
    ),
    "asks to wait for a day": (
        once(answer(b"{}", "429 Too Many", "application/json", "Retry-After: 86400")),
        429,
        "rate_limit_exceeded",
    ),
    "fails": (once(answer(SECRETS, "500 Internal Server Error")), 502, "upstream_error"),
    "is overloaded": (once(answer(b"busy", "503 Service Unavailable", "text/plain")), 502, "upstream_error"),
    "has a proxy that fails": (
        once(answer(b"<html>", "502 Bad Gateway", "text/html")),
        502,
        "upstream_error",
    ),
    "calls the request invalid": (
        once(answer(b'{"error":{"message":"no such model","code":"x"}}', "400 Bad Request")),
        400,
        "x",
    ),
    "answers with a web page": (once(answer(b"<html>", kind="text/html")), 502, "upstream_invalid_response"),
    "answers with no JSON": (once(answer(b"garbage")), 502, "upstream_invalid_response"),
    "answers with a list": (once(answer(b"[]")), 502, "upstream_invalid_response"),
    "speaks no HTTP": (once(b"SSH-2.0-OpenSSH_9.0\r\n"), 502, "upstream_invalid_response"),
    "sends us elsewhere": (
        once(answer(b"", "302 Found", "text/plain", "Location: http://127.0.0.1:1/")),
        502,
        "upstream_invalid_response",
    ),
    "hangs up": (once(), 502, "upstream_disconnected"),
    "resets the connection": (once(then=Visit.reset), 502, "upstream_disconnected"),
    "says nothing": (silent(), 504, "upstream_timeout"),
    "says nothing after its head": (silent(STREAM), 504, "upstream_timeout"),
    "streams nothing and ends": (once(STREAM + LAST_CHUNK), 502, "upstream_disconnected"),
}


def check_hidden(place: Place, answered: Answer) -> None:
    assert PROVIDER_KEY[:8].encode() not in answered.body
    assert str(place.listening.getsockname()[1]).encode() not in answered.body
    assert PROVIDER_KEY[:8] not in str(answered.headers)


TRIED_AGAIN = ("fails", "is overloaded", "has a proxy that fails")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", BEFORE)
async def test_a_failure_before_the_first_output_is_a_status(place: Place, name: str, stream: bool) -> None:
    script, status, code = BEFORE[name]
    async with place.speaking(script) as upstream:
        answered = await asked(place, stream=stream)
    assert (answered.status, answered.error["code"]) == (status, code), answered.body
    assert len(upstream.requests) == (2 if name in TRIED_AGAIN else 1)
    check_hidden(place, answered)
    wait = {"asks to wait": "7", "asks to wait for a day": "120"}.get(name)
    assert answered.header("retry-after") == wait


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_provider_that_cannot_be_reached_is_a_status(place: Place, stream: bool) -> None:
    body = {"model": NOWHERE, "input": "x", "stream": stream}
    answered = ask(place.gateway, "POST", "/v1/responses", body)
    assert (answered.status, answered.error["code"]) == (502, "upstream_unreachable")
    check_hidden(place, answered)


SAID = STREAM + chunk(word("Hello")) + chunk(word(" you"))

# What the provider does after it has said something: the code of the error event.
AFTER: dict[str, tuple[Script, str]] = {
    "hangs up": (once(SAID), "upstream_disconnected"),
    "resets the connection": (once(SAID, then=Visit.reset), "upstream_disconnected"),
    "ends without its marker": (once(SAID + LAST_CHUNK), "upstream_disconnected"),
    "says nothing more": (silent(SAID), "upstream_timeout"),
    "sends garbage": (once(SAID + chunk(b"data: garbage\n\n")), "upstream_invalid_response"),
    "says that it failed": (
        once(SAID + chunk(b'data: {"error":{"message":"overloaded","code":500}}\n\n') + LAST_CHUNK),
        "upstream_error",
    ),
}


@pytest.mark.parametrize("name", AFTER)
async def test_a_failure_after_the_first_output_is_told_in_the_stream_and_kept(
    place: Place, name: str
) -> None:
    script, code = AFTER[name]
    async with place.speaking(script):
        answered = await asked(place, stream=True)
    events = answered.events
    assert answered.status == 200
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert events[-2]["code"] == code
    failed = events[-1]["response"]
    assert text_of(failed) == "Hello you"
    assert (failed["status"], failed["output"][0]["status"]) == ("failed", "incomplete")
    assert failed["error"]["code"] == "server_error"
    assert ask(place.gateway, "GET", f"/v1/responses/{failed['id']}").json() == failed
    check_hidden(place, answered)


def text_of(response: dict[str, Any]) -> str:
    return "".join(part["text"] for part in response["output"][0]["content"])


async def test_what_the_provider_is_sent_is_what_was_asked_and_comes_with_our_key(place: Place) -> None:
    async with place.speaking(always(WHOLE)) as upstream:
        answered = await asked(place, "Hi", instructions="Be short.")
    assert text_of(answered.json()) == "Hello"
    [request] = upstream.requests
    assert request.line.startswith("POST /v1/chat/completions?token=")
    assert request.header("authorization") == f"Bearer {PROVIDER_KEY}"
    assert place.gateway.key not in str(request)


async def test_a_provider_that_recovers_is_used_again_at_once(place: Place) -> None:
    async with place.speaking(once()):
        assert (await asked(place)).status == 502
    async with place.speaking(always(HELLO)):
        assert text_of((await asked(place)).json()) == "Hello"


async def test_one_provider_that_hangs_holds_nobody_else_up(place: Place) -> None:
    async with place.speaking(silent(SAID)):
        hanging = asyncio.create_task(asked(place, stream=True))
        await asyncio.sleep(0.1)
        quick = await asyncio.to_thread(
            ask, place.gateway, "POST", "/v1/responses", {"model": "sim/echo", "input": "hello"}
        )
        assert not hanging.done()
        assert quick.status == 200
        assert (await hanging).events[-1]["type"] == "response.failed"


async def test_words_arrive_while_the_provider_still_speaks(place: Place) -> None:
    gate = asyncio.Event()

    async def speak(visit: Visit) -> None:
        await visit.request()
        await visit.send(SAID)
        await gate.wait()
        await visit.send(chunk(ENDING) + LAST_CHUNK)

    async with place.speaking(speak):
        connection = await asyncio.to_thread(Connection, place.gateway)
        connection.ask("POST", "/v1/responses", {"model": MODEL, "input": "x", "stream": True})
        await asyncio.to_thread(connection.head)
        assert b"Hello" in await asyncio.to_thread(connection.chunk)
        gate.set()
        last = b""
        while piece := await asyncio.to_thread(connection.chunk):
            last = piece
        connection.close()
    assert last.endswith(b"data: [DONE]\n\n")
