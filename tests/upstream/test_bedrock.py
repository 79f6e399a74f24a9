"""Calls to Bedrock over real sockets: what leaves is what was signed, what comes is understood."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from antiphon.core.deltas import Text
from antiphon.core.records import Target
from antiphon.protocol.errors import (
    AntiphonError,
    ProtocolViolation,
    UpstreamFailed,
    UpstreamUnauthorized,
)
from antiphon.upstream.auth.sigv4 import SigV4
from antiphon.upstream.base import Provider
from antiphon.upstream.client import Client
from antiphon.upstream.providers.bedrock import BEDROCK, BEDROCK_ANTHROPIC
from antiphon.upstream.speaker import Upstreams
from tests.upstream.dialects.anthropic.test_platforms import SAID, chunk
from tests.upstream.dialects.converse.speaking import METADATA, START, end, more, stopped, wire_of
from tests.upstream.faults import (
    LAST_CHUNK,
    QUICK,
    Heard,
    NobodySimulated,
    Request,
    Script,
    always,
    answer,
    once,
    serving,
    turn,
)
from tests.upstream.faults import chunk as http_chunk
from tests.upstream.wire import aws_messages

SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AQoDYXdzEPT//////////wEXAMPLE"
CREDENTIALS = SigV4("AKIDEXAMPLE", SECRET, "eu-central-1", TOKEN)
ARN = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-haiku-4-5-v1:0"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
HEAD += b"Transfer-Encoding: chunked\r\n\r\n"
WIRE = wire_of(START, more(0, text="Hello"), end(0), stopped(), METADATA)
CHUNKS = b"".join(map(chunk, SAID))


def streamed(*pieces: bytes) -> bytes:
    return HEAD + b"".join(map(http_chunk, pieces)) + LAST_CHUNK


async def call(
    script: Script, provider: Provider = BEDROCK, model: str = ARN, **changes: Any
) -> tuple[Heard, list[Request]]:
    """One signed call."""
    client, heard = Client(), Heard()
    async with serving(script) as upstream:
        here = replace(provider, base_url=upstream.url, auth=CREDENTIALS, timeouts=QUICK)
        upstreams = Upstreams({here.name: here}, NobodySimulated(), client, "antiphon/test")
        asked = turn(**changes)
        asked.model = model
        try:
            async for batch in upstreams.prepare(Target(here.name, model), asked).deltas():
                heard.deltas.extend(batch)
        except AntiphonError as error:
            heard.error = error
        await client.aclose()
    return heard, upstream.requests


def signed_by_botocore(request: Request, monkeypatch: pytest.MonkeyPatch) -> str:
    """The header `Authorization` that botocore gives what came in."""
    when = datetime.strptime(request.header("x-amz-date") or "", "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: when)
    url = f"http://{request.header('host')}{request.line.split(' ')[1]}"
    names = re.search("SignedHeaders=([^,]+),", request.header("authorization") or "")
    headers = {name: request.header(name) or "" for name in (names[1] if names else "").split(";")}
    made = AWSRequest("POST", url, headers=headers, data=request.body)
    known = Credentials("AKIDEXAMPLE", SECRET, TOKEN).get_frozen_credentials()
    botocore.auth.SigV4Auth(known, "bedrock", "eu-central-1").add_auth(made)
    return str(made.headers["Authorization"])


async def test_what_leaves_is_what_was_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, (request,) = await call(once(streamed(WIRE)), metadata={"a": "é漢"}, instructions="Sei brav, é.")
    assert heard.text == "Hello"
    assert request.line.startswith("POST /model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3A")
    assert request.header("accept") == "application/vnd.amazon.eventstream, application/json"
    assert request.header("x-amz-security-token") == TOKEN
    assert request.header("authorization") == signed_by_botocore(request, monkeypatch)


async def test_each_request_is_signed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    async with serving(always(streamed(WIRE))) as upstream:
        here = replace(BEDROCK, base_url=upstream.url, auth=CREDENTIALS, timeouts=QUICK)
        upstreams = Upstreams({"bedrock": here}, NobodySimulated(), client, "antiphon/test")
        for words in ("one", "two"):
            speech = upstreams.prepare(Target("bedrock", ARN), turn(instructions=words))
            assert [batch async for batch in speech.deltas()]
        signatures = {request.header("authorization") for request in upstream.requests}
        assert signatures == {signed_by_botocore(request, monkeypatch) for request in upstream.requests}
        assert len(signatures) == 2
    await client.aclose()


async def test_a_stream_may_be_cut_anywhere_on_its_way() -> None:
    heard, _ = await call(once(streamed(*(WIRE[start : start + 3] for start in range(0, len(WIRE), 3)))))
    assert (heard.text, heard.error) == ("Hello", None)


async def test_claude_speaks_its_own_language_in_chunks() -> None:
    heard, (request,) = await call(once(streamed(CHUNKS)), BEDROCK_ANTHROPIC)
    assert (heard.text, heard.error) == ("Hi", None)
    assert request.line.split(" ")[1].endswith("/invoke-with-response-stream")
    assert json.loads(request.body)["anthropic_version"] == "bedrock-2023-05-31"


async def test_an_answer_that_is_not_streamed_is_json() -> None:
    body = {"output": {"message": {"content": [{"text": "Hello"}]}}, "stopReason": "end_turn", "usage": {}}
    heard, (request,) = await call(once(answer(json.dumps(body).encode())), stream=False)
    assert heard.text == "Hello"
    assert request.line.split(" ")[1].endswith("/converse")


async def test_an_exception_after_words_is_a_failure_after_words() -> None:
    failure = aws_messages.exception("internalServerException", b'{"message":"oops"}')
    heard, _ = await call(once(streamed(WIRE[: len(wire_of(START, more(0, text="Hello")))], failure)))
    assert heard.deltas == [Text("0", "Hello")]
    assert isinstance(heard.error, UpstreamFailed)


async def test_a_damaged_stream_is_a_violation() -> None:
    damaged = WIRE.replace(b"Hello", b"Hallo")
    assert isinstance((await call(once(streamed(damaged))))[0].error, ProtocolViolation)


async def test_no_secret_comes_back_in_an_error() -> None:
    told = json.dumps({"message": f"signed with {SECRET} and {TOKEN}"}).encode()
    for status in ("400 Bad Request", "403 Forbidden", "500 Internal Server Error"):
        heard, _ = await call(once(answer(told, status)))
        assert heard.error is not None
        assert SECRET[:8] not in heard.error.message
        assert TOKEN[:8] not in heard.error.message
    assert isinstance((await call(once(answer(told, "403 Forbidden"))))[0].error, UpstreamUnauthorized)
