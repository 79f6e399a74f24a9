"""Names that every provider takes, each for one tool."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from antiphon.upstream.emulation.names import Key, Names
from tests.upstream.emulation.conversing import answered, asked, call

FITS = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
WORDS = st.one_of(
    st.text(min_size=1, max_size=80),
    st.sampled_from(["a", "b", "a__b", "a.b", "a_b", "x" * 64, "x" * 65, "1a", "-a", ""]),
)
NATIVE = frozenset({"function", "web_search"})
KEYS = st.builds(Key, st.sampled_from(["function", "custom"]), st.one_of(st.none(), WORDS), WORDS)


@given(st.lists(KEYS, max_size=30))
def test_every_name_fits_and_no_two_tools_share_one(keys: list[Key]) -> None:
    names = Names()
    given_names = {key: names.of(key) for key in keys}
    assert all(FITS.fullmatch(name) for name in given_names.values())
    assert len(set(given_names.values())) == len(given_names)
    assert given_names == {key: names.of(key) for key in keys}


@given(st.lists(KEYS, max_size=10), st.lists(KEYS, max_size=10))
def test_tools_that_are_added_change_no_name(keys: list[Key], more: list[Key]) -> None:
    before, after = Names(), Names()
    assert [before.of(key) for key in keys] == [after.of(key) for key in [*keys, *more]][: len(keys)]


def test_a_name_that_fits_stays() -> None:
    assert Names().of(Key("function", None, "get_weather-2")) == "get_weather-2"


def test_a_digest_is_always_the_same() -> None:
    assert Names().of(Key("function", None, "do.it")) == "do_it_6c7ac84c"


def test_a_reserved_name_is_not_given() -> None:
    adapted = asked({"type": "web_search"}, {"type": "function", "name": "web_search"}, native=NATIVE)
    search, function = adapted.turn.tools
    assert search == {"type": "web_search"}
    assert function["name"] != "web_search"
    assert answered(adapted, *call(function["name"], {})).item["name"] == "web_search"


def test_a_long_name_comes_back_as_it_was_and_is_the_same_in_the_past() -> None:
    long = "mcp__" + "x" * 120
    past = [{"type": "function_call", "call_id": "a", "name": long, "arguments": "{}"}]
    adapted = asked(
        {"type": "function", "name": long}, items=past, tool_choice={"type": "function", "name": long}
    )
    (tool,) = adapted.turn.tools
    assert len(tool["name"]) == 64
    assert adapted.turn.items[0]["name"] == tool["name"]
    assert adapted.turn.tool_choice == {"type": "function", "name": tool["name"]}
    assert answered(adapted, *call(tool["name"], {})).item["name"] == long
