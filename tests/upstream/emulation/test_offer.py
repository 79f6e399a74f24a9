"""What is offered, what is left out, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.adaptations import Adaptation
from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from tests.upstream.emulation.conversing import asked, noted

F: dict[str, Any] = {"type": "function", "name": "f", "parameters": {"type": "object"}}
SQL = {"type": "custom", "name": "sql"}
HOSTED: list[dict[str, Any]] = [
    {"type": "web_search"},
    {"type": "file_search", "vector_store_ids": ["v"]},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "mcp", "server_label": "s", "server_url": "https://example.com"},
    {"type": "image_generation"},
    {"type": "unheard_of"},
]


@pytest.mark.parametrize("tool", HOSTED)
def test_a_hosted_tool_is_left_out_and_noted(tool: dict[str, Any]) -> None:
    adapted = asked(F, tool)
    assert adapted.turn.tools == [F]
    assert noted(adapted) == [("tools[1]", "dropped")]


@pytest.mark.parametrize("tool", HOSTED)
def test_a_hosted_tool_in_a_namespace_is_left_out_alone(tool: dict[str, Any]) -> None:
    adapted = asked({"type": "namespace", "name": "n", "tools": [tool, F]})
    assert [told["name"] for told in adapted.turn.tools] == ["n__f"]
    assert ("tools[0].tools[0]", "dropped") in noted(adapted)


def test_a_function_named_like_a_tool_that_is_left_out_keeps_its_name() -> None:
    function = {"type": "function", "name": "web_search"}
    assert asked({"type": "web_search"}, function).turn.tools == [function]


@pytest.mark.parametrize("tool", HOSTED)
def test_a_hosted_tool_that_is_demanded_is_refused(tool: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked(F, tool, tool_choice=tool)
    assert refused.value.param == "tool_choice"


def test_a_hosted_tool_that_the_provider_has_goes_through() -> None:
    tool = {"type": "web_search_preview"}
    native = frozenset({"function", "web_search", "web_search_preview"})
    adapted = asked(F, tool, native=native, tool_choice={"type": "web_search_preview"})
    assert (adapted.turn.tools, adapted.turn.tool_choice) == ([F, tool], {"type": "web_search_preview"})


def test_calls_from_programs_are_refused_by_name() -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked(F, {"type": "programmatic_tool_calling"})
    assert refused.value.param == "tools[1]"


def test_a_model_without_functions_is_offered_none() -> None:
    adapted = asked(F, SQL, {"type": "shell"}, native=frozenset())
    assert adapted.turn.tools == []
    assert noted(adapted) == [(f"tools[{index}]", "dropped") for index in range(3)]


def test_a_dialect_that_says_everything_gets_the_turn_itself() -> None:
    adapted = asked(SQL, *HOSTED, native=None)
    assert adapted.turn.tools == [SQL, *HOSTED]
    assert (adapted.filters, adapted.adaptations) == ((), ())


def test_where_everything_is_known_calls_are_not_even_looked_at() -> None:
    assert asked(F, items="hello").filters == ()


@pytest.mark.parametrize("choice", [None, "auto", "none", "required"])
def test_a_mode_stays_a_mode(choice: str | None) -> None:
    assert asked(SQL, tool_choice=choice).turn.tool_choice == choice


@pytest.mark.parametrize(("kind", "name"), [("function", "f"), ("custom", "sql")])
def test_a_tool_is_demanded_as_the_function_that_stands_for_it(kind: str, name: str) -> None:
    adapted = asked(F, SQL, tool_choice={"type": kind, "name": name})
    assert adapted.turn.tool_choice == {"type": "function", "name": name}


def test_allowed_tools_of_all_kinds_are_functions_and_hosted_ones_are_left_out() -> None:
    tools = [{"type": "function", "name": "f"}, {"type": "custom", "name": "sql"}]
    more = [{"type": "apply_patch"}, {"type": "web_search"}, {"type": "mcp", "server_label": "s"}]
    choice = {"type": "allowed_tools", "mode": "required", "tools": [*tools, *more]}
    told = asked(F, SQL, {"type": "apply_patch"}, *HOSTED, tool_choice=choice).turn.tool_choice
    names = ["f", "sql", "apply_patch"]
    assert told == {**choice, "tools": [{"type": "function", "name": name} for name in names]}


def test_a_list_of_allowed_tools_of_which_none_is_offered_is_refused_if_one_is_required() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}
    with pytest.raises(InvalidRequest):
        asked(F, *HOSTED, tool_choice=choice)
    told = asked(F, *HOSTED, tool_choice={**choice, "mode": "auto"}).turn.tool_choice
    assert told == {**choice, "mode": "auto", "tools": []}


def test_a_tool_that_is_offered_twice_is_offered_once() -> None:
    adapted = asked(SQL, F, SQL)
    assert len(adapted.turn.tools) == 2
    assert ("tools[2]", "dropped") in noted(adapted)


def test_what_a_function_has_beyond_its_name_is_kept() -> None:
    tool = {**F, "strict": True, "output_schema": {"type": "object"}}
    assert asked(tool).turn.tools == [tool]
    odd = asked({**tool, "x-own": 1})
    assert odd.turn.tools == [tool]
    assert [str(told) for told in odd.adaptations] == [
        "tools[0].x-own: dropped, this model does not offer it"
    ]
    restricted = {**SQL, "allowed_callers": ["programmatic"]}
    assert asked(restricted).turn.tools[0]["allowed_callers"] == ["programmatic"]


def test_the_dialects_words_are_about_the_request_as_it_was() -> None:
    adapted = asked({"type": "web_search"}, {"type": "namespace", "name": "n", "tools": [F]})
    (dropped, translated, strict) = adapted.placed((Adaptation("tools[0].strict", "dropped", "why"),))
    assert (dropped.param, translated.param) == ("tools[0]", "tools[1]")
    assert strict == Adaptation("tools[1].tools[0].strict", "dropped", "why")

    def refuse(turn: Turn) -> None:
        raise InvalidRequest("no", param="tools[0].name")

    with pytest.raises(InvalidRequest) as refused:
        adapted.encoded(refuse)
    assert refused.value.param == "tools[1].tools[0].name"
    assert adapted.place("input[9].content") == "input[9].content"
    assert adapted.place("model") == "model"
