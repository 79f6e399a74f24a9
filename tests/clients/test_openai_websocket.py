"""OpenAI's own library over its WebSocket: what it parses, accumulates and routes is what was meant."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openai import AsyncOpenAI, AuthenticationError, OpenAI
from openai.lib.responses_websocket import (
    AsyncResponsesWebSocketSession,
    ResponsesWebSocketError,
    ResponsesWebSocketLimits,
    ResponsesWebSocketSession,
)
from openai.resources.responses.responses import ResponsesConnection
from openai.types.responses import Response
from websockets.exceptions import InvalidStatus

from tests.running import Running

LIMITS = ResponsesWebSocketLimits(
    max_lanes=8, max_events_per_lane=5_000, max_events=20_000, max_bytes_per_lane=10**7, max_bytes=10**8
)
ENDS = ("response.completed", "response.failed", "response.incomplete", "error")


def answer(connection: ResponsesConnection) -> list[Any]:
    events = [connection.recv()]
    while events[-1].type not in ENDS:
        events.append(connection.recv())
    return events


def asked(connection: ResponsesConnection, **fields: Any) -> Any:
    connection.response.create(model="sim/echo", **fields)
    return answer(connection)[-1]


def test_a_conversation_without_a_store(client: OpenAI) -> None:
    with client.responses.connect() as connection:
        warm = asked(connection, input="remember the elephant", store=False, generate=False).response
        assert warm.status == "completed"
        first = asked(connection, input="hello", store=False, previous_response_id=warm.id).response
        assert first.output_text == "hello"
        again = asked(connection, input="recall elephant", store=False, previous_response_id=first.id)
        assert again.response.output_text == "remember the elephant"


def test_every_event_is_of_the_type_that_it_names(client: OpenAI) -> None:
    tool: Any = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    with client.responses.connect() as connection:
        said = 'think first then call tool f with {"a": 1}'
        connection.response.create(model="sim/echo", input=said, tools=[tool], stream_id="a")
        for event in answer(connection):
            assert event.stream_id == "a"
            assert event.to_dict(exclude_unset=True)["type"] == event.type
            assert type(event).__name__.startswith("Response")


def test_a_refusal_is_an_error_that_says_where(client: OpenAI) -> None:
    with client.responses.connect() as connection:
        event = asked(connection, input="x", temperature=9.0)
        assert (event.type, event.status) == ("error", 400)
        assert (event.error.code, event.error.param) == ("decimal_above_max_value", "temperature")
        assert asked(connection, input="hello").response.output_text == "hello"


def test_a_wrong_key_opens_nothing(gateway: Running) -> None:
    stranger = OpenAI(base_url=gateway.base_url, api_key="sk-gateway-0", max_retries=0)
    with pytest.raises((AuthenticationError, InvalidStatus)) as refusal, stranger.responses.connect():
        pass
    assert "401" in str(refusal.value)


def test_steering_is_refused_as_it_expects(client: OpenAI) -> None:
    with client.responses.connect() as connection:
        connection.response.steer(input="rather no", previous_response_id="resp_1")
        event: Any = connection.recv()
        assert (event.type, event.error.code) == ("response.steer.failed", "steering_not_supported")
        assert (event.steer.input, event.steer.previous_response_id) == ("rather no", "resp_1")


def test_its_session_accumulates_what_we_say(client: OpenAI) -> None:
    with (
        client.responses.connect() as connection,
        ResponsesWebSocketSession(connection, limits=LIMITS) as session,
    ):
        lane = session.lane("a")
        lane.send({"type": "response.create", "model": "sim/echo", "input": "count to 50"})
        assert lane.get_final_response(timeout=10).output_text.endswith("50")


def test_after_a_failure_its_lane_hears_the_next_answer_and_not_the_last(client: OpenAI) -> None:
    with (
        client.responses.connect() as connection,
        ResponsesWebSocketSession(connection, limits=LIMITS) as session,
    ):
        lane = session.lane("a")
        for said in ("fail now", "fail before output", "hello"):
            lane.send({"type": "response.create", "model": "sim/echo", "input": said})
            try:
                last: Response | None = lane.get_final_response(timeout=10)
            except ResponsesWebSocketError:
                last = None
            assert (last.status if last is not None else None) == {
                "fail now": "failed",
                "fail before output": None,
                "hello": "completed",
            }[said]


async def test_its_lanes_are_answered_beside_one_another(gateway: Running) -> None:
    async with (
        AsyncOpenAI(base_url=gateway.base_url, api_key=gateway.key, max_retries=0) as client,
        client.responses.connect() as connection,
        AsyncResponsesWebSocketSession(connection, limits=LIMITS) as session,
    ):
        lanes = {name: session.lane(name) for name in "abcdef"}
        for name, lane in lanes.items():
            said = f"count to {ord(name) - 90} slowly"
            await lane.send({"type": "response.create", "model": "sim/echo", "input": said})
        finals = await asyncio.gather(*(lane.get_final_response() for lane in lanes.values()))
        ends = [final.output_text.split()[-1] for final in finals]
        assert ends == [str(ord(name) - 90) for name in lanes]
