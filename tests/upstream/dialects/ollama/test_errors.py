"""Failures, as Ollama tells them over HTTP."""

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
from antiphon.upstream.dialects.ollama import Ollama


def error(status: int, body: Any) -> ProviderError:
    return Ollama().error(status, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, UpstreamRejected, "upstream_rejected"),
        (401, UpstreamUnauthorized, "upstream_auth"),
        (402, RateLimited, "insufficient_quota"),
        (403, UpstreamUnauthorized, "upstream_auth"),
        (404, UpstreamRejected, "upstream_rejected"),
        (408, UpstreamTimeout, "upstream_timeout"),
        (429, RateLimited, "rate_limit_exceeded"),
        (500, UpstreamFailed, "upstream_error"),
        (502, UpstreamFailed, "upstream_error"),
    ],
)
def test_the_status_says_whose_fault_it_is(status: int, kind: type, code: str) -> None:
    found = error(status, {"error": "no"})
    assert type(found) is kind
    assert (found.code, found.status) == (code, status)


def test_a_model_that_is_not_there_is_called_so() -> None:
    found = error(404, {"error": 'model "x" not found, try pulling it first'})
    assert (found.code, found.param) == ("model_not_found", "model")


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize(
    "words",
    [
        "the input length exceeds the context length",
        "input length exceeds maximum context length",
        "prompt too long; exceeded max context length by 5 tokens",
    ],
)
def test_a_context_that_is_too_long_is_called_so(status: int, words: str) -> None:
    found = error(status, {"error": words})
    assert isinstance(found, UpstreamRejected)
    assert found.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("words", "param"),
    [
        ('"gemma:2b" does not support tools', "tools"),
        ('"llama3" does not support thinking', "reasoning.effort"),
        ("something else", None),
    ],
)
def test_a_refusal_names_the_field_that_it_is_about(words: str, param: str | None) -> None:
    assert error(400, {"error": words}).param == param


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "elsewhere", "code": 1}}, "elsewhere"),
        (b"404 page not found", "404 page not found"),
        (b"<html>", "The provider answered with a web page."),
        (b"", "The provider answered with status 502."),
        ([1], "The provider answered with status 502."),
        ({"error": "x" * 600}, "x" * 500),
    ],
)
def test_whatever_the_body_is_there_is_a_message(body: Any, message: str) -> None:
    assert error(502, body).message == message
