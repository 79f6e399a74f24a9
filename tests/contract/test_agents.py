"""Requests that real agents and libraries sent, as they sent them, to the simulated model.

The files live outside the project, in the folder named by ANTIPHON_CAPTURES: one folder a client, one
JSON file a request (`method`, `path`, `query`, `headers`, `body`) or a message over a WebSocket (the
message itself).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import specifications
from tests.contract.wire import Answer, ask, frames
from tests.running import Running, running_gateway

FOLDER = Path(os.environ.get("ANTIPHON_CAPTURES", ""))
FILES = sorted(FOLDER.glob("**/*.json")) if FOLDER.name else []
needed = pytest.mark.skipif(not FILES, reason="ANTIPHON_CAPTURES is not set: no requests of real agents here")

# What is refused with 400 `unsupported_parameter`, and nothing else may be.
NOT_YET = {"background", "generate"}
# What goes on from something that is not here: a response, a conversation, an item, or what somebody else
# sealed.
UNKNOWN = {(400, "previous_response_id"), (400, "input[1].id"), (404, "conversation")}
# Every field of the surface at once, which excludes itself.
SENSELESS = "create_all_params.json"
# Headers that are about the connection, or ours to set.
OWN = {
    "host",
    "content-length",
    "connection",
    "authorization",
    "accept-encoding",
    "upgrade",
    "transfer-encoding",
}


def requests() -> Iterator[tuple[Path, dict[str, Any], list[tuple[str, str]]]]:
    for file in FILES:
        capture = json.loads(file.read_text())
        body, headers = capture.get("body"), capture.get("headers", {})
        if capture.get("type") == "response.create":
            body = {key: value for key, value in capture.items() if key != "type"}
        elif capture.get("method") != "POST" or not capture["path"].endswith("/responses"):
            continue
        if file.name != SENSELESS:
            kept = [(name, str(value)) for name, value in headers.items() if name.lower() not in OWN]
            kept = [(name, value) for name, value in kept if not name.lower().startswith("sec-websocket")]
            yield file, {**body, "model": "sim/echo"}, kept


def refers(body: dict[str, Any]) -> bool:
    given = body["input"] if isinstance(body["input"], list) else []
    return bool(body.get("previous_response_id") or body.get("conversation")) or any(
        item.get("type") == "item_reference" for item in given
    )


def sealed(body: dict[str, Any]) -> str | None:
    """The path of the first thing in the request that is sealed."""
    given = body["input"] if isinstance(body["input"], list) else []
    sealed_at = (at for at, item in enumerate(given) if item.get("encrypted_content"))
    return next((f"input[{at}].encrypted_content" for at in sealed_at), None)


def check_success(answer: Answer, streamed: bool) -> dict[str, Any]:
    """The response, after a look at each event."""
    if not streamed:
        response: dict[str, Any] = answer.json()
        specifications.openai().check("Response", response)
        return response
    for event in frames(answer.body):
        if event.name not in (":", "[DONE]"):
            specifications.openai().check_event(event.data)
    return dict(answer.events[-1]["response"])


@needed
@specifications.needed
def test_every_request_of_a_real_agent_is_answered_or_refused_by_name(gateway: Running) -> None:
    served, refused = 0, set()
    for file, body, headers in requests():
        answer = ask(gateway, "POST", "/v1/responses", body, headers)
        if answer.status == 400 and answer.error["code"] == "unsupported_parameter":
            refused.add(answer.error["param"])
            continue
        if refers(body):
            assert (answer.status, answer.error["param"]) in UNKNOWN, (file, answer.body[:500])
            continue
        if (path := sealed(body)) is not None:
            assert (answer.status, answer.error["param"]) == (400, path), (file, answer.body[:500])
            assert answer.error["code"] == "invalid_encrypted_content"
            continue
        assert answer.status == 200, (file, answer.body[:500])
        response = check_success(answer, bool(body.get("stream")))
        asked_to_fail = "fail now" in str(body["input"])  # which the simulated model does
        assert (response["status"] == "failed") == asked_to_fail, file
        assert response["status"] != "incomplete" or body.get("max_output_tokens"), file
        check_adaptations(answer, body)
        served += 1
    assert refused <= NOT_YET
    assert served >= 120, served


def check_adaptations(answer: Answer, body: dict[str, Any]) -> None:
    """Each hosted tool that was left out is named, with its place in the request."""
    hosted = [
        f"tools[{at}]: dropped, this model has no {tool['type']} tool"
        for at, tool in enumerate(body.get("tools") or ())
        if tool["type"] not in ("function", "custom", "namespace")
    ]
    told = (answer.header("x-antiphon-adaptations") or "").split("; ") if hosted else []
    assert told[: len(hosted)] == hosted


def test_a_hosted_tool_is_left_out_and_that_is_told_also_in_a_stream(gateway: Running) -> None:
    for stream in (False, True):
        body = {"model": "sim/echo", "input": "hello", "tools": [{"type": "web_search"}], "stream": stream}
        answer = ask(gateway, "POST", "/v1/responses", body)
        assert answer.status == 200
        told = {"param": "tools[0]", "action": "dropped", "detail": "this model has no web_search tool"}
        response = answer.events[-1]["response"] if stream else answer.json()
        assert response["adaptations"] == [told]
        assert (
            answer.header("x-antiphon-adaptations") == "tools[0]: dropped, this model has no web_search tool"
        )


def test_what_was_adapted_is_kept_with_the_response(gateway: Running) -> None:
    body = {"model": "sim/echo", "input": "hello", "tools": [{"type": "web_search"}]}
    response = ask(gateway, "POST", "/v1/responses", body).json()
    read = ask(gateway, "GET", f"/v1/responses/{response['id']}").json()
    assert [told["param"] for told in read["adaptations"]] == ["tools[0]"]


def test_who_asks_strictly_is_refused_what_cannot_be_asked_exactly(gateway: Running) -> None:
    body = {
        "model": "sim/echo",
        "input": "hello",
        "tools": [{"type": "web_search"}],
        "adaptation": "strict",
    }
    answer = ask(gateway, "POST", "/v1/responses", body)
    assert (answer.status, answer.error["code"]) == (400, "adaptation_required")
    assert answer.error["param"] == "tools[0]"
    assert "tools[0]: dropped, this model has no web_search tool" in answer.error["message"]
    assert ask(gateway, "POST", "/v1/responses", {**body, "adaptation": "lenient"}).status == 200
    exact = {"model": "sim/echo", "input": "hello", "adaptation": "strict"}
    assert ask(gateway, "POST", "/v1/responses", exact).status == 200


def test_strictness_can_be_the_rule_of_the_house(tmp_path: Path) -> None:
    with running_gateway(tmp_path, requests={"adaptation": "strict"}) as gateway:
        body = {"model": "sim/echo", "input": "hello", "tools": [{"type": "web_search"}]}
        assert ask(gateway, "POST", "/v1/responses", body).error["code"] == "adaptation_required"
        assert ask(gateway, "POST", "/v1/responses", {**body, "adaptation": "lenient"}).status == 200


def test_a_hosted_tool_that_is_demanded_is_refused(gateway: Running) -> None:
    for choice in ({"type": "image_generation"}, "required"):
        body = {
            "model": "sim/echo",
            "input": "x",
            "tools": [{"type": "image_generation"}],
            "tool_choice": choice,
        }
        answer = ask(gateway, "POST", "/v1/responses", body)
        assert (answer.status, answer.error["param"]) == (400, "tool_choice")


def test_where_nothing_was_adapted_nothing_is_told(gateway: Running) -> None:
    body = {"model": "sim/echo", "input": "hello"}
    assert ask(gateway, "POST", "/v1/responses", body).header("x-antiphon-adaptations") is None


def test_headers_nobody_knows_are_ignored(gateway: Running) -> None:
    headers = [
        ("X-Unknown", "é"),
        ("OpenAI-Beta", "responses=experimental"),
        ("OpenAI-Organization", "org"),
        ("X-Stainless-Retry-Count", "3"),
        ("Accept", "text/html;q=0.1"),
        ("Accept-Encoding", "zstd, br, gzip"),
        ("Idempotency-Key", "k"),
        ("Expect", "nothing"),
        ("X-Request-Id", "theirs"),
        ("Cookie", "a=b"),
        ("Content-Type", "text/plain"),
    ]
    answer = ask(gateway, "POST", "/v1/responses", {"model": "sim/echo", "input": "hello"}, headers)
    assert answer.status == 200
    assert (answer.header("x-request-id") or "").startswith("req_")
