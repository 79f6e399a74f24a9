"""OpenAI's own library, and a model that knows only functions: the client gets the items it asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.clients.scripted import Scripted, scripted_model
from tests.running import Running, running_gateway

MODEL = "scripted/model"
SQL: Any = {
    "type": "custom",
    "name": "sql",
    "format": {"type": "grammar", "syntax": "regex", "definition": "(?s)S.*"},
}
CRM: Any = {
    "type": "namespace",
    "name": "crm",
    "description": "Customers.",
    "tools": [{"type": "function", "name": "list", "parameters": {"type": "object"}, "strict": False}],
}
PATCH: Any = {"type": "apply_patch"}
SHELL: Any = {"type": "shell", "environment": {"type": "local"}}
QUERY = "SELECT \"ä\",\n\t'😀'"
OPERATION = {"type": "create_file", "path": "a.md", "diff": "+# ä\n+\n"}


@pytest.fixture
def model() -> Iterator[Scripted]:
    with scripted_model() as scripted:
        yield scripted


@pytest.fixture
def gateway(model: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    provider = {"dialect": "chat", "base_url": model.url, "api_key": "none"}
    with running_gateway(tmp_path_factory.mktemp("gateway"), providers={"scripted": provider}) as running:
        yield running


def client_of(gateway: Running, *, strict: bool = True) -> OpenAI:
    return OpenAI(
        base_url=gateway.base_url,
        api_key=gateway.key,
        max_retries=0,
        timeout=20,
        _strict_response_validation=strict,
    )


@pytest.fixture
def client(gateway: Running) -> OpenAI:
    return client_of(gateway)


def test_a_custom_tool_is_called_streamed_and_answered(model: Scripted, client: OpenAI) -> None:
    model.will_call("sql", {"input": QUERY})
    events = list(
        client.responses.create(
            model=MODEL, input="x", tools=[SQL], tool_choice={"type": "custom", "name": "sql"}, stream=True
        )
    )
    pieces = [event.delta for event in events if event.type == "response.custom_tool_call_input.delta"]
    assert "".join(pieces) == QUERY
    assert len(pieces) > 3
    response = events[-1].response
    (call,) = response.output
    assert (call.type, call.name, call.input) == ("custom_tool_call", "sql", QUERY)
    assert model.asked[0]["tool_choice"] == {"type": "function", "function": {"name": "sql"}}

    model.will_say("Two rows.")
    output: Any = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "2"}
    second = client.responses.create(
        model=MODEL, input=[output], tools=[SQL], previous_response_id=response.id
    )
    assert second.output_text == "Two rows."
    _, called, answered = model.asked[1]["messages"]
    (told,) = called["tool_calls"]
    assert json.loads(told["function"]["arguments"]) == {"input": QUERY}
    assert answered == {"role": "tool", "tool_call_id": told["id"], "content": "2"}


def test_an_input_that_is_not_of_the_grammar_is_mended_by_the_model(model: Scripted, client: OpenAI) -> None:
    model.will_call("sql", {"input": "DROP TABLE"})
    model.will_call("sql", {"input": QUERY})
    events = list(client.responses.create(model=MODEL, input="x", tools=[SQL], stream=True))
    (call,) = events[-1].response.output
    assert (call.input, call.status) == (QUERY, "completed")
    assert "DROP" not in "".join(event.model_dump_json() for event in events)
    _, called, answered = model.asked[1]["messages"]
    assert called["tool_calls"][0]["id"] == answered["tool_call_id"]
    assert "does not match the regular expression" in answered["content"]


def test_a_tool_of_a_namespace_is_called_by_both_names(model: Scripted, client: OpenAI) -> None:
    model.will_call("crm__list", {"page": 1})
    first = client.responses.create(model=MODEL, input="x", tools=[CRM])
    (call,) = first.output
    assert (call.type, call.namespace, call.name) == ("function_call", "crm", "list")
    assert [tool["function"]["name"] for tool in model.asked[0]["tools"]] == ["crm__list"]

    model.will_say("None.")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "[]"}
    items: Any = [{"role": "user", "content": "x"}, call.to_dict(), output]
    client.responses.create(model=MODEL, input=items, tools=[CRM])
    assert model.asked[1]["messages"][1]["tool_calls"][0]["function"]["name"] == "crm__list"


def test_a_patch_is_called_streamed_and_answered(model: Scripted, gateway: Running) -> None:
    model.will_call("apply_patch", OPERATION)
    client = client_of(gateway, strict=False)  # the library has no types for the events of a diff
    events: list[Any] = list(client.responses.create(model=MODEL, input="x", tools=[PATCH], stream=True))
    pieces = [
        event.delta for event in events if event.type == "response.apply_patch_call_operation_diff.delta"
    ]
    assert "".join(pieces) == OPERATION["diff"]
    stored = client_of(gateway).responses.retrieve(events[-1].response.id)
    (call,) = stored.output
    assert call.type == "apply_patch_call"
    assert call.operation.to_dict() == OPERATION

    model.will_say("Done.")
    output: Any = {
        "type": "apply_patch_call_output",
        "call_id": call.call_id,
        "status": "completed",
        "output": "ok",
    }
    second = client.responses.create(
        model=MODEL, input=[output], tools=[PATCH], previous_response_id=stored.id
    )
    assert second.output_text == "Done."
    _, called, answered = model.asked[1]["messages"]
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == OPERATION
    assert json.loads(answered["content"]) == {"status": "completed", "output": "ok"}


def test_a_shell_is_called_and_streamed(model: Scripted, client: OpenAI) -> None:
    model.will_call("shell", {"commands": ["ls", "pwd"]})
    events: list[Any] = list(client.responses.create(model=MODEL, input="x", tools=[SHELL], stream=True))
    done = [event.command for event in events if event.type == "response.shell_call_command.done"]
    assert done == ["ls", "pwd"]
    (call,) = events[-1].response.output
    assert (call.type, call.action.commands) == ("shell_call", ["ls", "pwd"])


def test_what_was_adapted_is_told_with_its_place_in_the_request(model: Scripted, client: OpenAI) -> None:
    model.will_say("Hi.")
    tools: Any = [{"type": "web_search"}, SQL]
    answer = client.responses.with_raw_response.create(model=MODEL, input="x", tools=tools)
    told = answer.headers["x-antiphon-adaptations"]
    assert "tools[0]: dropped" in told
    assert "tools[1]: emulated" in told


def test_tools_are_counted_as_what_they_are_offered_as(model: Scripted, client: OpenAI) -> None:
    bare = client.responses.input_tokens.count(model=MODEL, input="x").input_tokens
    with_tools = client.responses.input_tokens.count(model=MODEL, input="x", tools=[SQL, CRM]).input_tokens
    assert with_tools > bare + 20
    assert model.asked == []
