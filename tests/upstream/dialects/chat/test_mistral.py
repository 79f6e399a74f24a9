"""Requests as Mistral's own library would send them, and its answers as the library reads them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from hashlib import sha256
from typing import Any

import pytest

from antiphon.cli.fields import fate
from antiphon.core.turn import Turn
from antiphon.protocol.cases import Case, cases
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.upstream.base import WireRequest
from antiphon.upstream.providers.mistral import MISTRAL
from tests.recordings import Recording, needs_recordings, recordings
from tests.turns.test_goldens import CASES as TURNS
from tests.turns.test_goldens import turn_of
from tests.upstream.dialects.chat.official_mistral import judge, read
from tests.upstream.dialects.chat.test_recordings import put_together
from tests.upstream.dialects.recorded import deltas_of
from tests.upstream.dialects.saying import TOOLS, call, conversation, image, message, output, said_to

MODEL = "mistral-small-latest"
ANSWERS = [row for row in recordings("chat") if (row.provider, row.status) == ("mistral", 200)]
ASKED = [row for row in recordings("chat") if row.provider == "mistral" and row.exchange["request"]["body"]]


def body_of(turn: Turn) -> JSON:
    return said_to(MISTRAL.dialect, turn).body


class Judging:
    """Mistral's dialect, with each of its requests judged before it is sent."""

    def __init__(self) -> None:
        self.judged = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(MISTRAL.dialect, name)

    def encode(self, turn: Turn) -> WireRequest:
        request = MISTRAL.dialect.encode(turn)
        judge(request.body)
        self.judged += 1
        return request


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_mistral_takes_every_field_of_a_request(case: Case) -> None:
    judging: Any = Judging()
    found = fate(case, judging, MODEL)
    assert found != "lost"
    assert judging.judged or found == "refused"


@pytest.mark.parametrize("case", [case for case, said in TURNS.items() if "chat" in said["models"]])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_mistral_takes_every_golden_turn(case: str, stream: bool) -> None:
    turn = turn_of(TURNS[case], "chat")
    turn.stream = stream
    try:
        body = body_of(turn)
    except InvalidRequest as refusal:
        assert refusal.param
        return
    judge(body)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False},
        {"reasoning": {"effort": "high"}, "text": {"format": {"type": "json_object"}}},
    ],
)
@pytest.mark.parametrize("seed", range(12))
def test_mistral_takes_a_long_conversation_of_everything(seed: int, fields: JSON) -> None:
    body = body_of(Turn(model=MODEL, items=conversation(seed, turns=25), **deepcopy(fields)))
    assert len(body["messages"]) > 40
    judge(body)


@needs_recordings
@pytest.mark.parametrize("recording", ASKED, ids=str)
def test_a_recorded_request_is_asked_again_in_the_same_words(recording: Recording) -> None:
    asked = recording.exchange["request"]["body"]
    body = body_of(turn_from(asked))
    judge(body)
    assert body == in_our_words(asked)


UNSAID = frozenset({"n", "stop", "random_seed"})
"""Fields of recorded requests that no request to the gateway has."""


def turn_from(asked: JSON) -> Turn:
    """What a client of the gateway would ask to have this asked."""
    fields = {name: asked[name] for name in ("temperature", "top_p", "top_logprobs") if name in asked}
    tools = [{"type": "function", **tool["function"]} for tool in asked.get("tools", ())]
    forced = {"tool_choice": "required"} if asked.get("tool_choice") == "any" else {}
    return Turn(
        model=asked["model"],
        items=[item for message in asked["messages"] for item in items_from(message)],
        stream=asked.get("stream", False),
        tools=tools,
        parallel_tool_calls=asked.get("parallel_tool_calls"),
        max_output_tokens=asked.get("max_tokens"),
        text={"format": asked["response_format"]} if "response_format" in asked else None,
        **forced,
        **fields,
    )


def items_from(said: JSON) -> Iterator[JSON]:
    if said["role"] == "tool":
        yield output(said["tool_call_id"], said["content"])
    elif said["content"]:
        parts = said["content"] if isinstance(said["content"], list) else [said["content"]]
        yield message(said["role"], *map(part_from, parts))
    for each in said.get("tool_calls", ()):
        yield call(each["id"], each["function"]["arguments"], each["function"]["name"])


def part_from(part: str | JSON) -> str | JSON:
    if isinstance(part, str):
        return part
    match part["type"]:
        case "text":
            return str(part["text"])
        case "image_url":
            return image(part["image_url"]["url"], detail=part["image_url"]["detail"])
        case "document_url":
            named = {"filename": part["document_name"]} if "document_name" in part else {}
            return {"type": "input_file", "file_data": part["document_url"], **named}
        case _:
            return part


def in_our_words(asked: JSON) -> JSON:
    """The request, with what nobody needs to say left out, and ids that Mistral would take."""
    body = {name: value for name, value in asked.items() if name not in UNSAID}
    if not body.get("stream"):
        body.pop("stream", None)
    body["messages"] = [_in_our_words(message) for message in asked["messages"]]
    return body | ({"tool_choice": "required"} if body.get("tool_choice") == "any" else {})


def _in_our_words(message: JSON) -> JSON:
    said = {name: value for name, value in message.items() if name != "prefix"}
    if message["role"] == "assistant":
        said["content"] = said["content"] or None
        said["tool_calls"] = [{**each, "id": nine(each["id"])} for each in message["tool_calls"]]
    if message["role"] == "tool":
        said["tool_call_id"] = nine(message["tool_call_id"])
    return said


def nine(call_id: str) -> str:
    """The id in the place of one that was made unreadable in the recording."""
    return sha256(call_id.encode()).hexdigest()[:9]


@needs_recordings
def test_all_recordings_of_mistral_are_here() -> None:
    assert (len(ANSWERS), len(ASKED)) == (15, 16)


@needs_recordings
@pytest.mark.parametrize("recording", ANSWERS, ids=str)
def test_mistrals_library_hears_what_we_hear(recording: Recording) -> None:
    said = put_together(deltas_of(recording))
    assert said == read(recording)
    assert said.usage


# The judge itself


SOUND: JSON = {"model": "m", "messages": [{"role": "user", "content": "a"}]}


def test_the_judge_takes_what_is_sound() -> None:
    judge(SOUND)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"user": "somebody"},
        {"stream_options": {"include_usage": True}},
        {"temperature": "1"},
        {"reasoning_effort": "huge"},
        {"tool_choice": "perhaps"},
        {"tools": [{"type": "custom", "custom": {"name": "a"}}]},
        {"tools": [{"type": "function", "function": {"name": "a", "parameters": {}, "defer_loading": True}}]},
        {"messages": [{"role": "developer", "content": "a"}]},
        {"messages": [{"role": "user", "content": "a", "name": "b"}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "a"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}]}]},
        {"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": "data:,"}]}]},
        {"messages": [{"role": "assistant", "content": "a", "reasoning_content": "b"}]},
    ],
)
def test_the_judge_refuses_what_mistral_would(spoilt: JSON) -> None:
    with pytest.raises((AssertionError, ValueError)):
        judge({**SOUND, **spoilt})
