"""What Google's errors mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.protocol.errors import (
    ProviderError,
    RateLimited,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
)
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.gemini.errors import failure


def refused(status: int, word: str, message: str = "m", *details: Any) -> ProviderError:
    error = {"code": status, "status": word, "message": message, "details": list(details)}
    return Gemini().error(status, json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "INVALID_ARGUMENT", UpstreamRejected),
        (401, "UNAUTHENTICATED", UpstreamUnauthorized),
        (403, "PERMISSION_DENIED", UpstreamUnauthorized),
        (404, "NOT_FOUND", UpstreamRejected),
        (408, "", UpstreamTimeout),
        (413, "", UpstreamRejected),
        (429, "RESOURCE_EXHAUSTED", RateLimited),
        (499, "CANCELLED", UpstreamFailed),
        (500, "INTERNAL", UpstreamFailed),
        (503, "UNAVAILABLE", UpstreamFailed),
        (504, "DEADLINE_EXCEEDED", UpstreamTimeout),
    ],
)
def test_the_status_says_whose_fault_it_is(status: int, word: str, kind: type[ProviderError]) -> None:
    error = refused(status, word)
    assert type(error) is kind
    assert error.status == status


@pytest.mark.parametrize("word", ["RESOURCE_EXHAUSTED", "UNAVAILABLE", "INVALID_ARGUMENT"])
def test_in_a_stream_the_word_stands_for_the_status(word: str) -> None:
    kinds = {
        "RESOURCE_EXHAUSTED": RateLimited,
        "UNAVAILABLE": UpstreamFailed,
        "INVALID_ARGUMENT": UpstreamRejected,
    }
    assert type(failure({"error": {"status": word, "message": "m"}}, None)) is kinds[word]


def test_a_reason_about_our_key_is_our_trouble_whatever_the_status() -> None:
    error = refused(400, "INVALID_ARGUMENT", "API key expired.", {"reason": "API_KEY_INVALID"})
    assert isinstance(error, UpstreamUnauthorized)
    assert "expired" not in error.message
    assert isinstance(refused(400, "INVALID_ARGUMENT", "API key not valid."), UpstreamUnauthorized)


@pytest.mark.parametrize(
    "message", ["User location is not supported for the API use.", "Enable billing first."]
)
def test_so_is_a_precondition_of_our_account(message: str) -> None:
    assert isinstance(refused(400, "FAILED_PRECONDITION", message), UpstreamUnauthorized)
    assert isinstance(refused(400, "FAILED_PRECONDITION", "The file is not ready."), UpstreamRejected)


def test_a_model_that_is_not_there_is_named() -> None:
    said = "models/gemini-9 is not found for API version v1beta, or is not supported for generateContent."
    error = refused(404, "NOT_FOUND", said)
    assert (error.code, error.param) == ("model_not_found", "model")
    assert refused(404, "NOT_FOUND", "Requested file was not found.").param is None


@pytest.mark.parametrize(
    "said",
    [
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "Unable to submit request because the input token count is 1200000 but the model only supports up to "
        "1048576. Reduce the input token count and try again.",
    ],
)
def test_a_context_that_is_too_long_has_the_code_that_agents_wait_for(said: str) -> None:
    assert refused(400, "INVALID_ARGUMENT", said).code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ("generation_config.thinking_config.thinking_budget", "reasoning.effort"),
        ("contents[3].parts[0]", "input"),
        ("tools[0].function_declarations[1].parameters", "tools"),
        ("safety_settings", None),
    ],
)
def test_a_field_that_is_wrong_gets_our_name(field: str, param: str | None) -> None:
    violation = {"fieldViolations": [{"field": field, "description": "d"}]}
    assert refused(400, "INVALID_ARGUMENT", "m", violation).param == param


@pytest.mark.parametrize(
    ("delay", "wait"), [("36.5s", 36.5), ("0.1s", 1.0), ("9999s", 120.0), ("soon", None)]
)
def test_how_long_to_wait_stands_in_the_details(delay: str, wait: float | None) -> None:
    assert refused(429, "RESOURCE_EXHAUSTED", "m", {"retryDelay": delay}).retry_after == wait


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"3", b"[]", b'{"error": "x"}', b'{"error": {"details": 3}}']
)
def test_bodies_of_another_shape_are_no_trouble(body: bytes) -> None:
    error = Gemini().error(502, body)
    assert isinstance(error, UpstreamFailed)
    assert error.message


def test_long_words_are_cut() -> None:
    assert len(refused(400, "INVALID_ARGUMENT", "x" * 9_000).message) == 500
