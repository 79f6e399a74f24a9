"""Histories and tools as clients carry them, odd and from elsewhere: no provider refuses what it gets."""

from __future__ import annotations

from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from tests.matrix.conversation import CHART, TOOLS, Answer, Item, Words
from tests.matrix.fakes.base import require
from tests.matrix.playing import create, heard
from tests.matrix.stage import CAST, Stage

LONG = "x" * 100


def said(role: str, *texts: str) -> Item:
    kind = "output_text" if role == "assistant" else "input_text"
    more: Item = {"annotations": []} if role == "assistant" else {}
    return {
        "type": "message",
        "role": role,
        "content": [{"type": kind, "text": text, **more} for text in texts],
    }


def call(call_id: str, arguments: str = "{}", name: str = "look", **fields: Any) -> Item:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **fields}


def output(call_id: str, given: Any = "done", kind: str = "function") -> Item:
    return {"type": f"{kind}_call_output", "call_id": call_id, "output": given}


def picture(where: str) -> Item:
    return {"type": where, "image_url": f"data:image/png;base64,{CHART}", "detail": "high"}


HELLO, MORE = said("user", "Hello."), said("user", "And then?")
SHOWN: Item = {"type": "computer_screenshot", "image_url": f"data:image/png;base64,{CHART}"}
HISTORIES: dict[str, list[Item]] = {
    "a call that was cut": [HELLO, call("a", '{"city": "Os'), output("a"), MORE],
    "arguments that are no object": [HELLO, call("a", "[1]"), call("b", ""), output("a"), output("b")],
    "ids that nobody else makes": [
        HELLO,
        call(f"ä b/{LONG}"),
        call(f"ä b/{LONG}2"),
        output(f"ä b/{LONG}2"),
        output(f"ä b/{LONG}"),
        call("a" * 64),
        output("a" * 64),
    ],
    "the same id in each turn": [
        HELLO,
        call("call_0"),
        output("call_0", "first"),
        said("assistant", "So."),
        MORE,
        call("call_0"),
        output("call_0", "second"),
    ],
    "names of tools that are not offered": [
        HELLO,
        call("a", name="server/tool.of some sort"),
        call("b", name="9" * 128),
        output("a"),
        output("b"),
    ],
    "the model speaks first, twice, and last": [said("assistant", "Hi!"), said("assistant", "There?")],
    "a refusal": [
        HELLO,
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "I cannot do that."}],
        },
        MORE,
    ],
    "empty words": [HELLO, said("assistant", ""), said("user", "", " "), said("assistant"), MORE],
    "empty outputs": [
        HELLO,
        *(call(call_id) for call_id in "abcd"),
        output("a", ""),
        output("b", []),
        output("c", [{"type": "input_text", "text": ""}]),
        output("d", [picture("input_image")]),
    ],
    "an output that comes late": [
        HELLO,
        call("a"),
        said("user", "Wait."),
        said("developer", "He means it."),
        output("a"),
        said("assistant", "I waited."),
        MORE,
    ],
    "words after the calls of a turn": [
        HELLO,
        call("a"),
        said("assistant", "One moment."),
        output("a"),
        MORE,
    ],
    "thoughts in the clear": [
        HELLO,
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        call("a"),
        output("a"),
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Ah."}]},
        MORE,
    ],
    "tools of another provider": [
        HELLO,
        {
            "type": "web_search_call",
            "id": "ws_1",
            "status": "completed",
            "action": {"type": "search", "query": "x"},
        },
        {
            "type": "mcp_call",
            "id": "mcp_1",
            "server_label": "s",
            "name": "find it",
            "arguments": "{}",
            "output": "found",
        },
        {
            "type": "code_interpreter_call",
            "id": "ci_1",
            "status": "completed",
            "code": "1",
            "container_id": "c",
            "outputs": [],
        },
        said("assistant", "Found."),
        MORE,
    ],
    "tools that the client runs": [
        HELLO,
        {
            "type": "shell_call",
            "call_id": "s",
            "status": "completed",
            "action": {"commands": ["ls"], "timeout_ms": None, "max_output_length": None},
        },
        {
            "type": "shell_call_output",
            "call_id": "s",
            "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
        },
        {
            "type": "apply_patch_call",
            "call_id": "p",
            "status": "completed",
            "operation": {"type": "delete_file", "path": "a"},
        },
        {"type": "apply_patch_call_output", "call_id": "p", "status": "failed", "output": "no such file"},
        {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": ""},
        output("c", "", "custom_tool"),
    ],
    "citations of another provider": [
        HELLO,
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {
                    "type": "output_text",
                    "text": "It is so.",
                    "annotations": [
                        {
                            "type": "url_citation",
                            "url": "https://a.example",
                            "title": "A",
                            "start_index": 0,
                            "end_index": 5,
                            "cited_text": "so",
                        },
                        {
                            "type": "file_citation",
                            "file_id": "",
                            "filename": "a",
                            "index": 0,
                            "location": "page",
                        },
                    ],
                }
            ],
        },
        MORE,
    ],
    "only a developer": [said("developer", "Say hello to the user.")],
}


