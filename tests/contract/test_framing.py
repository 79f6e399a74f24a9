"""Server-sent events, byte by byte: what proxies, and parsers that are not forgiving, rely on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.wire import Answer, Connection, create, frames
from tests.running import Running, running_gateway

LIFECYCLE = {"response.created", "response.in_progress"}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway with a short heartbeat and without the end marker."""
    stream = {"heartbeat": 0.4, "done_marker": False}
    with running_gateway(tmp_path_factory.mktemp("impatient"), stream=stream) as running:
        yield running


def streamed(gateway: Running, input: str, **fields: Any) -> Answer:
    answer = create(gateway, input, stream=True, **fields)
    assert (answer.status, answer.header("content-type")) == (200, "text/event-stream; charset=utf-8")
    return answer


@pytest.mark.parametrize("input", ["count to 300", "fail now", "think first then say ä\n\n😀 \r\n data: x"])
def test_every_chunk_holds_whole_events_with_their_names_and_the_marker_ends_it(
    gateway: Running, input: str
) -> None:
    answer = streamed(gateway, input)
    seen = [event for chunk in answer.chunks for event in frames(chunk)]
    assert seen[-1].name == "[DONE]"
    assert all(event.name == event.data["type"] for event in seen[:-1])
    assert [event.data["sequence_number"] for event in seen[:-1]] == list(range(len(seen) - 1))
    assert len(answer.chunks) > 2


def test_the_head_forbids_what_would_hold_events_back(gateway: Running) -> None:
    answer = streamed(gateway, "hello")
    assert answer.header("x-accel-buffering") == "no"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("content-encoding") is None
    assert (answer.header("x-request-id") or "").startswith("req_")


def test_the_end_marker_can_be_turned_off(impatient: Running) -> None:
    seen = list(frames(streamed(impatient, "hello").body))
    assert seen[-1].name == "response.completed"


def test_silence_is_filled_with_comments_that_no_event_loses_by(impatient: Running) -> None:
    answer = streamed(impatient, "wait 1.3 seconds then say hello")
    names = [event.name for event in frames(answer.body)]
    assert names.count(":") >= 2
    assert [event.data for event in frames(answer.body) if event.name == ":"] == ["ping"] * names.count(":")
    plain = [event["type"] for event in streamed(impatient, "hello").events]
    assert [name for name in names if name != ":"] == plain


def test_a_stream_that_speaks_has_no_comments(impatient: Running) -> None:
    names = [event.name for event in frames(streamed(impatient, "count to 20 slowly").body)]
    assert names.count(":") < 2  # there would be two in a second; a busy machine may be silent once


@pytest.mark.parametrize(
    ("options", "padded"),
    [
        (None, True),
        ({}, True),
        ({"include_obfuscation": True}, True),
        ({"include_obfuscation": False}, False),
    ],
)
def test_deltas_are_padded_unless_the_client_says_otherwise(
    gateway: Running, options: Any, padded: bool
) -> None:
    fields = {} if options is None else {"stream_options": options}
    deltas = [event for event in streamed(gateway, "one twoo three", **fields).events if "delta" in event]
    assert {"obfuscation" in event for event in deltas} == {padded}
    lengths = {len(event["delta"]) + len(event.get("obfuscation", "")) for event in deltas}
    assert (lengths == {16}) == padded


def test_padding_is_only_in_deltas_and_not_in_what_is_kept(gateway: Running) -> None:
    answer = streamed(gateway, "hello you")
    others = [event for event in answer.events if not event["type"].endswith(".delta")]
    assert "obfuscation" not in str(others)


def test_the_head_waits_for_the_first_output(gateway: Running) -> None:
    with Connection(gateway) as connection:
        body = {"model": "sim/echo", "input": "wait 0.5 seconds then say hello", "stream": True}
        began = time.monotonic()
        connection.ask("POST", "/v1/responses", body)
        assert connection.head().status == 200
        assert time.monotonic() - began >= 0.45
        first = [event.data["type"] for event in frames(connection.chunk())]
    assert first[:3] == ["response.created", "response.in_progress", "response.output_item.added"]


@pytest.mark.parametrize("input", ["fail before output", "wait 0.3 seconds then fail before output"])
def test_a_failure_before_the_first_output_is_a_status(gateway: Running, input: str) -> None:
    answer = create(gateway, input, stream=True)
    assert (answer.status, answer.header("content-type")) == (502, "application/json")
    assert answer.error["code"] == "upstream_error"


def test_after_the_first_comment_a_failure_can_only_be_told_in_the_stream(impatient: Running) -> None:
    answer = streamed(impatient, "wait 0.7 seconds then fail before output")
    types = [event["type"] for event in answer.events]
    assert types == ["response.created", "response.in_progress", "error", "response.failed"]


def test_a_stream_is_written_as_it_is_said(gateway: Running) -> None:
    arrived: list[float] = []
    with Connection(gateway) as connection:
        body = {"model": "sim/echo", "input": "count to 6 slowly", "stream": True}
        connection.ask("POST", "/v1/responses", body)
        connection.head()
        while connection.chunk():
            arrived.append(time.monotonic())
    assert arrived[-1] - arrived[0] > 0.15


def test_the_connection_serves_another_request_after_a_stream(gateway: Running) -> None:
    with Connection(gateway) as connection:
        for _ in range(3):
            connection.ask("POST", "/v1/responses", {"model": "sim/echo", "input": "hello", "stream": True})
            assert connection.answer().events[-1]["type"] == "response.completed"


def test_invalid_requests_can_be_refused_in_the_shape_of_fastapi(tmp_path: Path) -> None:
    with running_gateway(tmp_path, errors="fastapi") as gateway:
        answer = create(gateway, [{"role": "user", "content": [{"type": "input_image", "image_url": 7}]}])
        assert answer.status == 422
        [detail] = answer.json()["detail"]
        assert detail.keys() == {"loc", "msg", "type"}
        assert detail["loc"] == ["body", "input", 0, "content", 0, "image_url"]
        assert create(gateway, "x", background=True, store=False).status == 422
        assert create(gateway, "fail before output").error["code"] == "upstream_error"
