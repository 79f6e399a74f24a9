"""Patterns: texts made for them match, and matching agrees with a backtracking engine, without its cost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.json_schema.pattern import UnsupportedPattern, parse

PATTERNS = [
    r"",
    r"abc",
    r"^[a-z][a-z0-9_-]{2,30}$",
    r"^\d{4}-\d{2}-\d{2}$",
    r"^(a|b|cd)*e?$",
    r"^[^a-c]+$",
    r"\bfoo\b",
    r"[\w.-]+@[\w-]+\.com",
    r"^(?:x|(?P<name>yz)){2}$",
    r"^\x41\u0062\.\*$",
    r"^.$",
    r"a{2,}?b",
    r"^[]a-]+$",
    r"^a{x}$",
    r"a\Bb",
    r"^\s\S\D\W$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_made_for_a_pattern_matches_it(pattern: str) -> None:
    for repeats in range(4):
        for variant in range(3):
            assert re.search(pattern, parse(pattern).example(repeats, variant))


LOOKING = [
    r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$",  # pydantic, for a Decimal
    r"^(?!\.)(?!.*\.\.)([a-z0-9_.-]*)[a-z0-9_-]@([a-z0-9][a-z0-9-]*\.)+[a-z]{2,}$",  # zod, for an e-mail
    r"a(?=b|$)",
    r"(?<=a)b",
    r"(?<!a|b)d",
    r"^(?:(?!aa).)*$",
    r"(?<=^(?=a).*)b",
]


@given(st.sampled_from([*PATTERNS, *LOOKING[:-1]]), st.text("abcdefxyz019-_.@* \u0041", max_size=12))
def test_matching_agrees_with_the_engine_of_the_language(pattern: str, text: str) -> None:
    assert parse(pattern).matches(text) == bool(re.search(pattern, text, re.ASCII))


def test_a_place_may_look_around_as_far_as_it_likes() -> None:
    looking = parse(LOOKING[-1])  # behind by any length, which the engine of the language cannot
    assert looking.matches("a..b")
    assert not looking.matches("b..b")
    assert not parse(r"^(?!a)").matches("a")


def test_a_pattern_that_makes_backtracking_explode_is_matched_at_once() -> None:
    assert not parse(r"^(a+)+$").matches("a" * 400 + "!")
    assert not parse(r"^(a|a|aa)*b$").matches("a" * 400)
    assert parse(r"^((a*)*)*$").matches("a" * 400)


@pytest.mark.parametrize(
    "pattern", ["(?i)b", "(?P=a)", r"(a)\1", r"\p{L}", "(", "a)", "*a", "[a", "a\\", r"\xZZ"]
)
def test_what_is_not_read_is_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedPattern):
        parse(pattern)


@pytest.mark.parametrize("pattern", ["a{100000000}", "((a{1000}){1000}){1000}"])
def test_no_example_is_longer_than_the_bound(pattern: str) -> None:
    with pytest.raises(UnsupportedPattern):
        parse(pattern).example()
