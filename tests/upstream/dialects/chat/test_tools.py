"""How tools and the nine forms of tool_choice become chat."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.chat import Chat
from tests.upstream.dialects.adapted import dropped


def function(name: str, **more: Any) -> JSON:
    return {"type": "function", "name": name, "parameters": {"type": "object"}, **more}


def chat_function(name: str) -> JSON:
    parameters = {"type": "object", "properties": {}}  # OpenAI: "object schema missing properties"
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


F, G = function("f"), function("g")
CUSTOM: JSON = {"type": "custom", "name": "sql", "description": "d"}
SEARCH: JSON = {
    "type": "web_search",
    "search_context_size": "low",
    "user_location": {"type": "approximate", "country": "FR", "city": None},
    "filters": {"allowed_domains": ["a.org"]},
}


def encoded(
    offered: list[JSON], choice: Any = None, parallel: bool | None = None, **quirks: Any
) -> WireRequest:
    turn = Turn(model="m", items=[], tools=offered, tool_choice=choice, parallel_tool_calls=parallel)
    return Chat(**quirks).encode(turn)


def names(request: WireRequest) -> list[str]:
    return [tool["function"]["name"] for tool in request.body.get("tools", [])]


def test_a_function_is_nested_with_the_fields_that_a_chat_knows() -> None:
    tool = {"type": "function", "name": "f", "description": "d", "parameters": None, "strict": True}
    tool |= {"output_schema": {}}
    assert encoded([tool], parallel=False).body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "d",
                "parameters": {"type": "object", "properties": {}},
                "strict": True,
            },
        }
    ]
    assert "strict" not in encoded([tool], strict=False).body["tools"][0]["function"]


def test_parallel_calls_are_forbidden_where_that_is_understood() -> None:
    assert encoded([F], parallel=False).body["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in encoded([], parallel=False).body
    request = encoded([F], parallel=False, parallel_tool_calls=False)
    assert request.adaptations == dropped("parallel_tool_calls")


@pytest.mark.parametrize("mode", ["none", "auto", "required"])
def test_the_words_are_the_same_words(mode: str) -> None:
    assert encoded([F], mode).body["tool_choice"] == mode


def test_without_tools_there_is_nothing_to_choose() -> None:
    assert encoded([], "auto").body.keys() == encoded([], "none").body.keys() == encoded([]).body.keys()
    with pytest.raises(InvalidRequest) as refusal:
        encoded([], "required")
    assert refusal.value.param == "tool_choice"


def test_a_named_function_is_forced_by_its_name() -> None:
    request = encoded([F, G], {"type": "function", "name": "g"})
    assert request.body["tool_choice"] == {"type": "function", "function": {"name": "g"}}
    assert names(request) == ["f", "g"]


def test_where_a_name_is_not_obeyed_it_is_the_only_tool_and_required() -> None:
    request = encoded([F, G], {"type": "function", "name": "g"}, tool_choice="required")
    assert (names(request), request.body["tool_choice"]) == (["g"], "required")


def test_where_nothing_is_obeyed_the_choice_is_made_by_what_is_offered() -> None:
    request = encoded([F, G], {"type": "function", "name": "g"}, tool_choice="auto")
    assert (names(request), "tool_choice" in request.body) == (["g"], False)
    assert [(told.param, told.action) for told in request.adaptations] == [("tool_choice", "emulated")]
    assert names(encoded([F], "none", tool_choice="auto")) == []


def test_allowed_tools_are_the_only_ones_offered_or_said_natively() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]}
    request = encoded([F, G], choice)
    assert (names(request), request.body["tool_choice"]) == (["g"], "required")
    request = encoded([F, G], choice, allowed_tools=True)
    allowed = [{"type": "function", "function": {"name": "g"}}]
    assert request.body["tool_choice"] == {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "required", "tools": allowed},
    }
    assert names(request) == ["f", "g"]


def test_a_custom_tool_is_demanded_by_name() -> None:
    assert encoded([CUSTOM], {"type": "custom", "name": "sql"}, custom_tools=True).body["tool_choice"] == {
        "type": "custom",
        "custom": {"name": "sql"},
    }


def test_the_grammar_of_a_custom_tool_is_nested() -> None:
    shape = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}
    (tool,) = encoded([CUSTOM | {"format": shape}], custom_tools=True).body["tools"]
    assert tool["custom"]["format"] == {
        "type": "grammar",
        "grammar": {"definition": "start: WORD", "syntax": "lark"},
    }


def test_what_a_chat_cannot_be_told_of_a_tool_is_named_by_its_place() -> None:
    restricted = {"allowed_callers": ["direct", "programmatic"]}
    request = encoded([F | restricted, G | restricted | {"output_schema": {"type": "string"}}])
    assert request.adaptations == dropped(
        "tools[0].allowed_callers",
        "tools[1].allowed_callers",
        "tools[1].output_schema",
    )
    usual = {"allowed_callers": ["direct"], "output_schema": None}
    assert encoded([F | usual]).adaptations == ()


def test_a_web_search_is_said_in_the_server_s_own_words() -> None:
    openai = encoded([SEARCH], web_search="options").body["web_search_options"]
    place = {"type": "approximate", "approximate": {"country": "FR"}}
    assert openai == {"search_context_size": "low", "user_location": place}
    (openrouter,) = encoded([SEARCH], web_search="server_tool").body["tools"]
    assert openrouter["type"] == "openrouter:web_search"
    assert openrouter["parameters"]["allowed_domains"] == ["a.org"]
    perplexity = encoded([SEARCH], {"type": "web_search_preview"}, web_search="always").body
    assert perplexity["search_domain_filter"] == ["a.org"]
    assert perplexity["web_search_options"]["user_location"] == {"country": "FR"}
    assert "tools" not in perplexity


def test_a_web_search_cannot_be_demanded_where_the_model_searches_when_it_likes() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        encoded([SEARCH], {"type": "web_search_preview"}, web_search="options")
    assert refusal.value.param == "tool_choice"


ASKED_OF_A_SEARCH = {
    "filters": {"allowed_domains": ["a.org"], "blocked_domains": ["b.org"]},
    "search_content_types": ["text", "image"],
}


@pytest.mark.parametrize(
    ("way", "untold"),
    [
        ("options", {"filters.allowed_domains", "filters.blocked_domains", "search_content_types"}),
        ("always", {"filters.blocked_domains", "search_content_types"}),
        ("server_tool", {"filters.blocked_domains", "search_content_types"}),
    ],
)
def test_what_a_search_cannot_be_told_is_named(way: str, untold: set[str]) -> None:
    request = encoded([{"type": "web_search", **ASKED_OF_A_SEARCH}], web_search=way)
    assert {told.param for told in request.adaptations} == {f"tools[0].{name}" for name in untold}
    assert {told.action for told in request.adaptations} == {"dropped"}


def test_domains_that_are_blocked_are_said_where_there_is_a_word_for_it() -> None:
    search = {"type": "web_search", "filters": {"blocked_domains": ["b.org"]}}
    (openrouter,) = encoded([search], web_search="server_tool").body["tools"]
    assert openrouter["parameters"] == {"excluded_domains": ["b.org"]}
    assert encoded([search], web_search="always").body["search_domain_filter"] == ["-b.org"]


def test_a_search_without_access_to_the_web_is_none() -> None:
    search = {"type": "web_search", "external_web_access": False}
    request = encoded([search], web_search="options")
    assert "web_search_options" not in request.body
    assert [(told.param, told.action) for told in request.adaptations] == [("tools[0]", "dropped")]
    request = encoded([search], web_search="always")  # it searches whatever is asked
    assert [told.param for told in request.adaptations] == ["tools[0].external_web_access"]
    open_to_all = {"type": "web_search", "external_web_access": True, "search_content_types": ["text"]}
    assert encoded([open_to_all], web_search="options").adaptations == ()


def test_searches_cannot_be_counted() -> None:
    turn = Turn(model="m", items=[], tools=[SEARCH], max_tool_calls=3)
    assert "max_tool_calls" in {told.param for told in Chat(web_search="options").encode(turn).adaptations}
