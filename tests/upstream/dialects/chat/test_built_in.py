"""Groq's own tools: how they are asked for, and what comes of them.

Shapes: the types of Groq's own library (groq-python, ExecutedTool and ChatCompletionToolParam), and answers
of compound systems as they are recorded.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.providers.groq import GROQ
from tests.play import answer_deltas, play
from tests.upstream.dialects.chat.hearing import DONE, chunk, hear, of
from tests.upstream.dialects.saying import said_to, user

DIALECT = GROQ.dialect
assert isinstance(DIALECT, Chat)
SEARCH: JSON = {"type": "web_search"}
CODE: JSON = {"type": "code_interpreter", "container": {"type": "auto"}}
LOOK: JSON = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
OSS, COMPOUND, LLAMA = "openai/gpt-oss-120b", "groq/compound-mini", "llama-3.3-70b-versatile"


def asked(*tools: JSON, model: str = OSS, **fields: Any) -> WireRequest:
    return said_to(DIALECT, Turn(model=model, items=[user("hi")], tools=list(tools), **fields))


def told(request: WireRequest) -> list[tuple[str, str]]:
    return [(each.param, each.action) for each in request.adaptations]


# Asked for


def test_gpt_oss_is_offered_groqs_own_tools() -> None:
    request = asked(SEARCH, LOOK, CODE)
    kinds = [tool["type"] for tool in request.body["tools"]]
    assert kinds == ["browser_search", "function", "code_interpreter"]
    assert request.body["tools"][0] == {"type": "browser_search"}
    assert request.body["tools"][2] == {"type": "code_interpreter"}
    assert told(request) == []


@pytest.mark.parametrize("name", ["web_search_preview", "web_search_2025_08_26"])
def test_a_search_has_many_names(name: str) -> None:
    assert asked({"type": name}).body["tools"] == [{"type": "browser_search"}]


def test_what_they_cannot_be_told_is_noted() -> None:
    search = {
        **SEARCH,
        "filters": {"allowed_domains": ["a.org"]},
        "user_location": {"type": "approximate", "city": "Riga"},
        "search_context_size": "low",
    }
    assert sorted(told(asked(search, {**CODE, "container": "cntr_1"}))) == [
        ("tools[0].filters.allowed_domains", "dropped"),
        ("tools[0].search_context_size", "dropped"),
        ("tools[0].user_location", "dropped"),
        ("tools[1].container", "dropped"),
    ]
    assert told(asked({**SEARCH, "external_web_access": False})) == [("tools[0]", "dropped")]


def test_a_compound_system_has_them_anyway_and_is_told_where_to_look() -> None:
    filters = {"allowed_domains": ["a.org"], "blocked_domains": ["b.org"]}
    request = asked({**SEARCH, "filters": filters}, CODE, model=COMPOUND)
    assert "tools" not in request.body
    assert request.body["search_settings"] == {"include_domains": ["a.org"], "exclude_domains": ["b.org"]}
    assert told(request) == []
    assert "search_settings" not in asked(SEARCH, model="compound-beta").body


def test_other_models_have_neither() -> None:
    request = asked(SEARCH, CODE, model=LLAMA)
    assert "tools" not in request.body
    assert told(request) == [("tools[0]", "dropped"), ("tools[1]", "dropped")]


@pytest.mark.parametrize(("tool", "own"), [(SEARCH, "browser_search"), (CODE, "code_interpreter")])
def test_what_is_demanded_is_all_that_is_offered(tool: JSON, own: str) -> None:
    body = asked(LOOK, SEARCH, CODE, tool_choice={"type": tool["type"]}).body
    assert (body["tools"], body["tool_choice"]) == ([{"type": own}], "required")
    with pytest.raises(InvalidRequest) as refusal:
        asked(SEARCH, CODE, model=COMPOUND, tool_choice={"type": tool["type"]})
    assert refusal.value.param == "tool_choice"


def test_of_allowed_tools_only_those_are_offered() -> None:
    entries = [{"type": "web_search"}, {"type": "code_interpreter"}]
    for allowed in (entries[:1], entries[1:], entries):
        choice = {"type": "allowed_tools", "mode": "auto", "tools": allowed}
        kinds = [tool["type"] for tool in asked(LOOK, SEARCH, CODE, tool_choice=choice).body["tools"]]
        assert kinds == [{"web_search": "browser_search"}.get(each["type"], each["type"]) for each in allowed]


# Executed

QUERY = {"index": 0, "type": "search", "arguments": '{"query": "rain in Riga"}'}
FOUND = {
    **QUERY,
    "output": "Title: Rain",
    "search_results": {
        "results": [
            {"title": "Rain", "url": "https://rain.example", "content": "Rain.", "score": 0.9},
            {"title": None, "url": "https://sun.example"},
            {"content": "nowhere"},
        ]
    },
}
SEARCHED = {
    "type": "web_search_call",
    "status": "completed",
    "action": {
        "type": "search",
        "query": "rain in Riga",
        "sources": [
            {"type": "url", "url": "https://rain.example", "title": "Rain"},
            {"type": "url", "url": "https://sun.example"},
        ],
    },
}
RAN = {
    "index": 1,
    "type": "python",
    "arguments": json.dumps({"code": "print(2)"}),
    "output": "2\n",
    "code_results": [{"text": "2\n", "png": None}, {"png": "aGk=", "chart": {"type": "bar", "elements": []}}],
}
INTERPRETED = {
    "type": "code_interpreter_call",
    "status": "completed",
    "code": "print(2)",
    "container_id": "",
    "outputs": [
        {"type": "logs", "logs": "2\n"},
        {"type": "image", "url": "data:image/png;base64,aGk="},
    ],
    "charts": [{"type": "bar", "elements": []}],
}


def executed(*tools: JSON) -> JSON:
    return chunk(executed_tools=list(tools))


def streamed(*chunks: Any) -> list[d.Delta]:
    return hear(*chunks, chunk("stop", content="So."), DONE, chat=DIALECT)


def answered(*tools: JSON, **fields: Any) -> list[d.Delta]:
    said = {"role": "assistant", "content": "So.", "executed_tools": list(tools), **fields}
    body = {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}
    return list(answer_deltas(DIALECT, json.dumps(body).encode()))


def items(deltas: list[d.Delta]) -> list[JSON]:
    output = play(deltas)[1].response["output"]
    return [{name: value for name, value in item.items() if name != "id"} for item in output]


def kinds(deltas: list[d.Delta]) -> list[str]:
    events, _ = play(deltas)
    return [f"{each['type'].removeprefix('response.')} {each.get('output_index', '')}" for each in events]


def test_a_search_begins_with_its_query_and_ends_with_what_was_found() -> None:
    begun = {**QUERY, "search_results": {"results": []}}
    thinking = chunk(reasoning="I look.")
    deltas = streamed(thinking, executed(begun), executed(FOUND), chunk(reasoning="Rain."))
    order = [type(each).__name__ for each in deltas[:5]]
    assert order == ["Reasoning", "HostedStart", "End", "Hosted", "Reasoning"]
    found = items(deltas)
    assert [item["type"] for item in found] == ["reasoning", "web_search_call", "reasoning", "message"]
    assert found[1] == SEARCHED
    assert [kind for kind in kinds(deltas) if "web_search_call" in kind] == [
        "web_search_call.in_progress 1",
        "web_search_call.searching 1",
        "web_search_call.completed 1",
    ]


def test_code_is_told_before_its_output() -> None:
    begun = {name: value for name, value in RAN.items() if name not in ("output", "code_results")}
    deltas = streamed(executed(begun), executed(RAN))
    assert items(deltas)[0] == INTERPRETED
    assert [kind for kind in kinds(deltas) if "code_interpreter" in kind] == [
        "code_interpreter_call.in_progress 0",
        "code_interpreter_call_code.delta 0",
        "code_interpreter_call_code.done 0",
        "code_interpreter_call.interpreting 0",
        "code_interpreter_call.completed 0",
    ]


def test_in_a_whole_answer_and_in_one_chunk_they_come_finished() -> None:
    for deltas in (
        answered(FOUND, RAN),
        streamed(executed(FOUND), executed(RAN)),
        streamed(executed(FOUND, RAN)),
    ):
        assert items(deltas)[:2] == [SEARCHED, INTERPRETED]
        assert items(deltas)[2]["content"][0]["text"] == "So."


def test_what_is_told_again_is_told_once() -> None:
    assert len(items(streamed(executed(FOUND), executed(FOUND, RAN), executed(FOUND, RAN)))) == 3
    again = {**FOUND, "arguments": '{"query": "snow"}'}
    assert [item["type"] for item in items(streamed(executed(FOUND), executed(again)))][:2] == (
        ["web_search_call"] * 2
    )


def test_what_never_came_back_is_incomplete() -> None:
    (search, message) = items(streamed(executed(QUERY)))
    assert (search["status"], message["content"][0]["text"]) == ("incomplete", "So.")


@pytest.mark.parametrize(
    ("tool", "action"),
    [
        (
            {"type": "visit", "arguments": '{"url": "https://a.example"}', "output": "A."},
            {"type": "open_page", "url": "https://a.example"},
        ),
        (
            {
                "type": "browser_search",
                "arguments": "rain",
                "output": "",
                "browser_results": [{"title": "A", "url": "https://a.example"}],
            },
            {
                "type": "search",
                "query": "rain",
                "sources": [{"type": "url", "url": "https://a.example", "title": "A"}],
            },
        ),
        (
            {
                "type": "search",
                "arguments": '{"query": "q"}',
                "search_results": [{"url": "https://a.example", "title": "A"}],
                "output": "",
            },
            {
                "type": "search",
                "query": "q",
                "sources": [{"type": "url", "url": "https://a.example", "title": "A"}],
            },
        ),
    ],
)
def test_searches_have_other_forms(tool: JSON, action: JSON) -> None:
    item, _ = items(answered({"index": 0, **tool}))
    assert (item["type"], item["action"]) == ("web_search_call", action)


def test_code_has_other_forms() -> None:
    plain = {"index": 0, "type": "function", "name": "python", "arguments": "print(2)", "output": "2\n"}
    item, _ = items(answered(plain))
    assert (item["code"], item["outputs"]) == ("print(2)", [{"type": "logs", "logs": "2\n"}])
    silent = {"index": 0, "type": "python", "arguments": '{"code": "x"}', "code_results": [{"text": "3"}]}
    item, _ = items(answered(silent))
    assert item["outputs"] == [{"type": "logs", "logs": "3"}]


def test_a_tool_that_there_is_no_item_for_is_said_to_be_left_out() -> None:
    other = {"index": 0, "type": "wolfram", "arguments": "{}", "output": "4"}
    deltas = streamed(executed({**other, "output": None}), executed(other))
    what = "a tool that the provider ran, and for which there is no item: wolfram"
    assert of(d.Untold, deltas) == [d.Untold(what, "dropped")]
    assert [item["type"] for item in items(deltas)] == ["message"]


@pytest.mark.parametrize(
    "odd", [None, 5, [], [None], [{}], [{"index": "x", "type": 3, "arguments": {}}], "x"]
)
def test_odd_reports_do_no_harm(odd: Any) -> None:
    assert items(streamed(chunk(executed_tools=odd)))[-1]["content"][0]["text"] == "So."
    assert items(answered(executed_tools=odd))[-1]["content"][0]["text"] == "So."
