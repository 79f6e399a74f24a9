"""Calls to Gemini and Vertex AI over real sockets: what leaves, and what is understood."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

from antiphon.core import deltas as d
from antiphon.core.records import Target
from antiphon.protocol.errors import AntiphonError, ProtocolViolation, UpstreamUnauthorized
from antiphon.upstream.auth.google import ServiceAccount
from antiphon.upstream.base import Prefix, Provider
from antiphon.upstream.client import Client
from antiphon.upstream.endpoint import Endpoint
from antiphon.upstream.providers.gemini import GEMINI
from antiphon.upstream.providers.vertex import VERTEX
from antiphon.upstream.speaker import Upstreams
from tests.recordings import needs_recordings, recordings
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


async def ask(provider: Provider, times: int = 1, items: Any = None, **changes: Any) -> str:
    """What is heard, in one piece, of each of so many calls by one client."""
    client = Client()
    upstreams = Upstreams({provider.name: provider}, NobodySimulated(), client, "antiphon/test")
    heard = ""
    try:
        for _ in range(times):
            asked = turn(**changes)
            asked.model, asked.items = "gemini-2.5-flash", items or asked.items
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


BOOK = {
    "type": "input_text",
    "text": "A long book. " * 500,
    "cache_control": {"type": "ephemeral", "ttl": "600s"},
}
READING = {"type": "message", "role": "user", "content": [BOOK, {"type": "input_text", "text": "Who?"}]}
PROJECT = "projects/p/locations/global"
NAME = f"{PROJECT}/cachedContents/1"


async def keeping(visit: Visit) -> None:
    """A token, a name, or the stream: whatever is asked for."""
    kept = answer(json.dumps({"name": NAME}).encode())
    while True:
        line = (await visit.request()).line
        await visit.send(TOKEN if "/token " in line else kept if "/cachedContents" in line else STREAMED)


async def test_vertex_keeps_a_prefix_in_the_project_for_a_model_of_its_publisher() -> None:
    async with serving(keeping) as upstream:
        heard = await ask(replace(vertex(upstream), query={"a": "b"}), times=2, items=[READING])
        _, keep, first, second = upstream.requests
    assert heard == "HelloHello"
    assert keep.line == f"POST /v1/{PROJECT}/cachedContents?a=b HTTP/1.1"
    assert keep.header("authorization") == "Bearer ya29.canary"
    asked = json.loads(keep.body)
    assert asked["model"] == f"{PROJECT}/publishers/google/models/gemini-2.5-flash"
    assert (asked["ttl"], asked["contents"][0]["parts"]) == ("600s", [{"text": BOOK["text"]}])
    for request in (first, second):
        said = json.loads(request.body)
        assert said["cachedContent"] == NAME
        assert said["contents"] == [{"role": "user", "parts": [{"text": "Who?"}]}]
        assert "/publishers/google/models/gemini-2.5-flash:streamGenerateContent" in request.line


async def test_without_a_project_in_the_base_url_nothing_is_kept() -> None:
    """As with a key of the express mode, or behind a proxy with paths of its own."""
    for path in ("/v1/publishers/google", "/vertex", "/projects/p/locations/l/publishers/google/v1"):
        async with serving(keeping) as upstream:
            provider = replace(VERTEX, base_url=upstream.url + path, key=KEY, timeouts=QUICK)
            assert await ask(provider, items=[READING]) == "Hello"
            (request,) = upstream.requests
        assert BOOK["text"].encode() in request.body
        assert told(provider) == [("input[0].content[0].cache_control", "dropped")]


async def test_with_several_keys_nothing_is_kept_and_that_is_said() -> None:
    provider = replace(GEMINI, key=KEY, more_keys=(f"{KEY}2",))
    assert told(provider) == [("input[0].content[0].cache_control", "dropped")]
    assert told(replace(GEMINI, key=KEY)) == []


def told(provider: Provider) -> list[tuple[str, str]]:
    upstreams = Upstreams({provider.name: provider}, NobodySimulated(), cast("Client", None), "antiphon/test")
    asked = turn()
    asked.items = [READING]
    speech = upstreams.prepare(Target(provider.name, "gemini-2.5-flash"), asked)
    return [(each.param, each.action) for each in speech.adaptations]


@needs_recordings
def test_a_prefix_is_asked_for_as_recorded() -> None:
    found = (each.exchange["request"] for each in recordings("aux") if each.api == "vertex.cachedContents")
    (asked,) = (request for request in found if request["method"] == "POST")
    project = asked["body"]["model"].partition("/publishers/")[0].replace("<", "").replace(">", "")
    base_url = f"https://a.example/v1beta1/{project}/publishers/google"
    plain = {"model": "models/gemini-2.5-flash", **{k: v for k, v in asked["body"].items() if k != "model"}}
    prefix = Prefix("/cachedContents", plain, 300, {}, "cachedContent", "/publishers/google")
    kept = Endpoint(replace(VERTEX, base_url=base_url, key=KEY), "antiphon/test").keeping(prefix)
    assert kept is not None
    assert kept[0].path == f"/v1beta1/{project}/cachedContents"
    assert kept[1] == {**asked["body"], "model": asked["body"]["model"].replace("<", "").replace(">", "")}
