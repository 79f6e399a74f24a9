"""The request as a whole: types, ranges, what must not stand together, what is not served."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.request import FIELDS, Limits, create_response, input_tokens_request
from tests.protocol.asking import LIMITS, ask, complaint

FUNCTION = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": 5}, "model", "invalid_type"),
        ({"model": ""}, "model", "empty_string"),
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": "m" * 257}, "model", "string_above_max_length"),
        ({"temperature": 2.5}, "temperature", "decimal_above_max_value"),
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"temperature": True}, "temperature", "invalid_type"),
        ({"top_p": -0.1}, "top_p", "decimal_below_min_value"),
        ({"top_k": -1}, "top_k", "integer_below_min_value"),
        ({"top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
        ({"presence_penalty": 3}, "presence_penalty", "decimal_above_max_value"),
        ({"frequency_penalty": -3}, "frequency_penalty", "decimal_below_min_value"),
        ({"max_output_tokens": 0}, "max_output_tokens", "integer_below_min_value"),
        ({"max_output_tokens": 1.5}, "max_output_tokens", "invalid_type"),
        ({"max_output_tokens": -(10**400)}, "max_output_tokens", "integer_below_min_value"),
        ({"max_tool_calls": -1}, "max_tool_calls", "integer_below_min_value"),
        ({"stream": 1}, "stream", "invalid_type"),
        ({"store": "yes"}, "store", "invalid_type"),
        ({"instructions": ["be", "brief"]}, "instructions", "invalid_type"),
        ({"include": ["everything"]}, "include[0]", "invalid_value"),
        ({"include": "everything"}, "include", "invalid_type"),
        ({"truncation": "some"}, "truncation", "invalid_value"),
        ({"service_tier": ""}, "service_tier", "empty_string"),
        ({"service_tier": "t" * 65}, "service_tier", "string_above_max_length"),
        ({"user": "u" * 513}, "user", "string_above_max_length"),
        ({"safety_identifier": "s" * 129}, "safety_identifier", "string_above_max_length"),
        ({"session_id": "s" * 129}, "session_id", "string_above_max_length"),
        ({"prompt_cache_key": "k" * 513}, "prompt_cache_key", "string_above_max_length"),
        ({"prompt_cache_retention": "forever"}, "prompt_cache_retention", "invalid_value"),
        ({"prompt_cache_options": {"ttl": "1y"}}, "prompt_cache_options.ttl", "invalid_value"),
        ({"metadata": []}, "metadata", "invalid_type"),
        ({"metadata": {"foo": 1}}, "metadata.foo", "invalid_type"),
        ({"metadata": {"foo": "x" * 513}}, "metadata.foo", "string_above_max_length"),
        ({"metadata": {"k" * 65: ""}}, f"metadata.{'k' * 64}", "string_above_max_length"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "object_above_max_properties"),
        ({"reasoning": {"effort": "heroic"}}, "reasoning.effort", "invalid_value"),
        ({"reasoning": "high"}, "reasoning", "invalid_type"),
        ({"reasoning_effort": "heroic"}, "reasoning_effort", "invalid_value"),
        ({"text": {"verbosity": 3}}, "text.verbosity", "invalid_type"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", "invalid_value"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.name", "missing_required_parameter"),
        (
            {"text": {"format": {"type": "json_schema", "name": "a"}}},
            "text.format.schema",
            "missing_required_parameter",
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "a b", "schema": {}}}},
            "text.format.name",
            "invalid_value",
        ),
        ({"moderation": {}}, "moderation.model", "missing_required_parameter"),
        ({"access_programs": {"cyber": "red"}}, "access_programs.cyber", "invalid_value"),
        ({"image": {"context_compression": 1}}, "image.context_compression", "invalid_type"),
        ({"fallbacks": ["a", "b", "c", "d"]}, "fallbacks", "array_above_max_length"),
        ({"router_candidates": [1]}, "router_candidates[0]", "invalid_type"),
        ({"route": "sideways"}, "route", "invalid_value"),
        ({"providers": {"sort": {"partition": "x"}}}, "providers.sort.partition", "invalid_value"),
        ({"conversation": {"id": 5}}, "conversation.id", "invalid_type"),
        (
            {"context_management": [{"type": "compaction", "compact_threshold": 10}]},
            "context_management[0].compact_threshold",
            "integer_below_min_value",
        ),
        ({"prompt": {"version": "1"}}, "prompt.id", "missing_required_parameter"),
        ({"prompt": {"id": "p", "variables": {"a": 1}}}, "prompt.variables", "invalid_type"),
        ({"input": 5}, "input", "invalid_type"),
        ({"input": ["hello"]}, "input[0]", "invalid_type"),
        ({"tools": {}}, "tools", "invalid_type"),
    ],
)
def test_every_field_is_checked_and_the_complaint_names_it(
    fields: dict[str, Any], param: str, code: str
) -> None:
    error = complaint(**fields)
    assert (error.param, error.code) == (param, code)
    assert not isinstance(error, UnsupportedParameter)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"temperature": "hot"},
            "Invalid type for 'temperature': expected a decimal, but got a string instead.",
        ),
        (
            {"temperature": 3},
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
        ),
        ({"model": None}, "Missing required parameter: 'model'."),
        ({"truncation": "x"}, "Invalid value: 'x'. Supported values are: 'auto' and 'disabled'."),
        (
            {"user": "u" * 513},
            "Invalid 'user': string too long. Expected a string with maximum length 512, "
            "but got a string with length 513 instead.",
        ),
        (
            {"input": 5},
            "Invalid type for 'input': expected one of a string or an array, but got an integer instead.",
        ),
    ],
)
def test_complaints_are_worded_as_openai_words_them(fields: dict[str, Any], message: str) -> None:
    assert complaint(**fields).message == message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"fallbacks": ["a/b"] * 4}, "fallbacks"),
        ({"fallbacks": ["a/b", ""]}, "fallbacks[1]"),
        ({"models": ["a/b"] * 21}, "models"),
        ({"route": "cheapest"}, "route"),
        ({"providers": {"order": "groq"}}, "providers.order"),
        ({"providers": {"sort": "quality"}}, "providers.sort"),
        ({"providers": {"max_price": {"prompt": -1}}}, "providers.max_price.prompt"),
        ({"providers": {"preferred_max_latency": 0}}, "providers.preferred_max_latency"),
        ({"provider": {"zdr": "yes"}}, "provider.zdr"),
        ({"provider": {}, "providers": {}}, "provider"),
    ],
)
def test_wishes_about_who_answers_are_checked(fields: dict[str, Any], param: str) -> None:
    assert complaint(**fields).param == param


@pytest.mark.parametrize(
    "fields",
    [
        {"background": True, "store": False},
        {"max_cost": 0},
        {"multi_agent": {"enabled": True}},
        {"generate": False},
    ],
)
def test_what_is_not_served_yet_is_refused_by_name(fields: dict[str, Any]) -> None:
    error = complaint(**fields)
    assert isinstance(error, UnsupportedParameter)
    assert (error.param, error.code) == (next(iter(fields)), "unsupported_parameter")


@pytest.mark.parametrize(
    "fields",
    [
        {"background": False, "fallbacks": [], "models": [], "provider": {}, "max_cost": None},
        {"multi_agent": {"enabled": False}},
        {"prompt_cache_options": {"mode": "explicit", "ttl": "12h", "prewarm": False}},
        dict.fromkeys(FIELDS - {"model", "input"}),
    ],
)
def test_what_is_not_asked_for_is_not_refused(fields: dict[str, Any]) -> None:
    ask(**fields)


def test_prewarming_a_cache_is_not_served() -> None:
    assert complaint(prompt_cache_options={"prewarm": True}).param == "prompt_cache_options.prewarm"


def test_null_means_left_out() -> None:
    request = ask(**dict.fromkeys(FIELDS - {"model", "input"}))
    assert request == ask()
    assert (request.stream, request.store, request.tools, request.include) == (False, True, [], [])


def test_a_whole_number_may_be_written_with_a_point() -> None:
    request = ask(max_output_tokens=100.0, top_k=5.0)
    assert (repr(request.max_output_tokens), repr(request.top_k)) == ("100", "5")


def test_fields_nobody_knows_are_kept_apart() -> None:
    request = ask(client_metadata={"a": 1}, extra="mine", image={"context_compression": "auto", "new": 1})
    assert request.extra == {
        "client_metadata": {"a": 1},
        "extra": "mine",
        "image": {"context_compression": "auto", "new": 1},
    }


def test_objects_are_carried_with_fields_nobody_knows() -> None:
    text = {"format": {"type": "json_schema", "name": "a", "schema": {"x": 1}, "new": 1}, "newer": 2}
    assert ask(text=text).text == text


def test_the_effort_may_stand_at_the_top() -> None:
    given = {"summary": "auto"}
    assert ask(reasoning_effort="low", reasoning=given).reasoning == {"summary": "auto", "effort": "low"}
    assert given == {"summary": "auto"}
    assert ask(reasoning_effort="low", reasoning={"effort": "low"}).reasoning == {"effort": "low"}
    assert complaint(reasoning_effort="low", reasoning={"effort": "high"}).param == "reasoning_effort"


def test_a_response_continues_a_response_or_a_conversation_but_not_both() -> None:
    error = complaint(previous_response_id="resp_1", conversation="conv_1")
    assert (error.param, error.code) == ("conversation", "mutually_exclusive_parameters")


def test_stream_options_are_for_streams() -> None:
    assert complaint(stream_options={"include_obfuscation": False}).param == "stream_options"
    assert ask(stream=True, stream_options={"include_obfuscation": False}).stream_options


@pytest.mark.parametrize("nothing", [None, "", []])
def test_there_must_be_something_to_answer(nothing: Any) -> None:
    error = complaint(input=nothing)
    assert (error.param, error.code) == ("input", "missing_required_parameter")
    assert ask(input=nothing, instructions="Say hello.").input in ("", [])
    assert ask(input=nothing, previous_response_id="resp_1").previous_response_id == "resp_1"


def test_the_limits_that_services_disagree_about_are_settings() -> None:
    strict = Limits(max_output_tokens_minimum=16, max_output_tokens_maximum=8000, user=200, store=False)
    assert complaint(strict, max_output_tokens=15).code == "integer_below_min_value"
    assert complaint(strict, max_output_tokens=8001).code == "integer_above_max_value"
    assert complaint(strict, user="u" * 201).param == "user"
    assert ask(strict).store is False
    assert ask(strict, store=True).store is True


def test_lists_are_bounded() -> None:
    few = Limits(tools=1, input_items=1)
    assert complaint(few, tools=[FUNCTION, FUNCTION]).code == "array_above_max_length"
    assert complaint(few, input=[{"role": "user", "content": "a"}] * 2).param == "input"


def test_counting_tokens_takes_a_personality() -> None:
    body = {"model": "sim/echo", "input": "hello", "personality": "friendly"}
    assert input_tokens_request(body, LIMITS).extra == {"personality": "friendly"}
    with pytest.raises(InvalidRequest) as caught:
        input_tokens_request({**body, "personality": 5}, LIMITS)
    assert caught.value.param == "personality"


def test_the_body_is_not_changed() -> None:
    body = {"model": "sim/echo", "input": [{"role": "user", "content": "a"}], "tools": [dict(FUNCTION)]}
    before = repr(body)
    create_response(body, LIMITS)
    assert repr(body) == before
