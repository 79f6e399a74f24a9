"""Failures, as Cohere tells them over HTTP."""

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
from antiphon.upstream.dialects.cohere import Cohere


def error(status: int, body: Any) -> ProviderError:
    return Cohere().error(status, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, UpstreamRejected, "upstream_rejected"),
        (401, UpstreamUnauthorized, "upstream_auth"),
        (402, RateLimited, "insufficient_quota"),
        (403, UpstreamUnauthorized, "upstream_auth"),
        (408, UpstreamTimeout, "upstream_timeout"),
        (422, UpstreamRejected, "upstream_rejected"),
        (429, RateLimited, "rate_limit_exceeded"),
        (498, UpstreamUnauthorized, "upstream_auth"),
        (500, UpstreamFailed, "upstream_error"),
        (503, UpstreamFailed, "upstream_error"),
    ],
)
def test_the_status_says_whose_fault_it_is(status: int, kind: type, code: str) -> None:
    found = error(status, {"id": "1", "message": "no"})
    assert type(found) is kind
    assert (found.code, found.status) == (code, status)


def test_only_a_model_that_is_not_there_is_called_so() -> None:
    words = "model 'x' not found, make sure the correct model ID was used"
    assert error(404, {"message": words}).code == "model_not_found"
    assert error(404, {"message": "no such page"}).code == "upstream_rejected"
    assert error(400, {"message": words}).param is None


def test_a_context_that_is_too_long_is_called_so() -> None:
    words = "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292."
    for body in ({"message": words}, {"message": "x", "error_type": "TOO_MANY_TOKENS"}):
        found = error(400, body)
        assert (found.code, found.param) == ("context_length_exceeded", None)


def test_more_output_than_the_model_has_is_another_thing() -> None:
    words = (
        "too many tokens: max tokens must be less than or equal to 4096, the maximum output for this model"
    )
    found = error(400, {"message": words, "error_type": "TOO_MANY_TOKENS"})
    assert (found.code, found.param) == ("too_many_tokens", "max_output_tokens")


def test_the_words_about_a_key_are_not_passed_on() -> None:
    assert "secret" not in error(401, {"message": "invalid api token: secret"}).message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"upstream connect error", "upstream connect error"),
        (b"<html>Bad gateway</html>", "The provider answered with a web page."),
        (b"", "The provider answered with status 502."),
        ({"message": None}, "The provider answered with status 502."),
        ([1], "The provider answered with status 502."),
        ({"message": "x" * 600}, "x" * 500),
    ],
)
def test_whatever_the_body_is_there_is_a_message(body: Any, message: str) -> None:
    assert error(502, body).message == message
