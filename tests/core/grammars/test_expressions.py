"""Regular expressions of grammars: whole texts, as Rust reads them; what is not read says so."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.grammars.judge import UnsupportedGrammar, grammar_of

SAME_IN_PYTHON = [
    r"\d{4}-\d{2}",
    r"^(?P<year>\d+)-(?:a|bc)*$",
    r"(?i)[^a-c]x.?",
    r"(?i:ab)c[d-f]",
    r"(?s:.)\n?",
    r"(?m)^a$\n^b$",
    r"a.b",
    r"[\]a-]+\x41*",
    r"\w+\s\S*?",
    r"(a*)*b|(?:ab|a)(?:c|bcd)",
    "É(?i:é)",
]


@given(st.sampled_from(SAME_IN_PYTHON), st.text("abcdxABE019-.]\n\r éÉ\x1c", max_size=9))
def test_a_whole_text_matches_as_in_another_engine(pattern: str, text: str) -> None:
    if "\x1c" in text:  # space to Python alone
        text = text.replace("\x1c", "\u2003")
    expected = re.fullmatch(pattern, text)
    assert (grammar_of("regex", pattern).fault(text) is None) is bool(expected)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r"a.b", "a\rb", True),  # to Rust a line ends with \n alone
        (r"a$", "a\n", False),
        (r"\d", "٣", True),
        (r"\w", "\u0301", True),
        (r"\s", "\x1c", False),
        (r"\u{1F600}+\x{41}", "😀😀A", True),
        (r"(?i)straße", "STRAßE", True),
        ("É(?i)é", "ÉÉ", True),
        ("(?:É(?i)é)é", "ÉÉÉ", False),
    ],
)
def test_where_languages_differ_it_is_as_in_rust(pattern: str, text: str, fits: bool) -> None:
    assert (grammar_of("regex", pattern).fault(text) is None) is fits


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", "a)", "*a", "[a", r"\1", r"\p{L}", "(?x) a", "(?<n", "[[:alpha:]]", "[a&&b]", "[a--b]"),
        *(r"\u{110000}", "(" * 60 + ")" * 60, "(" * 5_000, r"\q"),
    ],
)
def test_what_is_not_read_is_said_without_quoting_it(pattern: str) -> None:
    with pytest.raises(UnsupportedGrammar) as refused:
        grammar_of("regex", pattern)
    assert str(refused.value) == "the regular expression uses what is not read here"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("2026-11", None),
        ("2026-1x", "it does not match the regular expression"),
        ("2026-11\n", "at line 1, column 8, where the regular expression ends"),
        ("2026-11-21", "at line 1, column 8, where the regular expression ends"),
    ],
)
def test_a_fault_says_where_as_far_as_it_can(text: str, fault: str | None) -> None:
    assert grammar_of("regex", r"\d{4}-\d{2}").fault(text) == fault
