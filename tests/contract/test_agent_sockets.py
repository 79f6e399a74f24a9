"""What real agents said over their WebSockets, said again: each connection from its handshake to its end.

Captures are those of `test_agents`. A handshake is a GET with `Sec-WebSocket-Key`; the messages that follow
it in its folder were sent over it. What they continue is replaced by what was answered here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import specifications
from tests.contract.test_agents import FILES, OWN, needed
from tests.edge.sockets import Socket, socket
from tests.running import Running

pytestmark = [needed, specifications.needed]


def conversations() -> Iterator[tuple[Path, dict[str, str], list[dict[str, Any]]]]:
    """The file of the handshake, its headers, and what was said."""
    found: list[tuple[Path, dict[str, str], list[dict[str, Any]]]] = []
    for file in FILES:
        capture = json.loads(file.read_text())
        if capture.get("type") == "response.create":
            assert found[-1][0].parent == file.parent
            found[-1][2].append(capture)
        elif any(name.lower() == "sec-websocket-key" for name in capture.get("headers", {})):
            found.append((file, capture["headers"], []))
    return (each for each in found if each[2])


CONVERSATIONS = {f"{file.parent.name}/{file.stem}": rest for file, *rest in conversations()}


def retold(said: dict[str, Any], last: dict[str, Any] | None) -> dict[str, Any]:
    """With the ids of the response that was made here, and of its calls, in place of those of the capture."""
    told = {**said, "model": "sim/echo"}
    if last is None or "previous_response_id" not in said:
        return told
    if isinstance(said["input"], str):
        return {**told, "previous_response_id": last["id"]}
    calls = (item["call_id"] for item in last["output"] if "call_id" in item)
    given = [
        {**item, "call_id": next(calls)} if item.get("type", "").endswith("_call_output") else item
        for item in said["input"]
    ]
    return {**told, "previous_response_id": last["id"], "input": given}


def answered(client: Socket, said: dict[str, Any]) -> dict[str, Any]:
    client.send(**said)
    *events, end = client.answer()
    assert end["type"] == "response.completed", end
    for event in (*events, end):
        specifications.openai().check_event(event)
    response: dict[str, Any] = end["response"]
    assert bool(response["output"]) == (said.get("generate") is not False)
    return response


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_each_message_of_a_real_agent_is_answered(gateway: Running, name: str) -> None:
    headers, messages = CONVERSATIONS[name]
    kept = {
        key: value
        for key, value in headers.items()
        if key.lower() not in OWN and not key.lower().startswith("sec-websocket")
    }
    last = None
    with socket(gateway, headers=kept, user_agent_header=None) as client:
        for said in messages:
            last = answered(client, retold(said, last))


def test_there_are_some() -> None:
    assert {"codex-ws", "openai-node-7.55", "openai-agents-py-0.24"} <= {
        name.partition("/")[0] for name in CONVERSATIONS
    }
