"""What providers say when they do not take back what they sealed, as they say it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.protocol.errors import ProviderError, RateLimited, StaleReasoning, UpstreamFailed
from antiphon.upstream.base import Dialect
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.stale import recognised


def anthropic(message: str) -> Any:
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


def openai(message: str, code: str | None) -> Any:
    return {
        "error": {"message": message, "type": "invalid_request_error", "param": None, "code": code},
    }


def google(message: str) -> Any:
    return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


SIGNATURE = "messages.1.content.0: Invalid `signature` in `thinking` block"
STALE: list[tuple[Dialect, Any]] = [
    (Anthropic(), anthropic(SIGNATURE)),
    (Anthropic(), anthropic(f"{SIGNATURE}. The block is bound to a different conversation.")),
    (
        Anthropic(),
        anthropic(
            "messages.7.content.3: `thinking` or `redacted_thinking` blocks in the latest assistant message "
            "cannot be modified. These blocks must remain as they were in the original response."
        ),
    ),
    (
        Responses(),
        openai("The encrypted content gAAA...DQ== could not be verified.", "invalid_encrypted_content"),
    ),
    (
        Responses(),
        openai(
            "The encrypted content for item rs_0a18 could not be verified. Reason: Encrypted content "
            "could not be decrypted or parsed.",
            None,
        ),
    ),
    (
        Responses(),
        {
            "code": "invalid-argument",
            "error": "Could not decrypt the provided encrypted_content. Ensure the value is the unmodified "
            "encrypted_content from a previous response.",
        },
    ),
    (Responses(), {"code": "invalid-argument", "error": "Could not decode the compaction blob. Ensure it …"}),
    (Chat(), google("Corrupted thought signature.")),
    (Chat(), google("Thought signature is not valid")),
    (Chat(), google("Invalid thought signature.")),
    (Chat(), openai(json.dumps(anthropic(SIGNATURE)), None)),
]
OTHER: list[tuple[Dialect, Any]] = [
    (Anthropic(), anthropic("messages.1.content.0.thinking.signature: Field required")),
    (Anthropic(), anthropic("messages.2: Expected `thinking` or `redacted_thinking`, but found `tool_use`.")),
    (Responses(), openai("Unknown parameter: 'input[0].encrypted_content'.", "unknown_parameter")),
    (Responses(), openai("Encrypted content is not supported with this model.", None)),
    (Chat(), google("Function call is missing a thought_signature in functionCall parts.")),
]


def error(dialect: Dialect, body: Any, status: int = 400) -> ProviderError:
    return recognised(dialect.error(status, json.dumps(body).encode()))


@pytest.mark.parametrize(("dialect", "body"), STALE)
def test_what_a_provider_does_not_take_back_is_known_by_its_words(dialect: Dialect, body: Any) -> None:
    found = error(dialect, body)
    assert isinstance(found, StaleReasoning)
    assert (found.code, found.status) == ("invalid_encrypted_content", 400)


def test_pieces_of_what_was_sealed_are_not_passed_on() -> None:
    assert not any("gAAA" in error(dialect, body).message for dialect, body in STALE)


@pytest.mark.parametrize(("dialect", "body"), OTHER)
def test_other_refusals_stay_what_they_are(dialect: Dialect, body: Any) -> None:
    assert not isinstance(error(dialect, body), StaleReasoning)


def test_only_refusals_are_looked_at() -> None:
    for other in (RateLimited(SIGNATURE), UpstreamFailed(SIGNATURE)):
        assert recognised(other) is other
