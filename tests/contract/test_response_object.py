"""The response object: all 31 keys of Open Responses and four of ours, each with a concrete value."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.wire import ask, create, made
from tests.running import Running

# What an unexceptional response has where its request says nothing; types where the value is of the moment.
SILENT: dict[str, Any] = {
    "object": "response",
    "status": "completed",
    "incomplete_details": None,
    "error": None,
    "model": "sim/echo",
    "previous_response_id": None,
    "instructions": None,
    "tools": [],
    "tool_choice": "auto",
    "truncation": "disabled",
    "parallel_tool_calls": True,
    "text": {"format": {"type": "text"}},
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "top_logprobs": 0,
    "temperature": 1,
    "reasoning": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "store": True,
    "background": False,
    "service_tier": "default",  # that which served
    "metadata": {},
    "safety_identifier": None,
    "prompt_cache_key": None,
    # ours
    "cost": 0.0,
    "cost_details": {
        "currency": "USD",
        "source": "prices",
        "attempts": 1,
        "input": 0.0,
        "output": 0.0,
        "tools": 0.0,
    },
    "provider": "sim",
    "adaptations": [],
    "conversation": None,
}
OF_THE_MOMENT = {
    "id": str,
    "created_at": int,
    "completed_at": int,
    "output": list,
    "usage": dict,
}


def test_it_has_all_keys_and_no_other(gateway: Running) -> None:
    response = made(gateway, "hello")
    assert {key: value for key, value in response.items() if key not in OF_THE_MOMENT} == SILENT
    assert {key: type(response[key]) for key in OF_THE_MOMENT} == OF_THE_MOMENT
    assert len(response) == 31 + 5
    assert response["id"].startswith("resp_")
    assert response["completed_at"] >= response["created_at"]


def test_its_message_has_all_keys_too(gateway: Running) -> None:
    [message] = made(gateway, "hello")["output"]
    assert message.pop("id").startswith("msg_")
    part = {"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}
    assert message == {"type": "message", "role": "assistant", "status": "completed", "content": [part]}


def test_usage_is_counted_in_five_numbers(gateway: Running) -> None:
    usage = made(gateway, "think first then say one two", reasoning={"effort": "low"})["usage"]
    assert usage["input_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": 0}
    assert 0 < usage["output_tokens_details"]["reasoning_tokens"] < usage["output_tokens"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


ECHOED: dict[str, Any] = {
    "instructions": "Be short.",
    "metadata": {"a": "b"},
    "temperature": 0.5,
    "top_p": 0.25,
    "presence_penalty": 1.5,
    "frequency_penalty": -2,
    "top_logprobs": 3,
    "max_output_tokens": 16,
    "max_tool_calls": 2,
    "parallel_tool_calls": False,
    "truncation": "auto",
    "safety_identifier": "someone",
    "prompt_cache_key": "key",
    "store": False,
    "user": "u",
    "top_k": 40,
    "reasoning": {"effort": "high", "summary": "detailed"},
    "tool_choice": "none",
}


@pytest.mark.parametrize("name", ECHOED)
def test_what_was_asked_is_echoed(gateway: Running, name: str) -> None:
    assert made(gateway, "hello", **{name: ECHOED[name]})[name] == ECHOED[name]


def test_a_function_tool_is_echoed_with_all_its_keys(gateway: Running) -> None:
    tool = {"type": "function", "name": "look"}
    [echoed] = made(gateway, "hello", tools=[tool])["tools"]
    assert echoed == {**tool, "description": None, "parameters": None, "strict": None}


def test_a_format_is_echoed_with_all_its_keys(gateway: Running) -> None:
    shape = {"type": "json_schema", "name": "any", "schema": {"type": "object"}}
    echoed = made(gateway, "hello", text={"format": shape})["text"]["format"]
    assert echoed == {**shape, "description": None, "strict": False}


def test_effort_at_the_top_level_is_the_same_as_in_reasoning(gateway: Running) -> None:
    assert made(gateway, "hello", reasoning_effort="low")["reasoning"] == {"effort": "low", "summary": None}


def test_a_response_that_failed_says_why_and_was_not_completed(gateway: Running) -> None:
    failed = create(gateway, "fail now", stream=True).events[-1]["response"]
    assert failed["error"].keys() == {"code", "message"}
    assert (failed["error"]["code"], failed["completed_at"]) == ("server_error", None)
    assert failed["output"][0]["status"] == "incomplete"
    assert failed["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/v3/responses", "/v3/llm/responses"])
def test_all_four_paths_make_responses(gateway: Running, path: str) -> None:
    body = {"model": "sim/echo", "input": "hello"}
    response = ask(gateway, "POST", path, body).json()
    assert response["output"][0]["content"][0]["text"] == "hello"
    events = ask(gateway, "POST", path, {**body, "stream": True}).events
    assert events[-1]["response"]["output"][0]["content"] == response["output"][0]["content"]
    assert ask(gateway, "GET", path).status == 426
