"""The fields of a turn, in a request to Cohere."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation
from antiphon.upstream.dialects.cohere import Cohere
from antiphon.upstream.dialects.cohere.models import thinks
from tests.upstream.dialects.adapted import dropped
from tests.upstream.dialects.cohere.hearing import PLANNER, THINKER, noted, say
from tests.upstream.dialects.saying import TOOLS

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
FORMAT = {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True}}


def test_the_plainest_request() -> None:
    request = say()
    assert request.path == "/v2/chat"
    assert request.body == {
        "model": PLANNER,
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
    }
    assert say(stream=False).body["stream"] is False


def test_fields_have_names_of_their_own() -> None:
    body = say(max_output_tokens=9, temperature=0.5, top_p=0.5, top_k=7, presence_penalty=0.1).body
    assert {key: body[key] for key in ("max_tokens", "temperature", "p", "k", "presence_penalty")} == {
        "max_tokens": 9,
        "temperature": 0.5,
        "p": 0.5,
        "k": 7,
        "presence_penalty": 0.1,
    }


@pytest.mark.parametrize(
    ("field", "asked", "own", "sent"),
    [
        ("temperature", 1.5, "temperature", 1.0),
        ("top_p", 1.0, "p", 0.99),
        ("top_p", 0.0, "p", 0.01),
        ("top_k", 900, "k", 500),
        ("presence_penalty", -2.0, "presence_penalty", 0.0),
        ("frequency_penalty", 2.0, "frequency_penalty", 1.0),
    ],
)
def test_what_is_out_of_range_is_moved_into_it_and_noted(
    field: str, asked: float, own: str, sent: float
) -> None:
    request = say(**{field: asked})
    assert request.body[own] == sent
    assert [(note.param, note.action) for note in request.adaptations] == [(field, "clamped")]


def test_fields_that_only_cohere_has_are_passed_on() -> None:
    extra = {"seed": 7, "stop": "<END>", "safety_mode": "STRICT", "mood": "good"}
    request = say(extra=extra)
    body = request.body
    assert (body["seed"], body["stop_sequences"], body["safety_mode"]) == (7, ["<END>"], "STRICT")
    assert "mood" not in body
    assert request.adaptations == dropped("mood")
    assert say(extra={"stop": ["a", "b"]}).body["stop_sequences"] == ["a", "b"]


def test_every_field_that_cohere_has_no_word_for_is_noted() -> None:
    fields: dict[str, Any] = {
        "service_tier": "flex",
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit"},
        "moderation": {"model": "m"},
    }
    request = say(
        **fields,
        truncation="auto",
        text={"verbosity": "low", "format": {"type": "json_schema", "schema": {}, "description": "d"}},
        reasoning={"context": "all"},
    )
    assert set(request.adaptations) == {
        *dropped(*fields, "truncation", "text.verbosity", "text.format.description", "reasoning.context")
    }
    assert not say(truncation="disabled", metadata={"a": "b"}, max_tool_calls=3).adaptations


# The shape of the answer


def test_a_schema_is_part_of_the_format() -> None:
    body = say(text=FORMAT).body
    assert body["response_format"] == {"type": "json_object", "json_schema": SCHEMA}


def test_any_object_is_a_format_without_a_schema() -> None:
    body = say(text={"format": {"type": "json_object"}}).body
    assert body["response_format"] == {"type": "json_object"}
    assert "response_format" not in say(text={"format": {"type": "text"}}).body


def test_beside_tools_the_format_is_asked_for_in_words() -> None:
    request = say(text=FORMAT, tools=TOOLS, instructions="Be brief.")
    assert "response_format" not in request.body
    system = request.body["messages"][0]["content"]
    assert system.startswith("Be brief.\n\nAnswer with JSON") and '"required":["a"]' in system
    assert [(note.param, note.action) for note in request.adaptations] == [("text.format", "emulated")]
    anything = say(text={"format": {"type": "json_object"}}, tools=TOOLS).body["messages"][0]
    assert anything["role"] == "system" and "one JSON object and nothing else" in anything["content"]


# Thoughts


@pytest.mark.parametrize(
    ("effort", "thinking"),
    [
        (None, None),
        ("none", {"type": "disabled"}),
        ("minimal", {"type": "enabled", "token_budget": 1024}),
        ("medium", {"type": "enabled", "token_budget": 8192}),
        ("high", {"type": "enabled"}),
        ("of the future", {"type": "enabled"}),
    ],
)
def test_effort_is_a_budget(effort: str | None, thinking: Any) -> None:
    request = say(model=THINKER, reasoning={"effort": effort, "summary": "auto"})
    assert request.body.get("thinking") == thinking
    assert not request.adaptations


def test_an_answer_must_fit_in_beside_the_thoughts() -> None:
    body = say(model=THINKER, reasoning={"effort": "medium"}, max_output_tokens=3000).body
    assert body["thinking"]["token_budget"] == 1500
    assert say(model=THINKER, reasoning={"effort": "low"}, max_output_tokens=1).body["thinking"][
        "token_budget"
    ]


def test_a_model_without_thoughts_is_not_asked_for_them() -> None:
    request = say(reasoning={"effort": "high"})
    assert "thinking" not in request.body
    assert request.adaptations == dropped("reasoning.effort")
    assert not say(reasoning={"effort": "none"}).adaptations
    assert say(Cohere(thinks=True), reasoning={"effort": "high"}).body["thinking"] == {"type": "enabled"}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("command-a-03-2025", False),
        ("command-a-vision-07-2025", False),
        ("command-a-translate-08-2025", False),
        ("command-r", False),
        ("command-r-plus-08-2024", False),
        ("command-r7b-12-2024", False),
        ("command", False),
        ("c4ai-aya-expanse-32b", False),
        ("command-a-reasoning-08-2025", True),
        ("command-a-plus-05-2026", True),
        ("command-z", True),
    ],
)
def test_models_are_known_by_their_names(model: str, expected: bool) -> None:
    assert thinks(model) is expected


# Log probabilities


def test_log_probabilities_are_those_of_the_chosen_token_alone() -> None:
    request = say(top_logprobs=3)
    assert request.body["logprobs"] is True
    assert noted(request) == ["top_logprobs: clamped, this model tells the logprob of the chosen token alone"]
    asked = say(include=["message.output_text.logprobs"])
    assert asked.body["logprobs"] is True and not asked.adaptations
    assert "logprobs" not in say(top_logprobs=0).body


# The provider's own


def test_quirks_of_a_deployment() -> None:
    request = say(Cohere(path="/chat", extra_body={"priority": 2}), temperature=0.1)
    assert (request.path, request.body["priority"], request.body["temperature"]) == ("/chat", 2, 0.1)


def test_tokens_are_not_counted_beforehand() -> None:
    assert Cohere().count(Turn(model="m", items=[])) is None
    with pytest.raises(ProtocolViolation):
        Cohere().counted({"tokens": [1]})
