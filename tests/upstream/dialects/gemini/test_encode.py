"""The fields of a turn, as those of a request."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation
from antiphon.upstream.dialects.gemini import Gemini
from tests.upstream.dialects.gemini.speaking import VERTEX, function, noted, say, user

NEW = "gemini-3-flash-preview"
FORMAT = {
    "type": "json_schema",
    "name": "n",
    "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
}


def config(**fields: Any) -> dict[str, Any]:
    return say(**fields).body.get("generationConfig", {})


def test_a_stream_is_asked_for_as_events() -> None:
    request = say()
    assert request.path == "/models/gemini-2.5-flash:streamGenerateContent"
    assert request.query == {"alt": "sse"}
    whole = say(stream=False)
    assert (whole.path, dict(whole.query)) == ("/models/gemini-2.5-flash:generateContent", {})


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("models/gemini-2.5-pro", "/models/gemini-2.5-pro:streamGenerateContent"),
        ("a/../b?c", "/models/a%2F..%2Fb%3Fc:streamGenerateContent"),
    ],
)
def test_a_models_name_is_one_piece_of_the_path(model: str, path: str) -> None:
    assert say(model=model).path == path


def test_sampling_has_googles_names() -> None:
    extra = {"seed": 7, "stop": ["a", "b"]}
    assert config(temperature=0.5, top_p=0.9, top_k=4, max_output_tokens=9, extra=extra) == {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 4,
        "maxOutputTokens": 9,
        "seed": 7,
        "stopSequences": ["a", "b"],
    }
    assert config(extra={"stop": "a"}) == {"stopSequences": ["a"]}


def test_from_4_on_sampling_has_no_effect() -> None:
    request = say(model="gemini-4-argon", temperature=0.5, top_k=3)
    assert "generationConfig" not in request.body
    assert noted(request) == {"temperature": "dropped", "top_k": "dropped"}


def test_penalties_are_of_old_models_and_zero_asks_for_nothing() -> None:
    old = {"presencePenalty": 0.5, "frequencyPenalty": 0.1}
    assert config(model="gemini-2.0-flash", presence_penalty=0.5, frequency_penalty=0.1) == old
    request = say(presence_penalty=0.5, frequency_penalty=0)
    assert noted(request) == {"presence_penalty": "dropped"}


def test_log_probabilities_are_asked_for_in_two_ways() -> None:
    assert config(top_logprobs=2) == {"responseLogprobs": True, "logprobs": 2}
    assert config(include=["message.output_text.logprobs"]) == {"responseLogprobs": True}


def test_more_tokens_than_a_model_says_are_clamped() -> None:
    request = say(max_output_tokens=100_000)
    assert request.body["generationConfig"] == {"maxOutputTokens": 65_536}
    assert noted(request) == {"max_output_tokens": "clamped"}


# Thoughts


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "action"),
    [
        (NEW, "minimal", {"thinkingLevel": "minimal"}, None),
        (NEW, "xhigh", {"thinkingLevel": "high"}, "clamped"),
        (NEW, "none", {"thinkingLevel": "minimal"}, "clamped"),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "low"}, "clamped"),
        ("gemini-4-argon", "minimal", {"thinkingLevel": "low"}, "clamped"),
        ("gemini-2.5-flash", "low", {"thinkingBudget": 2_048}, None),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}, None),
        ("gemini-2.5-flash", "max", {"thinkingBudget": 24_576}, None),
        ("gemini-2.5-pro", "max", {"thinkingBudget": 32_768}, None),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128}, "clamped"),
        ("gemini-2.0-flash", "low", None, "dropped"),
        ("gemini-2.0-flash", "none", None, None),
        (NEW, "enormous", None, "dropped"),
    ],
)
def test_an_effort_is_a_level_or_a_budget(
    model: str, effort: str, thinking: dict[str, Any] | None, action: str | None
) -> None:
    request = say(model=model, reasoning={"effort": effort})
    assert request.body.get("generationConfig", {}).get("thinkingConfig") == thinking
    assert noted(request) == ({"reasoning.effort": action} if action else {})


@pytest.mark.parametrize(
    ("model", "limit", "budget"),
    [
        ("gemini-2.5-flash", 4_000, 2_000),
        ("gemini-2.5-flash-lite", 400, 0),
        ("gemini-2.5-pro", 1_000, 500),
        ("gemini-2.5-pro", 100, 128),
    ],
)
def test_thoughts_leave_room_for_the_answer(model: str, limit: int, budget: int) -> None:
    request = say(model=model, reasoning={"effort": "high"}, max_output_tokens=limit)
    assert request.body["generationConfig"]["thinkingConfig"] == {"thinkingBudget": budget}
    assert noted(request) == {"reasoning.effort": "clamped"}


@pytest.mark.parametrize("reasoning", [{"summary": "auto"}, {"generate_summary": "detailed"}])
def test_a_summary_asks_for_thoughts_in_words(reasoning: dict[str, Any]) -> None:
    assert config(reasoning=reasoning) == {"thinkingConfig": {"includeThoughts": True}}
    assert config(model="gemini-2.0-flash", reasoning=reasoning) == {}


def test_without_thoughts_there_are_no_words_of_them() -> None:
    asked = {"effort": "none", "summary": "auto"}
    assert config(reasoning=asked) == {"thinkingConfig": {"thinkingBudget": 0}}


# The shape of the answer


def test_a_schema_is_asked_for_with_its_type() -> None:
    assert config(text={"format": FORMAT}) == {
        "responseMimeType": "application/json",
        "responseJsonSchema": FORMAT["schema"],
    }
    assert config(text={"format": {"type": "json_object"}}) == {"responseMimeType": "application/json"}
    assert config(text={"format": {"type": "text"}}) == {}


@pytest.mark.parametrize("form", [FORMAT, {"type": "json_object"}])
def test_together_with_tools_the_shape_is_told_in_words_before_3(form: dict[str, Any]) -> None:
    request = say(text={"format": form}, tools=[function("f")], instructions="i")
    assert "generationConfig" not in request.body
    assert "JSON" in request.body["systemInstruction"]["parts"][1]["text"]
    assert noted(request) == {"text.format": "emulated"}
    new = say(model=NEW, text={"format": form}, tools=[function("f")])
    assert new.body["generationConfig"]["responseMimeType"] == "application/json"
    assert noted(new) == {}


def test_a_schema_without_a_form_is_told_in_words_and_bounds_are_noted() -> None:
    node = {"type": "object", "properties": {"n": {"$ref": "#"}}, "required": ["n"]}
    request = say(text={"format": {**FORMAT, "schema": node}})
    assert "generationConfig" not in request.body
    assert noted(request) == {"text.format": "emulated"}
    bound = say(text={"format": {**FORMAT, "schema": {"type": "string", "maxLength": 2}}})
    assert noted(bound) == {"text.format.schema": "emulated"}


# How it is served


@pytest.mark.parametrize(
    ("tier", "body", "header"),
    [
        ("auto", None, None),
        ("default", "standard", None),
        ("flex", "flex", "flex"),
        ("priority", "priority", "priority"),
    ],
)
def test_a_tier_stands_in_the_body_or_on_vertex_in_a_header(
    tier: str, body: str | None, header: str | None
) -> None:
    assert say(service_tier=tier).body.get("serviceTier") == body
    vertex = say(VERTEX, service_tier=tier)
    assert "serviceTier" not in vertex.body
    assert vertex.headers.get("X-Vertex-AI-LLM-Shared-Request-Type") == header


def test_metadata_are_labels_on_vertex_as_far_as_they_can_be() -> None:
    metadata = {"team": "a-1", "Name": "x", "note": "Two words"}
    request = say(VERTEX, metadata=metadata)
    assert request.body["labels"] == {"team": "a-1"}
    assert noted(request) == {"metadata": "dropped"}
    assert "labels" not in say(metadata=metadata).body


def test_what_gemini_has_no_word_for_is_noted() -> None:
    fields: dict[str, Any] = {
        "text": {"verbosity": "low"},
        "truncation": "auto",
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit"},
        "moderation": {"model": "m"},
        "service_tier": "scale",
        "reasoning": {"mode": "pro", "context": "all_turns"},
    }
    said = noted(say(**fields))
    assert set(said.values()) == {"dropped"}
    assert said.keys() == {
        *("text.verbosity", "truncation", "user", "safety_identifier", "service_tier", "moderation"),
        *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
        *("reasoning.mode", "reasoning.context"),
    }
    asking_for_nothing = {"text": {"verbosity": "medium"}, "truncation": "disabled", "metadata": {"a": "b"}}
    assert noted(say(**asking_for_nothing)) == {}


# Counting


def test_the_whole_request_is_counted() -> None:
    turn = Turn(model="gemini-2.5-pro", items=[user("a")], instructions="i", tools=[function("f")])
    request = Gemini().count(turn)
    assert request.path == "/models/gemini-2.5-pro:countTokens"
    counted = request.body["generateContentRequest"]
    assert counted.keys() == {"model", "contents", "systemInstruction", "tools"}
    assert counted["model"] == "models/gemini-2.5-pro"
    assert VERTEX.count(turn).body.keys() == {"contents", "systemInstruction", "tools"}
    assert Gemini(counts_tokens=False).count(turn) is None


@pytest.mark.parametrize(("body", "count"), [({"totalTokens": 7}, 7), ({}, 0)])
def test_a_count_is_read(body: dict[str, Any], count: int) -> None:
    assert Gemini().counted(body) == count


@pytest.mark.parametrize("body", [{"totalTokens": "7"}, {"totalTokens": -1}, {"totalTokens": True}])
def test_what_is_no_count_is_a_violation(body: dict[str, Any]) -> None:
    with pytest.raises(ProtocolViolation):
        Gemini().counted(body)
