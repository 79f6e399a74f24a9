"""Every body and every event that the gateway gives is valid by both published specifications."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract import specifications
from tests.contract.wire import Gateway, ask, create, made
from tests.running import Running

pytestmark = specifications.needed

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": False,
    },
}
NOTE = {"type": "custom", "name": "note", "format": {"type": "text"}}
CRM = {"type": "namespace", "name": "crm", "description": "Customers.", "tools": [WEATHER, NOTE]}
PERSON = {
    "type": "json_schema",
    "name": "person",
    "schema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    },
}
CALL = 'call tool get_weather with {"location": "Rome"}'
USER = {"role": "user", "content": "hello"}
ASKED = {"role": "user", "content": CALL}
CALLED = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"}
ANSWERED = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}

# What can be asked, and the status of the response that comes of it.
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("completed", {"input": "hello"}),
    "empty text": ("completed", {"input": "json {}"}),
    "every option": (
        "completed",
        {
            "input": [{"role": "system", "content": "s"}, {"role": "developer", "content": "d"}, USER],
            "instructions": "Be short.",
            "metadata": {"a": "b"},
            "temperature": 0,
            "top_p": 1,
            "top_k": 3,
            "presence_penalty": 1,
            "frequency_penalty": -1,
            "max_output_tokens": 100,
            "max_tool_calls": 2,
            "truncation": "auto",
            "service_tier": "flex",
            "safety_identifier": "s",
            "prompt_cache_key": "k",
            "user": "u",
            "text": {"verbosity": "low"},
            "parallel_tool_calls": False,
        },
    ),
    "a tool": ("completed", {"input": CALL, "tools": [WEATHER]}),
    "a tool, strict": ("completed", {"input": CALL, "tools": [{**WEATHER, "strict": True}]}),
    "a tool with nothing but a name": (
        "completed",
        {"input": "hello", "tools": [{"type": "function", "name": "look"}], "tool_choice": "none"},
    ),
    "tools in parallel": (
        "completed",
        {"input": f"{CALL} and {CALL}", "tools": [WEATHER], "tool_choice": "required"},
    ),
    "a tool demanded by name": (
        "completed",
        {"input": "hello", "tools": [WEATHER], "tool_choice": {"type": "function", "name": "get_weather"}},
    ),
    "allowed tools": (
        "completed",
        {
            "input": "hello",
            "tools": [WEATHER],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "get_weather"}],
            },
        },
    ),
    "a tool's output": ("completed", {"input": [ASKED, CALLED, ANSWERED], "tools": [WEATHER]}),
    "a custom tool": (
        "completed",
        {
            "input": "call tool note with x",
            "tools": [NOTE],
            "tool_choice": {"type": "custom", "name": "note"},
        },
    ),
    "tools in a namespace": (
        "completed",
        {"input": "call tool crm.get_weather and call tool crm.note with x", "tools": [CRM]},
    ),
    "structured": ("completed", {"input": "somebody", "text": {"format": PERSON}}),
    "structured, strict": (
        "completed",
        {"input": "somebody", "text": {"format": {**PERSON, "strict": True, "description": "One."}}},
    ),
    "any JSON": ("completed", {"input": "in json", "text": {"format": {"type": "json_object"}}}),
    "a refusal": ("completed", {"input": "please refuse this"}),
    "cut": ("incomplete", {"input": "count to 50", "max_output_tokens": 5}),
    "cut in a call": (
        "incomplete",
        {"input": CALL, "tools": [WEATHER], "max_output_tokens": 1},
    ),
    "filtered": ("incomplete", {"input": "trigger the content filter"}),
    "thoughts": ("completed", {"input": "think first then say hi", "reasoning": {"effort": "low"}}),
    "thoughts alone": ("completed", {"input": "think first then say", "reasoning": {"summary": "auto"}}),
    "sealed thoughts": (
        "completed",
        {"input": "think first then say hi", "include": ["reasoning.encrypted_content"], "store": False},
    ),
    "thoughts cut": ("incomplete", {"input": "think first then say hi", "max_output_tokens": 2}),
    "logprobs": (
        "completed",
        {"input": "hello you", "include": ["message.output_text.logprobs"], "top_logprobs": 2},
    ),
    "a failure": ("failed", {"input": "fail now"}),
    "a hang-up": ("failed", {"input": "disconnect now"}),
}
SUCCEED = [name for name, (status, _) in REQUESTS.items() if status != "failed"]


def both() -> tuple[specifications.Specification, specifications.Specification]:
    return specifications.open_responses(), specifications.openai()


def check_response(response: Any) -> None:
    ours, theirs = both()
    ours.check("ResponseResource", response)
    theirs.check("Response", response)


@pytest.mark.parametrize("name", SUCCEED)
def test_a_body_is_a_response(gateway: Running, name: str) -> None:
    status, fields = REQUESTS[name]
    response = made(gateway, **fields)
    assert response["status"] == status
    check_response(response)


@pytest.mark.parametrize("name", REQUESTS)
def test_every_event_of_a_stream_is_one_and_the_last_holds_what_is_stored(
    gateway: Running, name: str
) -> None:
    status, fields = REQUESTS[name]
    events = create(gateway, **fields, stream=True).events
    for event in events:
        for specification in both():
            specification.check_event(event)
    final = events[-1]["response"]
    assert (events[-1]["type"], final["status"]) == (f"response.{status}", status)
    if final["store"]:
        assert ask(gateway, "GET", f"/v1/responses/{final['id']}").json() == unsealed(final)


def unsealed(response: dict[str, Any]) -> dict[str, Any]:
    items = [{key: item[key] for key in item if key != "encrypted_content"} for item in response["output"]]
    return {**response, "output": items}


@pytest.mark.parametrize("name", SUCCEED)
def test_what_a_response_was_asked_with_can_be_listed(gateway: Running, name: str) -> None:
    first = made(gateway, **{**REQUESTS[name][1], "store": True})
    if any(item["type"].endswith("_call") for item in first["output"]):
        answers = [answer_to(item) for item in first["output"] if item["type"].endswith("_call")]
        second = made(gateway, answers, previous_response_id=first["id"])
    else:
        second = made(gateway, "more", previous_response_id=first["id"])
    check_response(second)
    items = ask(gateway, "GET", f"/v1/responses/{second['id']}/input_items?limit=100&order=asc").json()
    specifications.openai().check("ResponseItemList", items)
    assert items["first_id"] == items["data"][0]["id"]
    assert [item["type"] for item in items["data"]][-1] in (
        "message",
        "function_call_output",
        "custom_tool_call_output",
    )


def answer_to(call: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"{call['type']}_output", "call_id": call["call_id"], "output": "done"}


def test_a_response_is_deleted_in_openais_words(gateway: Running) -> None:
    response = made(gateway, "hello")
    deleted = ask(gateway, "DELETE", f"/v1/responses/{response['id']}")
    assert deleted.json() == {"id": response["id"], "object": "response", "deleted": True}


def test_tokens_are_counted_in_openais_form(gateway: Running) -> None:
    counted = ask(gateway, "POST", "/v1/responses/input_tokens", {"model": "sim/echo", "input": "hello"})
    specifications.openai().check("TokenCountsResource", counted.json())


def test_models_are_listed_in_openais_form(gateway: Running) -> None:
    listed = ask(gateway, "GET", "/v1/models").json()
    specifications.openai().check("ListModelsResponse", listed)
    for model in listed["data"]:
        found = ask(gateway, "GET", f"/v1/models/{model['id']}").json()
        assert found == model
        specifications.openai().check("Model", found)


REFUSED: dict[str, tuple[int, str, str, Any]] = {
    "no JSON": (400, "POST", "/v1/responses", b"{"),
    "no model": (400, "POST", "/v1/responses", {"input": "x"}),
    "an unknown model": (400, "POST", "/v1/responses", {"model": "none", "input": "x"}),
    "a wrong type": (400, "POST", "/v1/responses", {"model": "sim/echo", "input": 1}),
    "not served": (400, "POST", "/v1/responses", {"model": "sim/echo", "input": "x", "max_cost": 1}),
    "an unknown previous response": (
        400,
        "POST",
        "/v1/responses",
        {"model": "sim/echo", "input": "x", "previous_response_id": "resp_none"},
    ),
    "a lost output": (400, "POST", "/v1/responses", {"model": "sim/echo", "input": [ANSWERED]}),
    "a failure before the first word": (502, "POST", "/v1/responses", {"model": "sim/down", "input": "x"}),
    "the same, streamed": (
        502,
        "POST",
        "/v1/responses",
        {"model": "sim/down", "input": "x", "stream": True},
    ),
    "asked to wait": (429, "POST", "/v1/responses", {"model": "sim/echo", "input": "rate limit me"}),
    "timed out": (504, "POST", "/v1/responses", {"model": "sim/echo", "input": "time out now"}),
    "too long": (400, "POST", "/v1/responses", {"model": "sim/echo", "input": "overflow the context"}),
    "an unknown response": (404, "GET", "/v1/responses/resp_none", None),
    "deleting an unknown response": (404, "DELETE", "/v1/responses/resp_none", None),
    "items of an unknown response": (404, "GET", "/v1/responses/resp_none/input_items", None),
    "an unknown place": (404, "GET", "/v1/none", None),
    "an unknown method": (405, "PUT", "/v1/responses", {}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_has_openais_envelope(gateway: Running, name: str) -> None:
    status, method, path, body = REFUSED[name]
    answer = ask(gateway, method, path, body)
    assert answer.status == status
    specifications.openai().check("ErrorResponse", answer.json())
    specifications.open_responses().check("ErrorPayload", answer.error)


def test_who_gets_instead_of_opening_a_websocket_gets_the_same_envelope(gateway: Running) -> None:
    answer = ask(gateway, "GET", "/v1/responses")
    assert (answer.status, answer.error["code"]) == (426, "websocket_required")
    specifications.openai().check("ErrorResponse", answer.json())


def test_whoever_has_no_key_gets_the_same_envelope(gateway: Gateway) -> None:
    answer = ask(gateway, "GET", "/v1/models", keyed=False)
    assert answer.status == 401
    specifications.openai().check("ErrorResponse", answer.json())
