"""Tokens counted offline: exact for text, close for turns, and never from the network."""

from __future__ import annotations

import gzip
import hashlib
import re
import socket
import tracemalloc
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core.turn import Turn
from antiphon.upstream import tokens
from tests.recordings import Recording, needs_recordings, recordings

# What OpenAI's own vocabulary gives: ids from tiktoken's documentation and its o200k_base.
KNOWN = {"": 0, "hello world": 2, "tiktoken is great!": 6, "<|endoftext|>": 7, "1234567": 3, "안녕하세요": 2}


def turn(*items: dict[str, Any], **fields: Any) -> Turn:
    return Turn(model="any", items=list(items), **fields)


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": list(parts)}


def test_the_vocabulary_is_the_one_that_openai_publishes() -> None:
    packed = resources.files("antiphon.upstream").joinpath("o200k_base.tiktoken.gz").read_bytes()
    published = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
    assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == published


@pytest.mark.parametrize(("text", "count"), KNOWN.items())
def test_text_is_counted_as_openai_counts_it(text: str, count: int) -> None:
    assert tokens.count_text(text) == count


def test_loading_asks_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    tokens.load.cache_clear()
    assert tokens.count_text("hello world") == 2


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_text_can_be_counted_and_has_no_more_tokens_than_bytes(text: str) -> None:
    assert tokens.count_text(text) <= len(text.encode("utf-8", "surrogatepass"))


def test_each_thing_that_a_model_reads_is_counted() -> None:
    text = message({"type": "input_text", "text": "hello world"})
    base = tokens.count_turn(turn(text))
    assert base == tokens.ANSWER_BEGINS + tokens.PER_MESSAGE + 2
    low, high = ({"type": "input_image", "image_url": "x", "detail": detail} for detail in ("low", "auto"))
    pdf = {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0="}
    plain = {"type": "input_file", "file_data": "data:text/plain;base64,aGVsbG8gd29ybGQ="}
    escaped = {"type": "input_file", "file_data": "data:text/plain,hello%20world"}
    empty = tokens.count_turn(turn(message()))
    counts = [tokens.count_turn(turn(message(part))) - empty for part in (low, high, pdf, plain, escaped)]
    assert counts == [tokens.IMAGE_LOW, tokens.IMAGE_HIGH, tokens.FILE, 2, 2]
    for more in (
        turn(text, instructions="be brief"),
        turn(text, {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}),
        turn(text, {"type": "function_call_output", "output": "done", "call_id": "c"}),
        turn(text, {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}),
        turn(text, tools=[{"type": "function", "name": "f"}]),
        turn(text, tools=[{"type": "web_search"}]),
        turn(text, text={"format": {"type": "json_schema", "name": "a", "schema": {}}}),
    ):
        assert tokens.count_turn(more) > base


def test_a_schema_costs_for_every_property_at_any_depth() -> None:
    leaf = {"type": "string", "description": "one two three"}
    flat = {"type": "object", "properties": {"a": leaf}}
    deep = {"$defs": {"x": {"anyOf": [{"items": [flat]}]}}}
    costs = [
        tokens.count_turn(turn(tools=[{"type": "function", "name": "f", "parameters": each}]))
        for each in ({}, flat, deep)
    ]
    assert costs[0] < costs[1] == costs[2]


@needs_recordings
def test_text_and_functions_come_close_to_what_openai_counted() -> None:
    compared = [counts for recording in recordings("responses") if (counts := _counts(recording))]
    assert compared
    for recording, ours, theirs in compared:
        assert ours == pytest.approx(theirs, rel=0.2, abs=6), recording


def _counts(recording: Recording) -> tuple[str, int, int] | None:
    """Our count and OpenAI's, for requests of nothing but text and functions to a model of theirs."""
    request = recording.exchange["request"]["body"]
    if recording.provider != "openai" or not _is_plain(request) or request["model"].startswith("llama"):
        return None
    reported = max(map(int, re.findall(rb'"input_tokens": ?(\d+)', recording.wire)), default=0)
    if not reported:
        return None
    said = request["input"]
    items = [message({"type": "input_text", "text": said})] if isinstance(said, str) else said
    asked = turn(*items, instructions=request.get("instructions"), tools=request.get("tools") or [])
    return recording.id, tokens.count_turn(asked), reported


def _is_plain(request: dict[str, Any] | None) -> bool:
    """Nothing in it that OpenAI fills with a prompt of its own, or that is only known to OpenAI."""
    hidden = ("previous_response_id", "conversation", "prompt", "text", "context_management")
    if request is None or any(request.get(name) for name in hidden):
        return False
    if any(tool["type"] != "function" for tool in request.get("tools") or ()):
        return False
    known = ("message", "function_call", "function_call_output")
    items = request.get("input")
    return isinstance(items, str) or all(
        item.get("type", "message") in known
        and not any(part["type"] in ("input_image", "input_file") for part in _parts(item))
        for item in items or ()
    )


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    content = item.get("content")
    return content if isinstance(content, list) else []


def test_the_vocabulary_is_not_held_a_second_time_in_python() -> None:
    tracemalloc.start()
    try:
        loaded = tokens.load.__wrapped__()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1_000_000
    assert loaded.encode_ordinary("hello world") == tokens.load().encode_ordinary("hello world")
