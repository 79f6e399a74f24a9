"""How the fields of a turn become the body of a chat request; none is dropped in silence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.chat import Chat
from tests.upstream.dialects.adapted import dropped

EVERYTHING: JSON = {
    "top_k": 5,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "service_tier": "flex",
    "user": "u",
    "safety_identifier": "s",
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "explicit"},
    "cache_control": {"type": "ephemeral"},
    "moderation": {"model": "omni"},
}
TAKES_ALL = {name: True for name in EVERYTHING if "penalty" not in name}
TAKES_NONE = {name: False for name in TAKES_ALL} | {"penalties": False}
SCHEMA: JSON = {"type": "object", "properties": {"a": {"type": "string"}}}


def encoded(fields: JSON | None = None, **quirks: Any) -> WireRequest:
    return Chat(**quirks).encode(Turn(model="m", items=[], **(fields or {})))


def test_a_plain_turn_is_a_plain_request() -> None:
    request = encoded({"max_output_tokens": 9, "temperature": 0.0, "top_p": 1})
    assert request.path == "/chat/completions"
    assert request.body == {
        "model": "m",
        "messages": [],
        "max_tokens": 9,
        "temperature": 0.0,
        "top_p": 1,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_every_field_is_sent_where_it_is_taken() -> None:
    body = encoded(EVERYTHING, **TAKES_ALL).body
    assert {name: body[name] for name in EVERYTHING} == EVERYTHING


def test_every_field_is_named_where_it_is_not_taken() -> None:
    request = encoded(EVERYTHING, **TAKES_NONE)
    assert not request.body.keys() & EVERYTHING.keys()
    assert {adaptation.param for adaptation in request.adaptations} == EVERYTHING.keys()


MET: JSON = {"metadata": {"a": "b"}, "max_tool_calls": 3, "truncation": "disabled", "extra": {"x": 1}}


def test_all_fields_of_a_turn_are_sent_named_or_known_to_be_met() -> None:
    asked = {
        **EVERYTHING,
        **MET,
        "instructions": "i",
        "tools": [{"type": "function", "name": "f"}],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "max_output_tokens": 1,
        "temperature": 1,
        "top_p": 1,
        "top_logprobs": 2,
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "low"},
        "include": ["message.output_text.logprobs"],
    }
    assert {field.name for field in msgspec.structs.fields(Turn)} == asked.keys() | {
        "model",
        "items",
        "stream",
        "begun",
        "compaction",  # which the engine has met
    }
    request = encoded(asked, **TAKES_NONE, logprobs=False, reasoning="none")
    named = {adaptation.param for adaptation in request.adaptations}
    assert named == EVERYTHING.keys() | {"text.verbosity", "reasoning.effort", "top_logprobs", "include"}


def test_known_extras_are_named() -> None:
    extra = {"image": {"context_compression": "enabled"}, "access_programs": {"cyber": "standard"}, "x": 1}
    assert encoded({"extra": extra}).adaptations == dropped("access_programs", "image")


def test_truncation_on_demand_is_named() -> None:
    assert encoded({"truncation": "auto"}).adaptations == dropped("truncation")


def test_a_turn_that_is_not_streamed_does_not_ask_for_a_stream() -> None:
    assert encoded({"stream": False}).body.keys() == {"model", "messages"}
    assert "stream_options" not in encoded(stream_options=False).body


def test_a_newer_server_counts_completion_tokens_and_keeps_nothing() -> None:
    body = encoded({"max_output_tokens": 9}, max_tokens="max_completion_tokens", store=True).body
    assert (body["max_completion_tokens"], body["store"], "max_tokens" in body) == (9, False, False)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
        ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
        ({"top_logprobs": 0}, {}),
    ],
)
def test_log_probabilities_are_asked_for_in_one_of_two_ways(fields: JSON, sent: JSON) -> None:
    assert encoded(fields).body == encoded().body | sent


@pytest.mark.parametrize(
    ("quirk", "effort", "sent"),
    [
        ("effort", "low", {"reasoning_effort": "low"}),
        ("object", "low", {"reasoning": {"effort": "low"}}),
        ("thinking", "low", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}),
        ("thinking", "none", {"thinking": {"type": "disabled"}}),
        (
            "template",
            "none",
            {"chat_template_kwargs": {"enable_thinking": False, "reasoning_effort": "none"}},
        ),
    ],
)
def test_effort_is_asked_for_in_the_server_s_words(quirk: str, effort: str, sent: JSON) -> None:
    request = encoded({"reasoning": {"effort": effort, "summary": "auto"}}, reasoning=quirk)
    assert request.body == encoded().body | sent
    assert not request.adaptations


@pytest.mark.parametrize(
    ("choice", "disabled"),
    [
        (None, False),
        ("auto", False),
        ("none", False),
        ("required", True),
        ({"type": "function", "name": "f"}, True),
    ],
)
def test_a_forced_call_leaves_deepseek_no_room_for_thoughts(choice: Any, disabled: bool) -> None:
    fields = {"tools": [{"type": "function", "name": "f"}], "tool_choice": choice}
    thinking = {"type": "disabled"} if disabled else None
    assert encoded(fields, reasoning="thinking").body.get("thinking") == thinking
    asked = encoded({**fields, "reasoning": {"effort": "low"}}, reasoning="thinking")
    assert asked.body["thinking"] == (thinking or {"type": "enabled"})
    assert [told.param for told in asked.adaptations] == (["reasoning.effort"] if disabled else [])
    assert "thinking" not in encoded(fields).body


def test_other_wishes_about_reasoning_are_named() -> None:
    assert encoded({"reasoning": {"mode": "pro"}}).adaptations == dropped("reasoning.mode")


def test_a_schema_is_sent_where_schemas_are_known() -> None:
    shape = {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True, "description": None}
    assert encoded({"text": {"format": shape}}).body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": SCHEMA, "strict": True},
    }


def test_a_schema_is_told_in_words_where_only_json_can_be_asked_for() -> None:
    shape = {"type": "json_schema", "name": "n", "schema": SCHEMA}
    request = encoded({"instructions": "be kind", "text": {"format": shape}}, json_schema=False)
    assert request.body["response_format"] == {"type": "json_object"}
    (told,) = request.body["messages"]
    assert told["content"].startswith("be kind\n\n")
    assert '{"type":"object","properties":{"a":{"type":"string"}}}' in told["content"]
    assert [(told.param, told.action) for told in request.adaptations] == [("text.format", "emulated")]


def test_what_the_answer_is_for_is_told_with_the_schema() -> None:
    shape = {"type": "json_schema", "name": "n", "schema": SCHEMA, "description": "A place."}
    (told,) = encoded({"text": {"format": shape}}, json_schema=False).body["messages"]
    assert '{"description":"A place.","type":"object"' in told["content"]


def test_any_json_is_asked_for_as_json_object_or_by_a_schema_that_any_object_meets() -> None:
    fields = {"text": {"format": {"type": "json_object"}}}
    assert encoded(fields).body["response_format"] == {"type": "json_object"}
    by_schema = encoded(fields, json_object=False).body["response_format"]
    assert by_schema["json_schema"]["schema"] == {"type": "object"}


def test_plain_text_asks_for_nothing() -> None:
    assert encoded({"text": {"format": {"type": "text"}}}).body == encoded().body


def test_verbosity_goes_where_it_is_known() -> None:
    assert encoded({"text": {"verbosity": "low"}}, verbosity=True).body["verbosity"] == "low"


def test_a_deployment_stands_in_the_path_and_extra_fields_in_every_body() -> None:
    turn = Turn(model="my/model", items=[])
    request = Chat(
        path="/deployments/{model}/chat/completions", extra_body={"usage": {"include": True}}
    ).encode(turn)
    assert request.path == "/deployments/my%2Fmodel/chat/completions"
    assert request.body["usage"] == {"include": True}


def test_extra_objects_are_joined_with_those_that_are_there_and_everything_else_replaces() -> None:
    extra = {
        "chat_template_kwargs": {"enable_thinking": True, "deep": {"x": 1}},
        "stop": ["a"],
        "user": {"n": 1},
    }
    quirks = {"reasoning": "template", "extra_body": extra}
    fields = {"reasoning": {"effort": "none"}, "user": "me"}
    body = encoded(fields, **quirks).body
    assert body["chat_template_kwargs"] == {
        "enable_thinking": True,
        "reasoning_effort": "none",
        "deep": {"x": 1},
    }
    assert (body["stop"], body["user"]) == (["a"], {"n": 1})
    assert encoded({}, **quirks).body["chat_template_kwargs"] == extra["chat_template_kwargs"]


def test_an_extra_value_may_take_the_place_of_an_object() -> None:
    fields = {"reasoning": {"effort": "none"}}
    body = encoded(fields, reasoning="template", extra_body={"chat_template_kwargs": None}).body
    assert body["chat_template_kwargs"] is None


def test_this_dialect_counts_no_tokens() -> None:
    assert Chat().count(Turn(model="m", items=[])) is None
