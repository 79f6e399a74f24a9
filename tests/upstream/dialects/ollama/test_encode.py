"""The fields of a turn, in a request to Ollama."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest, ProtocolViolation
from antiphon.upstream.dialects.ollama import Ollama
from tests.upstream.dialects.adapted import dropped
from tests.upstream.dialects.ollama.hearing import noted, say
from tests.upstream.dialects.saying import TOOLS

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
LOOK, ROLL = TOOLS


def test_the_plainest_request() -> None:
    request = say()
    assert request.path == "/api/chat"
    assert request.body == {
        "model": "qwen3:8b",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
    }
    assert say(stream=False).body["stream"] is False


def test_fields_are_options_under_names_of_their_own() -> None:
    fields = {"temperature": 1.5, "top_p": 1, "top_k": 7, "presence_penalty": -1, "frequency_penalty": 2}
    body = say(max_output_tokens=9, **fields).body
    assert body["options"] == {"num_predict": 9, **fields}


def test_fields_that_only_ollama_has_are_passed_on() -> None:
    extra = {"options": {"num_ctx": 99, "seed": 1}, "keep_alive": 0, "seed": 7, "stop": "END", "mood": "good"}
    request = say(extra=extra, temperature=0)
    body = request.body
    assert request.adaptations == dropped("mood")
    assert body["options"] == {"num_ctx": 99, "seed": 7, "stop": ["END"], "temperature": 0}
    assert body["keep_alive"] == 0
    assert say(extra={"stop": ["a", "b"]}).body["options"]["stop"] == ["a", "b"]


def test_quirks_are_what_holds_unless_a_request_has_its_own() -> None:
    dialect = Ollama(options={"num_ctx": 32768, "top_k": 5}, keep_alive="30m", path="/chat")
    request = say(dialect, top_k=7)
    assert request.path == "/chat"
    assert request.body["options"] == {"num_ctx": 32768, "top_k": 7}
    assert request.body["keep_alive"] == "30m"
    assert say(dialect, extra={"keep_alive": "1m"}).body["keep_alive"] == "1m"


@pytest.mark.parametrize("truncation", [None, "disabled"])
def test_a_conversation_is_not_cut_unless_the_client_says_so(truncation: str | None) -> None:
    body = say(truncation=truncation).body
    assert (body["truncate"], body["shift"]) == (False, False)
    assert not {"truncate", "shift"} & say(truncation="auto").body.keys()


def test_every_field_that_ollama_has_no_word_for_is_noted() -> None:
    fields: dict[str, Any] = {
        "service_tier": "flex",
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit"},
        "moderation": {"model": "m"},
    }
    request = say(
        **fields,
        text={"verbosity": "low", "format": {"type": "json_schema", "schema": {}, "description": "d"}},
        reasoning={"context": "all"},
    )
    assert set(request.adaptations) == {
        *dropped(*fields, "text.verbosity", "text.format.description", "reasoning.context")
    }
    assert not say(metadata={"a": "b"}, max_tool_calls=3).adaptations


def test_the_format_is_a_schema_or_json() -> None:
    wish = {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True}}
    assert say(text=wish).body["format"] == SCHEMA
    assert say(text={"format": {"type": "json_object"}}).body["format"] == "json"
    assert "format" not in say(text={"format": {"type": "text"}}).body


@pytest.mark.parametrize(
    ("model", "effort", "think", "notes"),
    [
        ("qwen3:8b", None, None, []),
        ("qwen3:8b", "none", False, []),
        ("qwen3:8b", "high", True, ["translated"]),
        ("gpt-oss:20b", "none", False, []),
        ("gpt-oss:20b", "minimal", "low", ["clamped"]),
        ("gpt-oss:20b", "medium", "medium", []),
        ("gpt-oss:120b-cloud", "xhigh", "high", ["clamped"]),
        ("gpt-oss:20b", "of the future", True, ["translated"]),
    ],
)
def test_effort_is_a_level_or_a_switch(model: str, effort: str | None, think: Any, notes: list[str]) -> None:
    request = say(model=model, reasoning={"effort": effort, "summary": "auto"})
    assert request.body.get("think") == think
    assert [note.action for note in request.adaptations] == notes


def test_what_think_takes_can_be_set() -> None:
    assert say(Ollama(think="levels"), reasoning={"effort": "low"}).body["think"] == "low"
    assert say(Ollama(think="switch"), model="gpt-oss", reasoning={"effort": "low"}).body["think"] is True
    without = say(Ollama(think="none"), reasoning={"effort": "low"})
    assert "think" not in without.body
    assert without.adaptations == dropped("reasoning.effort")
    assert not say(Ollama(think="none"), reasoning={"effort": "none"}).adaptations


def test_log_probabilities() -> None:
    body = say(top_logprobs=3).body
    assert (body["logprobs"], body["top_logprobs"]) == (True, 3)
    assert say(include=["message.output_text.logprobs"]).body["logprobs"] is True
    assert "logprobs" not in say(top_logprobs=0).body


# Tools


def names(body: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in body.get("tools", [])]


def test_functions_are_offered_as_they_are() -> None:
    now = {"type": "function", "name": "now"}
    bare = {**now, "parameters": {"type": "object"}}
    request = say(tools=[{**LOOK, "strict": True}, {**now, "parameters": None}])
    assert say(tools=[bare]).body["tools"] == request.body["tools"][1:]
    assert request.body["tools"] == [
        {
            "type": "function",
            "function": {key: LOOK[key] for key in ("name", "description", "parameters")},
        },
        {
            "type": "function",
            "function": {"name": "now", "parameters": {"type": "object", "properties": {}}},
        },
    ]
    assert request.adaptations == dropped("tools[0].strict")


def test_none_means_that_no_tools_are_offered() -> None:
    assert names(say(tools=TOOLS, tool_choice="none").body) == []
    assert names(say(tools=TOOLS, tool_choice="auto").body) == ["look", "roll"]


@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        ("required", ["look", "roll"]),
        ({"type": "function", "name": "roll"}, ["roll"]),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]},
            ["look"],
        ),
    ],
)
def test_a_call_cannot_be_required_and_that_is_noted(choice: Any, offered: list[str]) -> None:
    request = say(tools=TOOLS, tool_choice=choice)
    assert names(request.body) == offered
    assert noted(request) == ["tool_choice: emulated, this model cannot be made to call a tool, it may"]


def test_of_allowed_tools_only_these_are_offered() -> None:
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "look"}]}
    request = say(tools=TOOLS, tool_choice=allowed)
    assert names(request.body) == ["look"]
    assert not request.adaptations


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "name": "fly"},
        {"type": "web_search"},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]},
    ],
)
def test_a_tool_that_cannot_be_called_cannot_be_demanded(choice: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        say(tools=[*TOOLS, {"type": "web_search"}], tool_choice=choice)
    assert caught.value.param == "tool_choice"


def test_other_tools_are_left_out_and_noted() -> None:
    request = say(tools=[{"type": "web_search"}, LOOK], parallel_tool_calls=False)
    assert names(request.body) == ["look"]
    assert noted(request) == [
        "tools[0]: dropped, this model has no web_search tool",
        "parallel_tool_calls: dropped, this model does not offer it",
    ]


def test_tokens_are_not_counted_beforehand() -> None:
    assert Ollama().count(Turn(model="m", items=[])) is None
    with pytest.raises(ProtocolViolation):
        Ollama().counted({"tokens": [1]})
