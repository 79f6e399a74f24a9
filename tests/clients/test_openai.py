"""OpenAI's own library, unmodified, against the gateway. Its strict mode checks the type of every field."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import Model
from pydantic import BaseModel

from tests.running import Running

MODEL = "sim/echo"
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a place.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": False,
    },
    "strict": True,
}


def test_a_response_is_created_read_again_and_deleted_for_good(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="Hello, world!")
    assert made.output_text == "Hello, world!"
    assert client.responses.retrieve(made.id).to_dict() == made.to_dict()
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=MODEL, input="more", previous_response_id=made.id)
    assert refused.value.code == "previous_response_not_found"


def test_a_stream_adds_up_to_the_stored_response(client: OpenAI) -> None:
    with client.responses.stream(model=MODEL, input="count to 5") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text == final.output_text == "1 2 3 4 5"
    assert client.responses.retrieve(final.id).output_text == text


def test_the_events_come_numbered_and_end_once(client: OpenAI) -> None:
    events = list(client.responses.create(model=MODEL, input="count to 3", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events][-1] == "response.completed"


def test_a_conversation_goes_on_from_a_response(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="one")
    second = client.responses.create(model=MODEL, input="two", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    listed = client.responses.input_items.list(second.id, order="asc")
    assert [item.content[0].text for item in listed.data] == ["one", "one", "two"]
    page = client.responses.input_items.list(second.id, limit=2)
    assert (page.has_more, len(page.data)) == (True, 2)
    assert len(list(page)) == 3  # the library follows the pages


def test_a_tool_is_called_and_its_output_taken_back(client: OpenAI) -> None:
    first = client.responses.create(
        model=MODEL, input="What's the weather like in San Francisco?", tools=[WEATHER]
    )
    call = first.output[0]
    assert call.type == "function_call"
    assert "San Francisco" in call.arguments
    second = client.responses.create(
        model=MODEL,
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}],
    )
    assert second.output_text == "tool result: sunny"


def test_parallel_calls_stay_distinct(client: OpenAI) -> None:
    text = 'call tool get_weather with {"location":"a"} and call tool get_weather with {"location":"b"}'
    with client.responses.stream(model=MODEL, input=text, tools=[WEATHER]) as stream:
        calls = [item for item in stream.get_final_response().output if item.type == "function_call"]
    assert [call.arguments for call in calls] == ['{"location":"a"}', '{"location":"b"}']
    assert len({call.call_id for call in calls}) == len({call.id for call in calls}) == 2


def test_structured_output_parses(client: OpenAI) -> None:
    class Person(BaseModel):
        name: str
        age: int
        tags: list[str]

    parsed = client.responses.parse(model=MODEL, input="a person", text_format=Person)
    assert isinstance(parsed.output_parsed, Person)


def test_thoughts_come_first_and_are_sealed_when_asked_for(client: OpenAI) -> None:
    made = client.responses.create(
        model=MODEL,
        input="think first then say hello",
        include=["reasoning.encrypted_content"],
        store=False,
    )
    thought, message = made.output
    assert thought.type == "reasoning"
    assert thought.encrypted_content
    assert message.type == "message"
    again: Any = [item.to_dict() for item in made.output]
    more = client.responses.create(
        model=MODEL, input=[*again, {"role": "user", "content": "and?"}], store=False
    )
    assert more.output_text == "and?"


def test_a_refusal_is_a_part_of_its_own(client: OpenAI) -> None:
    with client.responses.stream(model=MODEL, input="please refuse this") as stream:
        kinds = [event.type for event in stream]
        part = stream.get_final_response().output[0].content[0]
    assert "response.refusal.delta" in kinds
    assert part.type == "refusal"


def test_what_the_token_limit_cuts_is_incomplete_and_counted(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="count to 50", max_output_tokens=5)
    assert made.status == "incomplete"
    assert made.incomplete_details is not None
    assert made.incomplete_details.reason == "max_output_tokens"
    assert made.usage is not None
    assert made.usage.output_tokens == 5


def test_a_failure_in_the_stream_is_told_and_keeps_what_was_said(client: OpenAI) -> None:
    events = list(client.responses.create(model=MODEL, input="fail now", stream=True))
    assert [event.type for event in events][-2:] == ["error", "response.failed"]
    failed = events[-1].response
    assert failed.output_text
    assert client.responses.retrieve(failed.id).status == "failed"


def test_a_failure_before_the_first_word_is_a_status(client: OpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model="sim/down", input="hello", stream=True)


def test_errors_have_the_classes_of_the_library(client: OpenAI, gateway: Running) -> None:
    with pytest.raises(openai.AuthenticationError):
        OpenAI(base_url=gateway.base_url, api_key="sk-other", max_retries=0).models.list()
    with pytest.raises(openai.BadRequestError) as unknown:
        client.responses.create(model="sim/none", input="x")
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as hot:
        client.responses.create(model=MODEL, input="x", temperature=3)
    assert hot.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as later:
        client.responses.create(model=MODEL, input="x", background=True, store=False)
    assert (later.value.code, later.value.param) == ("unsupported_parameter", "background")
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_none")


def test_only_background_responses_can_be_cancelled(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="x")
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        client.responses.cancel(made.id)


def test_input_tokens_are_those_of_the_usage(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="How many tokens are these?")
    counted = client.responses.input_tokens.count(model=MODEL, input="How many tokens are these?")
    assert made.usage is not None
    assert counted.input_tokens == made.usage.input_tokens


def test_the_models_are_listed_and_found(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert MODEL in names
    model = client.models.retrieve(MODEL)
    assert model.id == MODEL
    assert Model.model_validate(model.to_dict(), strict=True).owned_by == "sim"
    assert (model.model_extra or {})["pricing"] == {"input": 0.0, "output": 0.0}


def test_logprobs_come_when_asked_for(client: OpenAI) -> None:
    made = client.responses.create(
        model=MODEL, input="hello", include=["message.output_text.logprobs"], top_logprobs=2
    )
    part = made.output[0].content[0]
    assert part.logprobs


def test_a_conversation_is_kept_and_gone_on_with(client: OpenAI) -> None:
    conversation = client.conversations.create(
        items=[{"role": "user", "content": "zero"}], metadata={"topic": "numbers"}
    )
    response = client.responses.create(model=MODEL, input="recall zero", conversation=conversation.id)
    assert response.output_text == "zero"
    assert response.conversation is not None
    assert response.conversation.id == conversation.id
    assert client.conversations.retrieve(conversation.id).metadata == {"topic": "numbers"}
    assert client.conversations.update(conversation.id, metadata={"a": "b"}).metadata == {"a": "b"}
    added = client.conversations.items.create(
        conversation.id, items=[{"type": "message", "role": "user", "content": str(n)} for n in range(5)]
    )
    listed = list(client.conversations.items.list(conversation.id, limit=3, order="asc"))
    assert [item.id for item in listed][-5:] == [item.id for item in added.data]
    assert len(listed) == 3 + 5
    one = client.conversations.items.retrieve(listed[0].id, conversation_id=conversation.id)
    assert one == listed[0]
    left = client.conversations.items.delete(listed[0].id, conversation_id=conversation.id)
    assert left.id == conversation.id
    with pytest.raises(openai.NotFoundError):
        client.conversations.items.retrieve(listed[0].id, conversation_id=conversation.id)
    assert client.conversations.delete(conversation.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(conversation.id)
