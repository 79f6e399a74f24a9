"""Background responses, with OpenAI's own library: created, polled, followed from anywhere, cancelled."""

from __future__ import annotations

import time
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response

from tests.contract.wire import Connection, frames
from tests.running import Running, running_gateway

MODEL = "sim/echo"
LONG = "count to 191"


def ended(client: OpenAI, response_id: str) -> Response:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        response = client.responses.retrieve(response_id)
        if response.status not in ("queued", "in_progress"):
            return response
        time.sleep(0.02)
    raise AssertionError(f"{response_id} is not made")


def followed(gateway: Running, response_id: str, query: str) -> bytes:
    """The body of a stream, as it comes over the wire."""
    with Connection(gateway, 20) as connection:
        connection.ask("GET", f"/v1/responses/{response_id}?stream=true{query}")
        assert connection.head().status == 200
        pieces = []
        while piece := connection.chunk():
            pieces.append(piece)
    return b"".join(pieces)


def test_it_is_created_and_polled(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="Hello, world!", background=True)
    assert (made.status, made.background, made.output) == ("queued", True, [])
    response = ended(client, made.id)
    assert (response.status, response.output_text) == ("completed", "Hello, world!")
    assert client.responses.retrieve(made.id).to_dict() == response.to_dict()
    listed = client.responses.input_items.list(made.id)
    assert [item.content[0].text for item in listed.data] == ["Hello, world!"]


def test_it_is_streamed_and_goes_on_from_every_event(client: OpenAI, gateway: Running) -> None:
    events = list(client.responses.create(model=MODEL, input=LONG, background=True, stream=True))
    assert len(events) >= 200
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:3]] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    response_id = events[0].response.id
    assert events[-1].response.to_dict() == client.responses.retrieve(response_id).to_dict()
    whole = followed(gateway, response_id, "")
    ends = [0]
    for frame in whole.split(b"\n\n")[:-2]:
        ends.append(ends[-1] + len(frame) + 2)
    assert len(ends) == len(events) + 1
    for after in range(len(events)):
        assert followed(gateway, response_id, f"&starting_after={after}") == whole[ends[after + 1] :]
    for after in (0, 100, len(events) - 2):
        rest = list(client.responses.retrieve(response_id, stream=True, starting_after=after))
        assert [event.to_dict() for event in rest] == [event.to_dict() for event in events[after + 1 :]]
    assert list(client.responses.retrieve(response_id, stream=True, starting_after=len(events) + 5)) == []


def test_what_is_replayed_is_what_was_first_delivered_byte_for_byte(gateway: Running) -> None:
    with Connection(gateway, 20) as connection:
        body = {"model": MODEL, "input": LONG, "background": True, "stream": True}
        connection.ask("POST", "/v1/responses", body)
        assert connection.head().status == 200
        pieces = []
        while piece := connection.chunk():
            pieces.append(piece)
    first = b"".join(pieces)
    response_id = next(iter(frames(first))).data["response"]["id"]
    assert followed(gateway, response_id, "") == first
    assert b'"obfuscation"' in first
    bare = followed(gateway, response_id, "&include_obfuscation=false")
    assert b'"obfuscation"' not in bare
    assert len(list(frames(bare))) == len(list(frames(first)))


def test_who_stops_reading_stops_nothing(client: OpenAI) -> None:
    stream = client.responses.create(model=MODEL, input="count to 20 slowly", background=True, stream=True)
    seen = [next(stream) for _ in range(5)]
    stream.close()
    response_id = seen[0].response.id
    rest = client.responses.retrieve(response_id, stream=True, starting_after=seen[-1].sequence_number)
    numbers = [event.sequence_number for event in (*seen, *rest)]
    assert numbers == list(range(len(numbers)))
    assert client.responses.retrieve(response_id).status == "completed"


def test_it_is_cancelled_while_it_is_made_and_stays_so(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="count to 100 slowly", background=True)
    reading = client.responses.retrieve(made.id, stream=True)
    for event in reading:
        if event.type == "response.output_text.delta":
            break
    with pytest.raises(openai.BadRequestError, match="in-flight"):
        client.responses.delete(made.id)
    cancelled = client.responses.cancel(made.id)
    assert cancelled.status == "cancelled"
    last = list(reading)[-1]
    assert last.type == "response.failed"
    assert last.response.to_dict() == cancelled.to_dict()
    assert client.responses.cancel(made.id).to_dict() == cancelled.to_dict()
    assert client.responses.retrieve(made.id).to_dict() == cancelled.to_dict()
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_a_foreground_response_is_neither_streamed_again_nor_cancelled(client: OpenAI) -> None:
    made = client.responses.create(model=MODEL, input="x")
    with pytest.raises(openai.BadRequestError, match="not created with background=true") as refused:
        client.responses.retrieve(made.id, stream=True)
    assert refused.value.param == "stream"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_none", stream=True)


def test_what_cannot_be_made_is_refused_at_once(client: OpenAI) -> None:
    wrong: list[dict[str, Any]] = [
        {"store": False},
        {"model": "none/model"},
        {"previous_response_id": "resp_none"},
        {"extra_body": {"adaptation": "strict", "top_k": 3}, "model": "sim/echo", "input": []},
    ]
    for fields in wrong:
        with pytest.raises(openai.BadRequestError):
            client.responses.create(**{"model": MODEL, "input": "x", "background": True, **fields})


def test_a_full_queue_says_when_to_come_back(tmp_path: Any) -> None:
    with running_gateway(tmp_path, background={"worker": False, "queue_per_project": 2}) as gateway:
        client = OpenAI(base_url=gateway.base_url, api_key=gateway.key, max_retries=0)
        for _ in range(2):
            client.responses.create(model=MODEL, input="x", background=True)
        with pytest.raises(openai.RateLimitError) as refused:
            client.responses.create(model=MODEL, input="x", background=True)
        assert refused.value.code == "queue_full"
        assert refused.value.response.headers["retry-after"] == "5"
