"""What the official compliance suite of Open Responses asserts over HTTP, against the specification as it
is, unamended. The requests are those of the suite, by the names of its tests.

For each: the status is exactly 200, the body is `application/json` and a response, it is completed and
its output is not empty. Those over a WebSocket are in test_official_sockets.py.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import pytest

from tests.contract import specifications
from tests.contract.wire import ask
from tests.running import Running

pytestmark = specifications.needed


def message(role: str, content: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content, **fields}


def png(side: int) -> str:
    """A grey image as a data URL."""

    def piece(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x80" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    image = (
        b"\x89PNG\r\n\x1a\n"
        + piece(b"IHDR", head)
        + piece(b"IDAT", zlib.compress(rows))
        + piece(b"IEND", b"")
    )
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "The city and state"}},
        "required": ["location"],
    },
}
REQUESTS: dict[str, dict[str, Any]] = {
    "basic-response": {"input": [message("user", "Say hello in exactly 3 words.")]},
    "assistant-phase": {
        "input": [
            message("user", "Count the words of this sentence."),
            message("assistant", "I am counting.", phase="commentary"),
            message("assistant", "There are six.", phase="final_answer"),
            message("user", "Are you sure?"),
        ]
    },
    "system-prompt": {
        "input": [message("system", "You are a pirate."), message("user", "Say hello.")],
    },
    "tool-calling": {
        "input": [message("user", "What's the weather like in San Francisco?")],
        "tools": [WEATHER],
    },
    "image-input": {
        "input": [
            message(
                "user",
                [
                    {"type": "input_text", "text": "What do you see in this image?"},
                    {"type": "input_image", "image_url": png(32)},
                ],
            )
        ]
    },
    "multi-turn": {
        "input": [
            message("user", "My name is Alice."),
            message("assistant", "Hello Alice! How can I help you today?"),
            message("user", "What is my name?"),
        ]
    },
}


def check(response: Any) -> None:
    specifications.open_responses(amended=False).check("ResponseResource", response)
    assert response["status"] == "completed"
    assert response["output"]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_of_the_suite_gets_what_the_suite_expects(gateway: Running, name: str) -> None:
    answer = ask(gateway, "POST", "/v1/responses", {"model": "sim/echo", **REQUESTS[name]})
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    check(answer.json())
    kinds = [item["type"] for item in answer.json()["output"]]
    assert kinds == (["function_call"] if name == "tool-calling" else ["message"])


@pytest.mark.parametrize("name", ["streaming-response", *REQUESTS])
def test_a_stream_of_the_suite_has_only_events_of_the_specification(gateway: Running, name: str) -> None:
    fields = REQUESTS.get(name) or {"input": [message("user", "Count from 1 to 5.")]}
    answer = ask(gateway, "POST", "/v1/responses", {"model": "sim/echo", "stream": True, **fields})
    assert answer.status == 200
    assert answer.events
    for event in answer.events:
        specifications.open_responses(amended=False).check_event(event)
    assert answer.events[-1]["type"] == "response.completed"
    check(answer.events[-1]["response"])


def test_an_output_without_its_call_is_refused(gateway: Running) -> None:
    lost = {"type": "function_call_output", "call_id": "call_openresponses_missing", "output": "x"}
    first = ask(gateway, "POST", "/v1/responses", {"model": "sim/echo", "input": "hello"}).json()
    body = {"model": "sim/echo", "input": [lost], "previous_response_id": first["id"]}
    assert ask(gateway, "POST", "/v1/responses", body).status == 400


CONVERSATION = [message("user", "Remember that my code name is Maple."), message("assistant", "Maple it is.")]


def test_a_compaction_of_the_suite_is_one(gateway: Running) -> None:
    body = {"model": "sim/echo", "prompt_cache_key": "suite", "input": CONVERSATION}
    answer = ask(gateway, "POST", "/v1/responses/compact", body)
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    specifications.open_responses(amended=False).check("CompactResource", answer.json())
    assert answer.json()["object"] == "response.compaction"
    assert [item["type"] for item in answer.json()["output"]] == ["message", "compaction"]


def test_a_chain_goes_on_from_a_compaction(gateway: Running) -> None:
    compacted = ask(gateway, "POST", "/v1/responses/compact", {"model": "sim/echo", "input": CONVERSATION})
    window = [*compacted.json()["output"], message("user", "What is my code name?")]
    answer = ask(gateway, "POST", "/v1/responses", {"model": "sim/echo", "input": window, "tools": []})
    assert answer.status == 200
    check(answer.json())


def test_a_compaction_without_a_model_is_refused(gateway: Running) -> None:
    answer = ask(gateway, "POST", "/v1/responses/compact", {"input": CONVERSATION})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "model")


def test_nothing_of_a_compaction_is_streamed(gateway: Running) -> None:
    body = {"model": "sim/echo", "input": CONVERSATION, "stream": True}
    answer = ask(gateway, "POST", "/v1/responses/compact", body)
    assert (answer.status, answer.json()["error"]["param"]) == (400, "stream")


def test_an_in_band_compaction_is_streamed_as_an_item(gateway: Running) -> None:
    asked = {"model": "sim/echo", "stream": True, "input": [*CONVERSATION, {"type": "compaction_trigger"}]}
    answer = ask(gateway, "POST", "/v1/responses", asked)
    for event in answer.events:
        specifications.open_responses(amended=False).check_event(event)
    assert [item["type"] for item in answer.events[-1]["response"]["output"]] == ["compaction"]
