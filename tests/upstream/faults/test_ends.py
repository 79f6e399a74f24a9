"""The end of a stream on a connection that stays open: it is not waited for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from antiphon.core.deltas import Stop, Usage
from antiphon.protocol.errors import UpstreamFailed, UpstreamRejected, UpstreamTimeout
from antiphon.upstream.base import Dialect, Timeouts
from antiphon.upstream.client import Client
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.incoming import DRAIN, GRACE
from tests.upstream.faults import (
    ENDING,
    LAST_CHUNK,
    STREAM,
    Visit,
    call,
    chunk,
    listen,
    provider,
    serving,
    silent,
    word,
)

PATIENT = Timeouts(connect=1, first_event=9, idle=9, total=20)
LATE = 0.5


def event(kind: str, fields: str) -> bytes:
    return b'event: %s\ndata: {"type":"%s",%s}\n\n' % (kind.encode(), kind.encode(), fields.encode())


MESSAGE = b"".join(
    (
        event("message_start", '"message":{"usage":{"input_tokens":1}}'),
        event("message_delta", '"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}'),
        event("message_stop", '"x":0'),
    )
)
COMPLETED = event("response.completed", '"response":{"status":"completed","output":[]}')
INCOMPLETE = event("response.incomplete", '"response":{"status":"incomplete","output":[]}')
FAILED = event("response.failed", '"response":{"error":{"code":"server_error","message":"Oops."}}')
ERROR = event("error", '"error":{"code":"invalid_prompt","message":"No."}')
FINISHED = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
COUNTED = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n'


async def heard_of(dialect: Dialect, *pieces: bytes, timeouts: Timeouts = PATIENT) -> Any:
    return await call(silent(STREAM, *map(chunk, pieces)), {"dialect": dialect, "timeouts": timeouts})


@pytest.mark.parametrize(
    ("dialect", "stream"),
    [(Anthropic(), MESSAGE), (Responses(), COMPLETED), (Responses(), INCOMPLETE), (Chat(), ENDING)],
    ids=["anthropic", "responses", "incomplete", "chat"],
)
async def test_after_the_end_marker_nothing_is_waited_for(dialect: Dialect, stream: bytes) -> None:
    heard = await heard_of(dialect, stream)
    assert heard.error is None
    assert isinstance(heard.deltas[-1], Stop)
    assert heard.seconds < DRAIN + LATE


async def test_a_failed_response_is_an_error_at_once() -> None:
    heard = await heard_of(Responses(), FAILED)
    assert isinstance(heard.error, UpstreamFailed)
    assert heard.seconds < LATE


async def test_an_error_that_no_failed_response_follows_is_raised_after_a_moment() -> None:
    heard = await heard_of(Responses(), ERROR)
    assert isinstance(heard.error, UpstreamRejected)
    assert GRACE <= heard.seconds < GRACE + LATE


async def test_a_chat_that_has_finished_and_counted_ends_without_a_marker_after_a_moment() -> None:
    heard = await heard_of(Chat(), word("Hello"), FINISHED, COUNTED)
    assert (heard.text, heard.error) == ("Hello", None)
    assert heard.deltas[-2:] == [Usage(3, 4), Stop("stop")]
    assert GRACE <= heard.seconds < GRACE + LATE


async def test_a_chat_that_has_only_finished_gets_all_the_time_to_count() -> None:
    heard = await heard_of(Chat(), word("Hello"), FINISHED, timeouts=Timeouts(idle=GRACE + 1))
    assert (heard.text, heard.error) == ("Hello", None)
    assert heard.seconds >= GRACE + 1


async def test_what_comes_within_the_moment_is_heard() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(STREAM, chunk(FINISHED + COUNTED))
        await visit.send(*[chunk(COUNTED.replace(b"4", b"%d" % n)) for n in (5, 6, 7)], every=GRACE / 2)
        await visit.gone()

    heard = await call(script, {"timeouts": PATIENT})
    assert heard.error is None
    assert heard.deltas[-2:] == [Usage(3, 7), Stop("stop")]


async def test_the_moment_is_never_longer_than_idle_and_a_slow_reader_does_not_shorten_it() -> None:
    stream = silent(STREAM, chunk(word("Hello") + FINISHED + COUNTED))
    heard = await call(stream, {"timeouts": Timeouts(idle=0.2)})
    assert heard.error is None
    assert heard.seconds < 0.2 + LATE
    heard = await call(stream, {"timeouts": PATIENT}, pause=GRACE + 0.5)
    assert (heard.text, heard.error) == ("Hello", None)


async def test_a_message_without_its_end_marker_is_waited_for_and_then_fails() -> None:
    heard = await heard_of(
        Anthropic(), MESSAGE.partition(b"event: message_stop")[0], timeouts=Timeouts(idle=GRACE + 0.3)
    )
    assert isinstance(heard.error, UpstreamTimeout)
    assert heard.seconds > GRACE


@pytest.mark.parametrize(("late", "connections"), [(DRAIN / 5, 1), (DRAIN * 3, 3)])
async def test_a_connection_whose_answer_ends_soon_after_its_marker_is_used_again(
    late: float, connections: int
) -> None:
    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(STREAM + chunk(MESSAGE))
            await asyncio.sleep(late)
            await visit.send(LAST_CHUNK)

    client = Client()
    async with serving(script) as upstream:
        for _ in range(3):
            heard = await listen(client, provider(upstream.url, dialect=Anthropic(), timeouts=PATIENT))
            assert heard.error is None
        assert len(upstream.visits) == connections
    await client.aclose()