def function(name: str, parameters: Any, **fields: Any) -> Item:
    return {"type": "function", "name": name, "parameters": parameters, "strict": False, **fields}


ODD_TOOLS: list[Item] = [
    function("n" * 64, None),
    function("_", {}),
    function("9lives", {"type": "object"}, description=""),
    function("a-b", {"type": "object", "properties": {}}, strict=True),
    function("optional", {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}),
    function(
        "recursive",
        {
            "type": "object",
            "properties": {"of": {"$ref": "#/$defs/node"}},
            "required": ["of"],
            "$defs": {"node": {"type": "object", "properties": {"of": {"$ref": "#/$defs/node"}}}},
        },
    ),
    function(
        "either",
        {
            "type": "object",
            "properties": {
                "a": {"anyOf": [{"type": "string", "pattern": "^a"}, {"const": 1}], "default": 1},
                "b": {"enum": ["x", None]},
                "c": {"type": "array", "items": {"type": "integer", "exclusiveMinimum": 0}, "minItems": 2},
            },
            "additionalProperties": {"type": "string"},
        },
    ),
    {
        "type": "custom",
        "name": "math",
        "format": {"type": "grammar", "syntax": "regex", "definition": "[0-9]+"},
    },
    {
        "type": "namespace",
        "name": "s" * 60,
        "description": "Long.",
        "tools": [function("t" * 60, {"type": "object"}), function("optional", {"type": "object"})],
    },
]


@pytest.mark.parametrize(
    "choice", ["auto", "none", "required", {"type": "function", "name": "9lives"}], ids=str
)
@pytest.mark.parametrize("name", CAST)
def test_odd_tools_are_taken(openai: OpenAI, playing: Stage, name: str, choice: Any) -> None:
    fake = playing.cast()[name]
    fake.answer = Answer((Words("Well."),))
    items: Any = [HELLO, call("a", name="optional"), output("a")]
    tools: Any = ODD_TOOLS
    try:
        create(
            openai,
            model=f"{name}/{fake.model}",
            input=items,
            tools=tools,
            tool_choice=choice,
            store=False,
        )
    except BadRequestError as refusal:  # the gateway's own: a model that cannot be made to call one tool
        body: Any = refusal.body
        assert (body["param"], name) == ("tool_choice", "mistral_on_bedrock")
    assert fake.refused == []


@pytest.mark.parametrize("tools", [TOOLS, []], ids=["tools", "no_tools"])
@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("name", CAST)
def test_an_odd_history_is_taken(
    openai: OpenAI, playing: Stage, name: str, history: str, tools: list[Item]
) -> None:
    fake = playing.cast()[name]
    fake.answer = Answer((Words("Well."),))
    items: Any = HISTORIES[history]
    response = create(openai, model=f"{name}/{fake.model}", input=items, tools=tools, store=False).to_dict(
        warnings=False
    )
    assert fake.refused == []
    assert heard(response) == [("text", "Well.")]


@pytest.mark.parametrize("name", [name for name, fake in CAST.items() if fake.dialect != "responses"])
def test_a_history_that_is_told_twice_and_answered_once_is_taken(
    openai: OpenAI, playing: Stage, name: str
) -> None:
    """LlamaIndex sends all that was said again beside `previous_response_id`."""
    fake = playing.cast()[name]
    fake.answer = Answer((Words("Well."),))
    items: Any = [HELLO, call("a"), HELLO, call("a"), output("a")]
    create(openai, model=f"{name}/{fake.model}", input=items, tools=TOOLS, store=False)
    assert fake.refused == []


@pytest.mark.parametrize("name", CAST)
def test_a_history_that_is_too_long_has_the_code_that_agents_wait_for(
    openai: OpenAI, playing: Stage, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = playing.cast()[name]
    monkeypatch.setattr(fake, "check", lambda _: require(False, fake.too_long))
    with pytest.raises(BadRequestError) as refused:
        create(openai, model=f"{name}/{fake.model}", input="Hello.", store=False)
    assert refused.value.code == "context_length_exceeded"
