"""Claude on Bedrock and on Vertex AI: the envelope of requests, and of events."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.protocol.errors import (
    ProtocolViolation,
    RateLimited,
    UpstreamDisconnected,
    UpstreamRejected,
    UpstreamUnauthorized,
)
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.anthropic.decode import STOP_REASONS
from antiphon.upstream.stream import DeltaStream
from tests.play import answer_deltas, play, stream_deltas
from tests.recordings import Recording, needs_recordings, recordings
from tests.upstream.dialects.anthropic.oracle import message_of, said
from tests.upstream.dialects.anthropic.speaking import user
from tests.upstream.dialects.anthropic.test_recordings import heard
from tests.upstream.wire import aws_messages

BEDROCK = Anthropic(platform="bedrock", web_search=None)
VERTEX = Anthropic(platform="vertex")
CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
SAID = [
    {"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3}},
]


def chunk(event: Any) -> bytes:
    inner = b64encode(json.dumps(event).encode()).decode()
    return aws_messages.event("chunk", json.dumps({"bytes": inner, "p": "abc"}).encode())


def turn(model: str = CLAUDE, **fields: Any) -> Turn:
    return Turn(model=model, items=[user("Hi")], **fields)


# Requests


@pytest.mark.parametrize(("stream", "operation"), [(True, "invoke-with-response-stream"), (False, "invoke")])
def test_b5_bedrock_has_the_model_in_the_path_and_the_version_in_the_body(
    stream: bool, operation: str
) -> None:
    request = BEDROCK.encode(turn(stream=stream))
    assert request.path == f"/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/{operation}"
    assert request.headers == {}
    assert request.body == {
        "max_tokens": 64_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "anthropic_version": "bedrock-2023-05-31",
    }


@pytest.mark.parametrize(("stream", "operation"), [(True, "streamRawPredict"), (False, "rawPredict")])
def test_a11_vertex_has_the_model_in_the_path_and_the_version_in_the_body(
    stream: bool, operation: str
) -> None:
    request = VERTEX.encode(turn("claude-haiku-4-5@20251001", stream=stream))
    assert request.path == f"/publishers/anthropic/models/claude-haiku-4-5@20251001:{operation}"
    assert request.headers == {}
    assert request.body["anthropic_version"] == "vertex-2023-10-16"
    assert request.body.get("stream") is (True if stream else None)
    assert "model" not in request.body


def test_betas_go_into_the_body_for_bedrock_and_into_a_header_for_vertex() -> None:
    compaction = {"type": "compaction", "encrypted_content": 'anthropic:blocks:[{"type":"compaction"}]'}
    items = [compaction, user("Hi")]
    on_bedrock = BEDROCK.encode(Turn(model=CLAUDE, items=items))
    assert on_bedrock.body["anthropic_beta"] == ["compact-2026-01-12"]
    on_vertex = VERTEX.encode(Turn(model="claude-haiku-4-5", items=items))
    assert on_vertex.headers == {"anthropic-beta": "compact-2026-01-12"}
    assert "anthropic_beta" not in on_vertex.body


@pytest.mark.parametrize("dialect", [BEDROCK, VERTEX])
def test_automatic_caching_is_a_marker_on_the_last_block(dialect: Anthropic) -> None:
    request = dialect.encode(turn(prompt_cache_options={"mode": "implicit"}))
    assert "cache_control" not in request.body
    last = request.body["messages"][-1]["content"][-1]
    assert last == {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}


def test_the_one_service_tier_that_both_know_is_a_header_of_bedrocks() -> None:
    request = BEDROCK.encode(turn(service_tier="default"))
    assert request.headers == {"X-Amzn-Bedrock-Service-Tier": "default"}
    assert "service_tier" not in request.body


def test_tokens_are_counted_by_the_id_of_the_model_itself_on_bedrock() -> None:
    request = BEDROCK.count(turn())
    assert request is not None
    assert request.path == "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/count-tokens"
    counted = json.loads(b64decode(request.body["input"]["invokeModel"]["body"]))
    assert counted["anthropic_version"] == "bedrock-2023-05-31"
    assert counted["messages"][0]["content"][0]["text"] == "Hi"
    assert BEDROCK.counted({"inputTokens": 7}) == 7


def test_tokens_are_counted_with_the_model_in_the_body_on_vertex() -> None:
    request = VERTEX.count(turn("claude-haiku-4-5"))
    assert request is not None
    assert request.path == "/publishers/anthropic/models/count-tokens:rawPredict"
    assert request.body["model"] == "claude-haiku-4-5"
    assert VERTEX.counted({"input_tokens": 7}) == 7


# Events


def test_b5_the_events_stand_in_chunks_in_base64() -> None:
    deltas = list(stream_deltas(BEDROCK, [b"".join(map(chunk, SAID))]))
    plain = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in SAID)
    assert deltas == list(stream_deltas(Anthropic(), [plain]))
    assert play(deltas)[1].response["output"][0]["content"][0]["text"] == "Hi"


def test_events_that_are_no_chunks_are_skipped() -> None:
    wire = b"".join([aws_messages.event("aNewEvent", b"{}"), *map(chunk, SAID)])
    assert list(stream_deltas(BEDROCK, [wire])) == list(stream_deltas(BEDROCK, list(map(chunk, SAID))))


def test_an_exception_ends_the_stream_after_what_was_said() -> None:
    stream = DeltaStream(BEDROCK.decoder(), framing="aws-event-stream")
    failure = aws_messages.exception("throttlingException", b'{"message":"slow down"}')
    deltas = stream.feed(b"".join(map(chunk, SAID[:3])) + failure)
    assert deltas[-1] == d.Text("0", "Hi")
    assert isinstance(stream.error, RateLimited)


@pytest.mark.parametrize("payload", [b"{}", b'{"bytes":1}', b'{"bytes":"!"}', b"[]", b"{"])
def test_a_chunk_that_holds_no_event_is_a_violation(payload: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        list(stream_deltas(BEDROCK, [aws_messages.event("chunk", payload)]))


def test_a_stream_without_its_end_is_broken_off() -> None:
    with pytest.raises(UpstreamDisconnected):
        list(stream_deltas(BEDROCK, [b"".join(map(chunk, SAID[:-1]))]))


# Recordings

OTHERS = {
    "cohere": "Cohere's own body",
    "meta": "Meta's own body",
    "ai21": "AI21's own body",
    "mistral": "Mistral's own body",
    "anthropic.claude-v2": "the body of Text Completions, from before Messages",
}
"""Makers whose models `invoke` speaks to in other languages: Converse speaks to them all."""


def others_language(recording: Recording) -> bool:
    return any(maker in recording.exchange["model"] for maker in OTHERS)


INVOKED = recordings("invoke")
ANSWERS = [row for row in INVOKED if row.status == 200 and not others_language(row)]
ELSEWHERE = [*ANSWERS, *(row for row in recordings("messages") if row.provider == "vertex")]
REFUSALS = [row for row in INVOKED if row.status >= 400]


def deltas_of(recording: Recording) -> Iterable[d.Delta]:
    if recording.streamed:
        return list(stream_deltas(BEDROCK, [recording.wire]))
    return list(answer_deltas(BEDROCK, recording.wire))


def unwrapped(recording: Recording) -> tuple[str, bytes]:
    """The answer as Anthropic would have sent it, cut by botocore."""
    if not recording.streamed:
        return "json", recording.wire
    buffer = EventStreamBuffer()
    buffer.add_data(recording.wire)
    inner = (b64decode(json.loads(event.payload)["bytes"]) for event in buffer)
    return "sse", b"".join(b"data: %s\n\n" % event for event in inner)


@needs_recordings
def test_no_recording_of_claudes_is_left_out() -> None:
    claudes = [row for row in INVOKED if "claude" in row.exchange["model"]]
    assert len(ANSWERS) == len(claudes) - 1  # claude-v2


@needs_recordings
@pytest.mark.parametrize("recording", ANSWERS, ids=str)
def test_everything_that_was_said_is_heard(recording: Recording) -> None:
    expected = said(message_of(*unwrapped(recording)))
    assert heard(deltas_of(recording)) == expected._replace(stop=STOP_REASONS[expected.stop])
    events, _ = play(deltas_of(recording))
    assert events[-1]["type"] in ("response.completed", "response.incomplete")


@needs_recordings
@pytest.mark.parametrize("recording", [row for row in ANSWERS if row.streamed], ids=str)
def test_the_cut_of_the_bytes_does_not_matter(recording: Recording) -> None:
    pieces = [recording.wire[start : start + 7] for start in range(0, len(recording.wire), 7)]
    assert list(stream_deltas(BEDROCK, pieces)) == deltas_of(recording)


@needs_recordings
@pytest.mark.parametrize("recording", REFUSALS, ids=str)
def test_b4_refusals_are_understood(recording: Recording) -> None:
    error = BEDROCK.error(recording.status, recording.wire)
    expected = UpstreamUnauthorized if recording.status == 403 else UpstreamRejected
    assert isinstance(error, expected)


@needs_recordings
@pytest.mark.parametrize("recording", ELSEWHERE, ids=str)
def test_a_recorded_request_on_another_platform_has_the_fields_that_we_send(recording: Recording) -> None:
    asked = recording.exchange["request"]
    dialect = BEDROCK if recording.provider == "bedrock" else VERTEX
    mine = dialect.encode(turn(recording.exchange["model"], stream=recording.streamed))
    assert (
        mine.path.rpartition("/")[2].rpartition(":")[2] == asked["path"].rpartition("/")[2].rpartition(":")[2]
    )
    assert asked["body"]["anthropic_version"] == mine.body["anthropic_version"]
    assert ("stream" in asked["body"]) == ("stream" in mine.body)
    assert "model" not in asked["body"]


@pytest.mark.parametrize("dialect", [BEDROCK, VERTEX])
def test_platforms_without_automatic_caching_get_the_marker_on_the_last_block(dialect: Anthropic) -> None:
    body = dialect.encode(turn(cache_control={"type": "ephemeral", "ttl": "1h"})).body
    assert "cache_control" not in body
    marked = {"cache_control": {"type": "ephemeral", "ttl": "1h"}, "type": "text", "text": "Hi"}
    assert body["messages"][-1]["content"] == [marked]
