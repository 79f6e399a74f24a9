"""OpenAI's own library asks for objects of a class; the model that answers knows schemas from words alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest
from openai import InternalServerError, OpenAI
from pydantic import BaseModel, Field

from tests.clients.scripted import Scripted, scripted_model
from tests.clients.upstream import Upstream, upstream
from tests.running import Running, running_gateway

MODEL = "scripted/model"
FIT = '{"name": "Rome", "people": 3, "twins": [{"name": "Paris", "people": 4, "twins": []}]}'
HEARTBEAT = 1.0  # seconds
PROSE = "Rome has three people."


class City(BaseModel):
    name: str = Field(pattern="^[A-Z]")
    people: int = Field(ge=0)
    twins: list[City]


ROME = City.model_validate_json(FIT)


@pytest.fixture
def model() -> Iterator[Scripted]:
    with scripted_model() as scripted:
        yield scripted


@pytest.fixture
def claude() -> Iterator[Upstream]:
    with upstream() as known:
        yield known


@pytest.fixture
def gateway(model: Scripted, claude: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    providers = {
        "scripted": {
            "dialect": "chat",
            "base_url": model.url,
            "api_key": "none",
            "quirks": {"json_schema": False},
        },
        "claude": {"dialect": "anthropic", "base_url": claude.url, "api_key": "none"},
    }
    folder = tmp_path_factory.mktemp("gateway")
    with running_gateway(
        folder, providers=providers, requests={"corrections": 1}, stream={"heartbeat": HEARTBEAT}
    ) as running:
        yield running


@pytest.fixture
def client(gateway: Running) -> OpenAI:
    return OpenAI(
        base_url=gateway.base_url,
        api_key=gateway.key,
        max_retries=0,
        timeout=20,
        _strict_response_validation=True,
    )


@pytest.mark.parametrize("answer", [FIT, f"Here:\n```json\n{FIT}\n```"])
def test_an_object_is_parsed_from_a_body(model: Scripted, client: OpenAI, answer: str) -> None:
    model.will_say(answer)
    response = client.responses.parse(model=MODEL, input="Rome?", text_format=City)
    assert response.output_parsed == ROME
    assert response.output_text == FIT


def test_an_object_is_parsed_from_a_stream(model: Scripted, client: OpenAI) -> None:
    model.answers.append([{"content": piece} for piece in FIT])
    with client.responses.stream(model=MODEL, input="Rome?", text_format=City) as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        assert stream.get_final_response().output_parsed == ROME
    assert pieces == list(FIT)


@pytest.mark.parametrize("unfit", [PROSE, '{"name": "rome", "people": 3, "twins": []}', '{"name": "Rome"}'])
def test_an_unfit_answer_is_asked_for_again(model: Scripted, client: OpenAI, unfit: str) -> None:
    model.will_say(unfit)
    model.will_say(FIT)
    response = client.responses.parse(model=MODEL, input="Rome?", text_format=City)
    assert response.output_parsed == ROME
    *_, shown, complaint = model.asked[1]["messages"]
    assert shown == {"role": "assistant", "content": unfit}
    assert complaint["role"] == "user"
    (told,) = [each for each in response.to_dict()["adaptations"] if "again" in str(each)]
    assert told == {
        "param": "text.format",
        "action": "emulated",
        "detail": "the model was asked again once: its answer did not fit",
    }


@pytest.mark.parametrize("stream", [False, True])
def test_what_never_fits_is_a_status_and_not_prose(model: Scripted, client: OpenAI, stream: bool) -> None:
    model.will_say(PROSE)
    model.will_say(PROSE)
    schema: Any = {"type": "json_schema", "name": "city", "schema": {"type": "object"}, "strict": True}
    with pytest.raises(InternalServerError) as failed:
        client.responses.create(model=MODEL, input="Rome?", text={"format": schema}, stream=stream)
    assert failed.value.status_code == 502
    assert failed.value.code == "invalid_structured_output"
    assert PROSE not in failed.value.message
    assert len(model.asked) == 2


def test_a_stream_is_kept_alive_and_then_fails_in_its_own_words(model: Scripted, gateway: Running) -> None:
    model.will_say(PROSE)
    model.will_say(PROSE)
    model.pace = HEARTBEAT * 0.8  # twice in each of two answers
    schema = {"type": "json_schema", "name": "city", "schema": {"type": "object"}, "strict": True}
    body = {"model": MODEL, "input": "Rome?", "stream": True, "text": {"format": schema}}
    asked = Request(f"{gateway.base_url}/responses", json.dumps(body).encode(), gateway.headers)
    with urlopen(asked, timeout=20) as answer:
        said = answer.read().decode()
    assert answer.status == 200
    assert ": ping" in said
    names = re.findall("^event: (.*)$", said, re.MULTILINE)
    assert names == ["response.created", "response.in_progress", "error", "response.failed"]
    assert '"code":"invalid_structured_output"' in said
    assert PROSE not in said


def test_a_tool_may_be_called_before_the_answer(model: Scripted, client: OpenAI) -> None:
    tool: Any = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}
    model.will_call("look", {})
    model.will_say(FIT)
    first = client.responses.parse(model=MODEL, input="Rome?", text_format=City, tools=[tool])
    (call,) = first.output
    assert call.type == "function_call"
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "3"}
    second = client.responses.parse(
        model=MODEL, input=[output], text_format=City, tools=[tool], previous_response_id=first.id
    )
    assert second.output_parsed == ROME


def test_without_strict_prose_may_come(model: Scripted, client: OpenAI) -> None:
    schema: Any = {"type": "json_schema", "name": "city", "schema": {"type": "object"}, "strict": False}
    model.will_say(PROSE)
    response = client.responses.create(model=MODEL, input="Rome?", text={"format": schema})
    assert response.output_text == PROSE
    assert json.dumps(model.asked[0]).count("JSON schema") == 1


def by_tool(value: Any) -> tuple[int, Any]:
    block = {"type": "tool_use", "id": "toolu_1", "name": "antiphon_answer", "input": value}
    used = {"input_tokens": 3, "output_tokens": 1}
    return 200, {"type": "message", "content": [block], "stop_reason": "tool_use", "usage": used}


def test_an_answer_through_a_tool_is_held_to_the_schema_too(claude: Upstream, client: OpenAI) -> None:
    claude.answers = [by_tool({"name": "Rome", "people": "three"}), by_tool(json.loads(FIT))]
    response = client.responses.parse(
        model="claude/claude-3-5-haiku-20241022", input="Rome?", text_format=City
    )
    assert response.output_parsed == ROME
    assert response.usage is not None
    assert response.usage.total_tokens == 8
    _, shown, complaint = claude.asked[1]["messages"]
    assert json.loads(shown["content"][0]["text"]) == {"name": "Rome", "people": "three"}
    assert "at /people" in complaint["content"][0]["text"]


def test_bounds_that_a_native_schema_cannot_tell_are_held_too(claude: Upstream, client: OpenAI) -> None:
    class Place(BaseModel):
        people: int = Field(ge=0)

    def spoken(text: str) -> tuple[int, Any]:
        content = [{"type": "text", "text": text}]
        return 200, {"type": "message", "content": content, "stop_reason": "end_turn"}

    claude.answers = [spoken('{"people": -1}'), spoken('{"people": 1}')]
    response = client.responses.parse(model="claude/claude-sonnet-4-5", input="Rome?", text_format=Place)
    assert response.output_parsed == Place(people=1)
    assert "minimum" in claude.asked[1]["messages"][-1]["content"][0]["text"]
