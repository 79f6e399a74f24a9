"""Calls to Gemini and Vertex AI over real sockets: what leaves, and what is understood."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from antiphon.core import deltas as d
from antiphon.core.records import Target
from antiphon.protocol.errors import AntiphonError, ProtocolViolation, UpstreamUnauthorized
from antiphon.upstream.auth.google import ServiceAccount
from antiphon.upstream.base import Provider
from antiphon.upstream.client import Client
from antiphon.upstream.providers.gemini import GEMINI
from antiphon.upstream.providers.vertex import VERTEX
from antiphon.upstream.speaker import Upstreams
from tests.upstream.auth.test_google import pem
from tests.upstream.dialects.gemini.speaking import chunk, text, wire
from tests.upstream.faults import (
    LAST_CHUNK,
    QUICK,
    STREAM,
    FaultUpstream,
    NobodySimulated,
    Script,
    Visit,
    always,
    answer,
    once,
    serving,
    turn,
)
from tests.upstream.faults import chunk as http_chunk

KEY = "AIza-canary-0123456789abcdef"
HELLO = wire(chunk(text("Hel")), chunk(text("lo"), finish="STOP"))
STREAMED = STREAM + http_chunk(HELLO) + LAST_CHUNK
TOKEN = answer(json.dumps({"access_token": "ya29.canary", "expires_in": 3_599}).encode())


async def ask(provider: Provider, times: int = 1, **changes: Any) -> str:
    """What is heard, in one piece, of each of so many calls by one client."""
    client = Client()
    upstreams = Upstreams({provider.name: provider}, NobodySimulated(), client, "antiphon/test")
    heard = ""
    try:
        for _ in range(times):
            asked = turn(**changes)
            asked.model = "gemini-2.5-flash"
            async for batch in upstreams.prepare(Target(provider.name, asked.model), asked).deltas():
                heard += "".join(delta.text for delta in batch if isinstance(delta, d.Text))
    finally:
        await client.aclose()
    return heard


def gemini(upstream: FaultUpstream) -> Provider:
    return replace(GEMINI, base_url=f"{upstream.url}/v1beta", key=KEY, timeouts=QUICK)


def vertex(upstream: FaultUpstream, **account: Any) -> Provider:
    credentials = ServiceAccount("me@p.example", pem(), token_uri=f"{upstream.url}/token")
    base_url = f"{upstream.url}/v1/projects/p/locations/global/publishers/google"
    return replace(VERTEX, base_url=base_url, auth=replace(credentials, **account), timeouts=QUICK)


async def test_a_stream_is_asked_for_with_the_key_in_its_header() -> None:
    async with serving(once(STREAMED)) as upstream:
        assert await ask(gemini(upstream)) == "Hello"
        (request,) = upstream.requests
    assert request.line == "POST /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse HTTP/1.1"
    assert request.header("x-goog-api-key") == KEY
    assert request.header("authorization") is None


async def test_a_whole_answer_is_one_object() -> None:
    body = json.dumps(chunk(text("Hello"), finish="STOP")).encode()
    async with serving(once(answer(body))) as upstream:
        assert await ask(gemini(upstream), stream=False) == "Hello"
        assert upstream.requests[0].line.endswith(":generateContent HTTP/1.1")


async def failure(script: Script, make: Any = gemini) -> AntiphonError:
    async with serving(script) as upstream:
        try:
            await ask(make(upstream))
        except AntiphonError as error:
            assert KEY not in error.message
            return error
    raise AssertionError("it went well")


async def test_a_list_instead_of_a_stream_is_not_what_was_asked_for() -> None:
    """Only a proxy that loses `alt=sse` would send it; what stands behind it is not known to be whole."""
    body = json.dumps([chunk(text("Hello"), finish="STOP")]).encode()
    assert isinstance(await failure(once(answer(body))), ProtocolViolation)


async def test_a_refused_key_is_plain_json_under_the_type_of_a_stream() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    refusal = {"error": {"code": 400, "message": f"API key {KEY} not valid.", "details": details}}
    body = answer(json.dumps(refusal).encode(), "400 Bad Request", "text/event-stream")
    assert isinstance(await failure(once(body)), UpstreamUnauthorized)


async def either(visit: Visit) -> None:
    """A token for whoever asks for one, else the stream."""
    while True:
        request = await visit.request()
        await visit.send(TOKEN if request.line.startswith("POST /token ") else STREAMED)


async def test_a_service_account_fetches_a_token_once_and_calls_with_it() -> None:
    async with serving(either) as upstream:
        assert await ask(vertex(upstream), times=2) == "HelloHello"
        asked, *calls = upstream.requests
    assert asked.header("content-type") == "application/x-www-form-urlencoded"
    assert asked.body.startswith(
        b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
    )
    assert [request.header("authorization") for request in calls] == ["Bearer ya29.canary"] * 2
    where = "/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:streamGenerateContent"
    assert {request.line for request in calls} == {f"POST {where}?alt=sse HTTP/1.1"}
    assert {request.header("x-goog-api-key") for request in calls} == {None}


async def test_an_account_that_gets_no_token_is_our_own_trouble() -> None:
    refusal = answer(b'{"error": "invalid_grant"}', "400 Bad Request")
    assert isinstance(await failure(always(refusal), vertex), UpstreamUnauthorized)
    broken = answer(b"", "503 Service Unavailable")
    assert isinstance(await failure(always(broken), vertex), UpstreamUnauthorized)
