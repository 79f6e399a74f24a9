"""Ollama's lines over a real socket: what is asked for, what is heard, what happens when they break off."""

from __future__ import annotations

import json

import pytest

from antiphon.protocol.errors import UpstreamDisconnected, UpstreamFailed, UpstreamRejected
from antiphon.upstream.base import Provider
from antiphon.upstream.client import Client
from antiphon.upstream.providers import PROVIDERS
from tests.upstream.dialects.ollama.hearing import last, line
from tests.upstream.faults import LAST_CHUNK, QUICK, Heard, Script, answer, chunk, listen, once, serving

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
WORDS = b"".join(json.dumps(each).encode() + b"\n" for each in (line("Hel"), line("lo"), last(eval_count=2)))


async def asked(script: Script, *, stream: bool = True) -> tuple[Heard, str | None]:
    """What was heard, and the content type that was asked for."""
    client = Client()
    async with serving(script) as upstream:
        native = PROVIDERS["ollama_native"]
        faulty = Provider("faulty", native.dialect, upstream.url, timeouts=QUICK)
        heard = await listen(client, faulty, stream=stream)
        await client.aclose()
        (request,) = upstream.requests
        assert request.line == "POST /api/chat HTTP/1.1"
        assert json.loads(request.body)["stream"] is stream
        return heard, request.header("accept")


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_lines_are_heard_however_they_are_cut(size: int) -> None:
    pieces = [chunk(WORDS[start : start + size]) for start in range(0, len(WORDS), size)]
    heard, accepts = await asked(once(HEAD, *pieces, LAST_CHUNK))
    assert (heard.text, heard.error) == ("Hello", None)
    assert accepts is not None and accepts.startswith("application/x-ndjson")


async def test_a_whole_answer_is_json() -> None:
    body = json.dumps({**last(), "message": {"role": "assistant", "content": "Hello"}}).encode()
    heard, _ = await asked(once(answer(body, kind="application/json; charset=utf-8")), stream=False)
    assert (heard.text, heard.error) == ("Hello", None)


async def test_lines_that_break_off_are_a_failure_after_what_was_said() -> None:
    heard, _ = await asked(once(HEAD, chunk(WORDS[:-20]), LAST_CHUNK))
    assert heard.text == "Hello"
    assert isinstance(heard.error, UpstreamDisconnected)


async def test_an_error_in_the_middle_comes_after_what_was_said() -> None:
    heard, _ = await asked(once(HEAD, chunk(json.dumps(line("Hel")).encode() + b'\n{"error": "no luck"}\n')))
    assert heard.text == "Hel"
    assert isinstance(heard.error, UpstreamFailed)


async def test_a_model_that_is_not_there_is_said_with_its_status() -> None:
    body = b'{"error": "model \\"m\\" not found, try pulling it first"}'
    heard, _ = await asked(once(answer(body, status="404 Not Found")))
    assert isinstance(heard.error, UpstreamRejected)
    assert heard.error.code == "model_not_found"
