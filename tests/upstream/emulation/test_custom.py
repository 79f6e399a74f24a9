"""Custom tools on a model that knows only functions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core import deltas as d
from tests.upstream.emulation.conversing import answered, asked, call, filtered, function_of, noted

SQL = {"type": "custom", "name": "sql", "description": "Runs SQL."}
PATCH = '*** Begin Patch\n*** Add File: a"\\b\n+é 😀\n*** End Patch'


def test_it_is_offered_as_a_function_with_one_text() -> None:
    tool = function_of(asked(SQL))
    assert (tool["name"], tool["description"]) == ("sql", "Runs SQL.")
    assert tool["parameters"]["required"] == list(tool["parameters"]["properties"]) == ["input"]


def with_grammar(definition: str, syntax: str = "lark", name: str = "sql") -> dict[str, object]:
    shape = {"type": "grammar", "syntax": syntax, "definition": definition}
    return {**SQL, "name": name, "format": shape}


@pytest.mark.parametrize(
    ("syntax", "words"), [("lark", "this Lark grammar"), ("regex", "this regular expression")]
)
def test_a_grammar_is_told_in_words_and_that_is_noted(syntax: str, words: str) -> None:
    adapted = asked(with_grammar("start: /x+/", syntax))
    description = function_of(adapted)["description"]
    assert description.startswith("Runs SQL.\n\n")
    assert words in description
    assert description.endswith("\nstart: /x+/")
    assert noted(adapted) == [("tools[0]", "emulated"), ("tools[0].format", "emulated")]
    held = adapted.grammars[None, "sql"]
    assert held.place == "tools[0]"
    assert held.grammar.fault("start: /xx/" if syntax == "regex" else "xx") is None
    assert held.grammar.fault("y") is not None


@pytest.mark.parametrize(
    ("definition", "syntax", "why"),
    [
        ("start: secret", "lark", "line 1 names what is not defined"),
        (r"secret\p{L}", "regex", "the regular expression uses what is not read here"),
        ("x" * 20_000, "regex", "it has more than 16,384 characters"),
    ],
)
def test_a_grammar_that_cannot_be_checked_is_told_all_the_same(
    definition: str, syntax: str, why: str
) -> None:
    adapted = asked(with_grammar(definition, syntax))
    assert definition in function_of(adapted)["description"]
    assert adapted.grammars == {}
    told = adapted.adaptations[-1]
    assert (told.param, told.action) == ("tools[0].format.definition", "emulated")
    assert told.detail.endswith(why)
    assert "secret" not in told.detail


def test_all_grammars_of_a_turn_together_are_bounded() -> None:
    tools = [with_grammar("(a|b)" * 3_000, "regex", f"tool_{index}") for index in range(4)]
    adapted = asked(*tools)
    assert [name for _, name in adapted.grammars] == ["tool_0", "tool_1"]
    assert noted(adapted)[-1] == ("tools[3].format.definition", "emulated")


def test_a_grammar_is_known_by_the_names_of_its_tool_wherever_the_tool_is_offered() -> None:
    found = {
        "type": "tool_search_output",
        "call_id": "c",
        "tools": [with_grammar("start: /x/", name="found")],
    }
    searched = {"type": "tool_search_call", "call_id": "c", "arguments": {}, "execution": "client"}
    space = {"type": "namespace", "name": "db", "tools": [SQL, with_grammar("start: /x/", name="strict")]}
    search = {"type": "tool_search", "execution": "client"}
    adapted = asked(space, search, items=[searched, {**found, "execution": "client"}])
    assert {key: held.place for key, held in adapted.grammars.items()} == {
        ("db", "strict"): "tools[0].tools[1]",
        (None, "found"): "input[1].tools[0]",
    }


def test_a_call_comes_back_as_the_item_asked_for_piece_by_piece() -> None:
    answer = answered(asked(SQL), *call("sql", {"input": PATCH}))
    assert answer.item == {
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": "call_0",
        "name": "sql",
        "input": PATCH,
    }
    assert len(answer.said("custom_tool_call_input.delta")) > 10
    assert answer.said("custom_tool_call_input.done", "input") == [PATCH]
    assert answer.types == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]


def test_a_call_that_comes_whole_is_the_same_item() -> None:
    whole = [d.Call("0", "call_0", "sql"), d.Arguments("0", json.dumps({"input": PATCH})), d.End("0")]
    assert answered(asked(SQL), *whole).items == answered(asked(SQL), *call("sql", {"input": PATCH})).items


@given(st.text(st.characters(codec="utf-8")), st.booleans(), st.lists(st.integers(0, 400), max_size=9))
def test_any_input_cut_anywhere_is_given_back(text: str, ascii_only: bool, cuts: list[int]) -> None:
    written = json.dumps({"input": text}, ensure_ascii=ascii_only)
    places = sorted(min(cut, len(written)) for cut in cuts)
    pieces = [
        d.Arguments("0", written[start:end])
        for start, end in zip([0, *places], [*places, len(written)], strict=True)
    ]
    deltas = list(filtered(asked(SQL), [d.Call("0", "c", "sql"), *pieces, d.Stop("tool_calls")]))
    assert "".join(delta.text for delta in deltas if isinstance(delta, d.Arguments)) == text
    assert deltas[0] == d.Call("0", "c", "sql", "custom")
    assert deltas[-2:] == [d.End("0", {}), d.Stop("tool_calls")]


@pytest.mark.parametrize(
    "written",
    ["SELECT 1", "  *** Begin\n{", '{"sql": "SELECT 1"}', '{"input": {"a": 1}}', "{ let x }; y", '{ "a'],
)
def test_a_model_that_writes_something_else_is_taken_at_its_word(written: str) -> None:
    answer = answered(asked(SQL), *call("sql", written))
    assert (answer.item["input"], answer.item["status"]) == (written, "completed")
    assert answer.response["status"] == "completed"


@pytest.mark.parametrize(
    "written", ['"SELECT 1"', '{"other": 1, "input": "SELECT 1"}', '{"input":"SELECT 1"']
)
def test_json_that_is_meant_is_read_as_it_is_meant(written: str) -> None:
    item = answered(asked(SQL), *call("sql", written)).item
    assert (item["input"], item["status"]) == ("SELECT 1", "completed")


def test_a_call_without_arguments_has_an_empty_input() -> None:
    answer = answered(asked(SQL), *call("sql", ""))
    assert (answer.item["input"], answer.item["status"]) == ("", "completed")


@pytest.mark.parametrize("written", ['{"input": "SELECT', '{"inp', "", "{ let x }", "SELECT"])
def test_a_call_that_the_token_limit_cut_is_incomplete(written: str) -> None:
    answer = answered(asked(SQL), *call("sql", written), stop="length")
    assert (answer.item["status"], answer.response["status"]) == ("incomplete", "incomplete")


def test_a_call_that_was_whole_before_the_cut_is_completed() -> None:
    first, second = call("sql", {"input": "a"}), call("sql", '{"input": "b', part="1")
    answer = answered(asked(SQL), *first, *second, stop="length")
    assert answered(asked(SQL), *call("sql", '{"a": 1}'), stop="length").item["status"] == "completed"
    assert [item["status"] for item in answer.items] == ["completed", "incomplete"]
    assert answered(asked(SQL), *first, stop="length").item["status"] == "completed"


def test_a_text_that_never_ends_is_incomplete_though_nobody_says_that_it_was_cut() -> None:
    answer = answered(asked(SQL), *call("sql", '{"input": "DROP TABLE a'), d.End("0"))
    assert answer.item["status"] == "incomplete"
    assert answer.response["incomplete_details"] == {"reason": "max_output_tokens"}


def test_a_call_on_a_line_that_went_dead_is_incomplete() -> None:
    answer = answered(asked(SQL), *call("sql", "DROP TABLE a"), stop=None)
    assert (answer.item["status"], answer.response["status"]) == ("incomplete", "failed")


def test_the_past_is_told_in_functions() -> None:
    past = [
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "a", "name": "sql", "input": "SELECT 1"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "1"}]},
    ]
    assert asked(SQL, items=past).turn.items == [
        {
            "type": "function_call",
            "id": "ctc_1",
            "call_id": "a",
            "name": "sql",
            "arguments": '{"input":"SELECT 1"}',
        },
        {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "1"}]},
    ]


def test_where_custom_tools_are_known_nothing_is_changed() -> None:
    past = [{"type": "custom_tool_call", "call_id": "a", "name": "sql", "input": "SELECT 1"}]
    native = frozenset({"function", "custom"})
    adapted = asked(SQL, items=past, native=native, tool_choice={"type": "custom", "name": "sql"})
    assert (adapted.turn.tools, adapted.turn.items) == ([SQL], past)
    assert (adapted.filters, adapted.adaptations) == ((), ())
    assert adapted.turn.tool_choice == {"type": "custom", "name": "sql"}
