"""Turns, as Messages requests: the whole request, apart from its messages and tools."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import ProtocolViolation, UnsupportedParameter
from antiphon.upstream.dialects.anthropic import Abilities, Anthropic
from antiphon.upstream.dialects.anthropic.tools import ANSWER_TOOL
from tests.upstream.dialects.anthropic.official import judge
from tests.upstream.dialects.anthropic.speaking import call, function, message, output, say, user

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}
JSON_SCHEMA = {"format": {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}}
FREE = {"type": "object", "additionalProperties": True}
FREE_FORM = {"format": {"type": "json_schema", "name": "free", "schema": FREE}}
HIGH = {"effort": "high"}

BUDGET, ADAPTIVE, DEFAULT, ALWAYS, OLD = (
    "claude-sonnet-4-5-20250929",
    "claude-opus-4-8",
    "claude-sonnet-5",
    "claude-opus-5-5",
    "claude-3-5-haiku-20241022",
)
MODELS = (BUDGET, ADAPTIVE, DEFAULT, ALWAYS, OLD, "llama-3")


def noted(request: Any, field: str) -> bool:
    return any(adaptation.param == field for adaptation in request.adaptations)


def test_the_plainest_turn_is_the_plainest_request_and_has_no_adaptations() -> None:
    request = say()
    assert request.path == "/v1/messages"
    assert request.headers == {"anthropic-version": "2023-06-01"}
    assert request.adaptations == ()
    assert request.body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 64_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        "stream": True,
    }


def test_max_tokens_are_the_requests_else_the_models_else_the_providers() -> None:
    assert say(max_output_tokens=7).body["max_tokens"] == 7
    assert say(model=OLD).body["max_tokens"] == 8_192
    assert say(Anthropic(default_max_tokens=99), model="llama-3").body["max_tokens"] == 99
    assert say(model="llama-3", max_output_tokens=10**6).body["max_tokens"] == 10**6
    request = say(model=OLD, max_output_tokens=10**6)
    assert request.body["max_tokens"] == 8_192
    assert noted(request, "max_output_tokens")


# Thoughts


@pytest.mark.parametrize(
    ("effort", "budget"),
    [("minimal", 1024), ("low", 2048), ("medium", 8192), ("high", 16_384), ("max", 32_000)],
)
def test_on_older_models_effort_is_a_budget(effort: str, budget: int) -> None:
    body = say(model=BUDGET, reasoning={"effort": effort}).body
    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert "output_config" not in body


@pytest.mark.parametrize(("most", "budget"), [(1025, 1024), (2048, 1024), (5000, 2500)])
def test_a_budget_leaves_room_for_the_answer(most: int, budget: int) -> None:
    body = say(model=BUDGET, reasoning=HIGH, max_output_tokens=most).body
    assert body["thinking"]["budget_tokens"] == budget < body["max_tokens"]


@pytest.mark.parametrize(
    ("model", "effort", "said"),
    [
        (ADAPTIVE, "minimal", "low"),
        (ADAPTIVE, "high", "high"),
        (ADAPTIVE, "xhigh", "xhigh"),
        ("claude-opus-4-6", "xhigh", "high"),
        ("claude-opus-4-6", "max", "max"),
    ],
)
def test_on_newer_models_effort_is_effort(model: str, effort: str, said: str) -> None:
    request = say(model=model, reasoning={"effort": effort})
    assert request.body["thinking"] == {"type": "adaptive"}
    assert request.body["output_config"] == {"effort": said}
    assert noted(request, "reasoning.effort") is (said != effort)


def test_a_summary_that_was_asked_for_is_shown() -> None:
    shown = {"type": "adaptive", "display": "summarized"}
    assert say(model=ADAPTIVE, reasoning={"summary": "auto"}).body["thinking"] == shown


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        (BUDGET, None, None),
        (ADAPTIVE, None, None),
        (DEFAULT, {"type": "disabled"}, None),
        (ALWAYS, None, {"effort": "low"}),
    ],
)
def test_effort_none_is_as_few_thoughts_as_the_model_allows(model: str, thinking: Any, effort: Any) -> None:
    request = say(model=model, reasoning={"effort": "none"})
    assert (request.body.get("thinking"), request.body.get("output_config")) == (thinking, effort)
    assert noted(request, "reasoning.effort") is (model == ALWAYS)


@pytest.mark.parametrize(
    "fields",
    [
        {"model": OLD},
        {"model": BUDGET, "max_output_tokens": 1024},
        {"model": BUDGET, "tools": [function("look")], "tool_choice": "required"},
        {"model": BUDGET, "items": [user("a"), call("c"), output("c")]},
        {"model": "claude-sonnet-4-0", "text": JSON_SCHEMA},
    ],
)
def test_what_leaves_no_room_for_thoughts_goes_before_them(fields: dict[str, Any]) -> None:
    request = say(reasoning=HIGH, **fields)
    assert "thinking" not in request.body
    assert noted(request, "reasoning.effort")


def test_a_model_that_thinks_unless_told_not_to_is_told_when_a_tool_is_forced() -> None:
    body = say(model=DEFAULT, tools=[function("look")], tool_choice="required").body
    assert body["thinking"] == {"type": "disabled"}


def test_calls_made_with_thoughts_are_answered_with_thoughts() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}
    items = [user("a"), {**thought, "encrypted_content": "anthropic:sig"}, call("c"), output("c")]
    assert say(model=BUDGET, items=items, reasoning=HIGH).body["thinking"]["type"] == "enabled"


def test_bound_thoughts_of_a_changed_conversation_are_dropped_and_not_refused() -> None:
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "anthropic:sig"}
    request = say(model=ALWAYS, items=[user("a"), thought, message("assistant", "b"), user("c")])
    assert request.body["thinking"]["block_binding"] == {"prefix_mismatch_behavior": "drop_block"}
    assert request.headers["anthropic-beta"] == "thinking-binding-controls-2026-08-01"


# Sampling


def test_temperature_ends_at_one_here() -> None:
    request = say(temperature=1.7)
    assert request.body["temperature"] == 1
    assert noted(request, "temperature")


@pytest.mark.parametrize(
    ("asked", "sent", "notes"),
    [
        ({"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2}, ["top_p"]),
        ({"temperature": 1, "top_p": 0.9}, {"top_p": 0.9}, []),
        ({"temperature": 0.2, "top_p": 1}, {"temperature": 0.2}, []),
        ({"top_p": 0.9, "top_k": 5}, {"top_p": 0.9, "top_k": 5}, []),
    ],
)
def test_one_of_temperature_and_top_p(asked: dict[str, Any], sent: dict[str, Any], notes: list[str]) -> None:
    request = say(model=BUDGET, **asked)
    assert {
        key: request.body[key] for key in ("temperature", "top_p", "top_k") if key in request.body
    } == sent
    assert [adaptation.param for adaptation in request.adaptations] == notes


def test_a_model_without_sampling_is_sent_none() -> None:
    request = say(model=ADAPTIVE, temperature=0.1, top_p=0.5, top_k=3)
    assert not {"temperature", "top_p", "top_k"} & request.body.keys()
    assert len(request.adaptations) == 3
    assert say(model=ADAPTIVE, temperature=1, top_p=1).adaptations == ()


@pytest.mark.parametrize(("top_p", "sent"), [(0.5, None), (0.97, 0.97)])
def test_thoughts_go_before_sampling(top_p: float, sent: float | None) -> None:
    request = say(model=BUDGET, reasoning=HIGH, temperature=0.1, top_p=top_p, top_k=3)
    assert "temperature" not in request.body
    assert "top_k" not in request.body
    assert request.body.get("top_p") == sent


# The shape of the answer


def test_a_schema_is_native_where_the_model_takes_it() -> None:
    shape = say(model=BUDGET, text=JSON_SCHEMA).body["output_config"]["format"]
    assert shape["type"] == "json_schema"
    assert shape["schema"]["properties"]["age"] == {"type": "integer", "description": "(minimum 0)"}


def test_bounds_that_the_model_is_not_held_to_are_noted() -> None:
    assert noted(say(model=BUDGET, text=JSON_SCHEMA), "text.format.schema")
    without = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    plain = {"format": {"type": "json_schema", "name": "n", "schema": without}}
    assert say(model=BUDGET, text=plain).adaptations == ()


def test_a_schema_is_a_forced_tool_on_older_models() -> None:
    request = say(model=OLD, text=JSON_SCHEMA)
    body = request.body
    assert body["tool_choice"] == {"type": "tool", "name": ANSWER_TOOL, "disable_parallel_tool_use": True}
    assert body["tools"][-1]["input_schema"] == PERSON
    assert noted(request, "text.format")


def test_with_other_tools_the_model_calls_one_of_them_or_answers() -> None:
    body = say(model=OLD, text=JSON_SCHEMA, tools=[function("look")], parallel_tool_calls=False).body
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert [tool["name"] for tool in body["tools"]] == ["look", ANSWER_TOOL]


def test_a_schema_without_a_strict_form_is_a_forced_tool_or_words() -> None:
    assert say(model=BUDGET, text=FREE_FORM).body["tools"][0]["input_schema"] == FREE
    request = say(model=ALWAYS, text=FREE_FORM)
    assert "schema" in request.body["system"][-1]["text"]
    assert noted(request, "text.format")


def test_a_json_object_is_asked_for_in_words() -> None:
    request = say(text={"format": {"type": "json_object"}}, instructions="Be kind.")
    assert [block["text"][:6] for block in request.body["system"]] == ["Be kin", "Answer"]
    assert noted(request, "text.format")


# The rest


def test_the_user_is_named_by_the_safety_identifier_first() -> None:
    assert say(user="u", safety_identifier="s").body["metadata"] == {"user_id": "s"}
    assert say(user="u").body["metadata"] == {"user_id": "u"}
    assert len(say(user="u" * 300).body["metadata"]["user_id"]) == 64


@pytest.mark.parametrize(
    ("tier", "sent", "note"),
    [
        ("auto", "auto", False),
        ("default", "standard_only", False),
        ("priority", "auto", True),
        ("flex", None, True),
    ],
)
def test_each_service_tier_has_its_word_or_its_note(tier: str, sent: str | None, note: bool) -> None:
    request = say(service_tier=tier)
    assert request.body.get("service_tier") == sent
    assert noted(request, "service_tier") is note


def test_what_anthropic_has_no_word_for_is_listed_when_it_was_asked_for() -> None:
    request = say(
        top_logprobs=3,
        presence_penalty=0.5,
        frequency_penalty=-0.5,
        text={"verbosity": "low"},
        truncation="auto",
        prompt_cache_key="k",
        moderation={"model": "m"},
        extra={"image": {}, "access_programs": {"cyber": "standard"}, "unheard_of": 1},
        tools=[function("f", allowed_callers=["programmatic"], output_schema={"a": 1})],
    )
    assert [adaptation.param for adaptation in request.adaptations] == [
        "top_logprobs",
        "presence_penalty",
        "frequency_penalty",
        "text.verbosity",
        "truncation",
        "prompt_cache_key",
        "moderation",
        "access_programs",
        "image",
        "tools[0].allowed_callers",
        "tools[0].output_schema",
    ]


def test_what_changes_nothing_is_not_listed() -> None:
    same = {"top_logprobs": 0, "presence_penalty": 0.0, "frequency_penalty": 0, "truncation": "disabled"}
    assert say(**same, text={"format": {"type": "text"}, "verbosity": "medium"}).adaptations == ()


def test_how_long_to_cache_asks_for_caching() -> None:
    assert say(prompt_cache_options={"ttl": "12h"}).body["cache_control"] == {
        "type": "ephemeral",
        "ttl": "1h",
    }
    assert "cache_control" not in say(prompt_cache_options={"mode": "explicit"}).body


def test_what_the_answer_is_for_is_told_with_the_schema() -> None:
    shape = {**JSON_SCHEMA["format"], "description": "Who it is."}
    body = say(model=BUDGET, text={"format": shape}).body
    assert body["output_config"]["format"]["schema"]["description"] == "Who it is."


def test_implicit_caching_is_automatic_caching() -> None:
    body = say(prompt_cache_options={"mode": "implicit", "ttl": "12h"}).body
    assert body["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_a_providers_quirks_are_fields_of_the_dialect() -> None:
    dialect = Anthropic(abilities=Abilities(thinking="none"), version="2026-10-21", web_search=None)
    request = say(dialect, reasoning=HIGH, tools=[{"type": "web_search"}], temperature=0.1)
    assert request.headers["anthropic-version"] == "2026-10-21"
    assert not {"thinking", "tools", "temperature"} & request.body.keys()


def test_tokens_are_counted_of_the_same_turn() -> None:
    request = Anthropic().count(_turn(instructions="i", tools=[function("f")], temperature=0.1))
    assert request is not None
    assert request.path == "/v1/messages/count_tokens"
    assert request.body.keys() == {"model", "messages", "system", "tools"}
    assert Anthropic().counted({"input_tokens": 14}) == 14
    assert Anthropic(counts_tokens=False).count(_turn()) is None


@pytest.mark.parametrize("body", [{}, {"input_tokens": "3"}, {"input_tokens": -1}, {"input_tokens": True}])
def test_a_count_that_is_none_is_a_violation(body: dict[str, Any]) -> None:
    with pytest.raises(ProtocolViolation):
        Anthropic().counted(body)


def test_a_model_that_cannot_be_forced_is_not_forced_in_silence() -> None:
    with pytest.raises(UnsupportedParameter) as raised:
        say(model=ALWAYS, tools=[function("look")], tool_choice="required")
    assert raised.value.param == "tool_choice"


def _turn(**fields: Any) -> Turn:
    return Turn(**{"model": "claude-sonnet-4-5", "items": [user("Hello")], **fields})


IMAGE = {"type": "input_image", "image_url": "https://example.com/a.png"}
PDF = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
TABLE: dict[str, dict[str, Any]] = {
    "plain": {},
    "sampling": {"temperature": 0.5, "top_p": 0.9, "top_k": 4, "max_output_tokens": 2000},
    "thoughts": {"reasoning": {"effort": "medium", "summary": "auto"}, "temperature": 0.5},
    "no thoughts": {"reasoning": {"effort": "none"}},
    "schema": {"text": JSON_SCHEMA},
    "schema and tools": {"text": JSON_SCHEMA, "tools": [function("look", parameters=PERSON, strict=True)]},
    "json object": {"text": {"format": {"type": "json_object"}}},
    "free form": {"text": FREE_FORM},
    "system": {"instructions": "i", "items": [message("developer", "d"), user("u"), message("system", "s")]},
    "calls": {"items": [user("u"), call("a"), call("b:1"), output("a", [IMAGE, PDF]), output("b:1", "")]},
    "files": {
        "items": [message("user", "u", {**IMAGE, "cache_control": {"type": "ephemeral", "ttl": "60s"}}, PDF)]
    },
    "search": {"tools": [{"type": "web_search", "user_location": {"type": "approximate", "city": "Oslo"}}]},
    "tools": {
        "tools": [function("look", description="d")],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
    },
    "the rest": {"user": "u", "service_tier": "default", "prompt_cache_options": {"mode": "implicit"}},
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", TABLE)
def test_the_official_library_would_send_the_same(case: str, model: str) -> None:
    judge(say(model=model, **TABLE[case]).body)
