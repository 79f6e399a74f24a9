"""Lark's notation: what it means, what is not read, and that reading and judging come to an end soon."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.grammars.judge import LONGEST, UnsupportedGrammar, grammar_of

CAPTURES = Path(os.environ.get("ANTIPHON_CAPTURES", ""))
LINES = """
start: head line+ tail
head: "== begin" LF
line: ("+" | "-" | " ") /(.*)/ LF -> line
    | "@@" [" " /(.+)/] LF
tail: "== end" LF?
%import common.LF
"""


def fault(definition: str, text: str) -> str | None:
    return grammar_of("lark", definition).fault(text)


@pytest.mark.parametrize(
    ("definition", "good", "bad"),
    [
        ('start: "a"~2..3', ["aa", "aaa"], ["a", "aaaa"]),
        ('start: "a"{2,} "b"{,1} "c"{2}', ["aacc", "aaabcc"], ["acc", "aabbcc", "aac"]),
        ('start: ("a" | "b")? ["c"] "d"*', ["", "acddd", "bd"], ["ab", "dc"]),
        ('start: "select"i A\nA: "0".."9" | /x+/i', ["SELect7", "selectXx"], ["select", "select77"]),
        ('?start.2: a | b // one\n!a: "x"   # two\nb.-1: "y"\n', ["x", "y"], ["", "xy"]),
        (r'start: "\"\\\n\t\x41\u00e9/"', ['"\\\n\tAé/'], [""]),
        ('start: A+\nA: B B\nB: /b/ | C\nC: "c"', ["bc", "bbcc"], ["b", "bbb"]),
        ('start: W+\nW: /[a-z]+/\n%ignore " "', ["a b", " ab ", "a  b"], ["a1", " "]),
        ('start: /a.*?b/ "c"', ["abc", "aabbc"], ["ab"]),
        ('start: WORD "s"\n%import common.WORD', [], ["cats"]),  # the terminal takes all that it can
        ('start: a*\na: b*\nb: "x"?', ["", "xx"], ["y"]),
        ('start: a\na: a "x" | a a | ', ["", "xxx"], ["y"]),
        ('start: "a" x | foo\nx: start\nfoo: start "b" | "c"', ["c", "ac", "acb", "cbb"], ["a", "b"]),
        ('start: "" a ""\na: /(x)?/ a? "y"', ["y", "xy", "xyy"], ["x"]),
    ],
)
def test_it_means_what_it_means_in_lark(definition: str, good: list[str], bad: list[str]) -> None:
    assert [fault(definition, text) for text in good] == [None] * len(good)
    assert all(fault(definition, text) for text in bad)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("== begin\n+\n@@ a\n-b c\n== end", None),
        ("== begin\n+a\n== end\n", None),
        ("", 'at line 1, column 1, expected "== begin"'),
        ("== begin\nx\n== end", 'at line 2, column 1, expected "'),
        ("== begin\n+a\n", "at line 3, column 1, expected "),
        ("== begin\n+a\n== end\nmore", "at line 4, column 1, expected the end"),
        ("== begin\n@@ \n== end", "at line 2, column 4, expected /(.+)/"),
    ],
)
def test_a_fault_says_where_and_what_was_expected(text: str, wrong: str | None) -> None:
    found = fault(LINES, text)
    assert found is None if wrong is None else str(found).startswith(wrong)


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        ("", "it has no rule 'start'"),
        ("begin: /a/", "it has no rule 'start'"),
        ("start: other", "line 1 names what is not defined"),
        ('start: "a"\n\nstart: "b"', "a name is defined again before line 3"),
        ("start: A\nA: A A", "line 2 nests terminals too deeply"),
        ("start: A\nA: start", "line 2 puts a rule into a terminal"),
        ("start: A\n%import .secrets.A", "line 2 holds something that is not read here"),
        ("start: A\n%import python.NAME", "line 2 holds something that is not read here"),
        ("start: A\n%import common.NOTHING -> A", "line 2 imports a terminal that is not known here"),
        ("start: A\n%declare A", "line 2 holds something that is not read here"),
        ('start: %json {"type": "object"}', "line 1 holds something that is not read here"),
        ("start: sep{a, b}", "line 1 holds something that is not read here"),
        ('start: "a"\n  /(?!b)c/x', "line 2 has a regular expression that is not read here"),
        (r'start: "\d"', "line 1 has an escape that is not read here"),
        ('start: "a', "line 1 holds something that is not read here"),
        ('start: "a"~2000', "line 1 repeats more often than is read here"),
        ("start: " + '("a"~1000)~1000 ' * 30, "it is too large"),
        ("start: " + "(" * 100 + '"a"' + ")" * 100, "line 1 is nested too deeply"),
        ("start: /a/\n" * LONGEST, f"it has more than {LONGEST:,} characters"),
    ],
)
def test_what_is_not_read_is_named_by_its_line(definition: str, why: str) -> None:
    with pytest.raises(UnsupportedGrammar) as refused:
        grammar_of("lark", definition)
    assert str(refused.value) == why


PIECES = st.sampled_from(
    [
        *'abAB":|()[]?*+~/\\{},.%#\n ',
        "start:",
        "\na:",
        "\nA:",
        '"x"',
        "/y/",
        "..",
        "->",
        "~2",
        "%ignore",
        "{1,2}",
    ]
)


@given(st.lists(PIECES, max_size=30), st.text("xyab \n", max_size=8))
def test_whatever_is_given_as_a_grammar_is_read_or_refused(pieces: list[str], text: str) -> None:
    try:
        grammar_of("lark", "start: " + "".join(pieces)).fault(text)
    except UnsupportedGrammar as error:
        assert str(error)


COSTLY = [
    ("regex", "((a?)*b?)*(.*.*.*)*x", "a" * 20_000),
    ("regex", r"(?:a{0,1000}){0,1000}x", "a" * 100_000),
    ("regex", r"\b" * 2_000 + "a*" * 2_000 + "x", "a" * 20_000),
    ("lark", 'start: start start | "a"', "a" * 20_000),
    ("lark", 'start: (ONE | ALL)+ "x"\nONE: /./\nALL: /[\\s\\S]+/', "a" * 100_000),
    ("lark", 'start: (/a*?/ /a*?/ /a*?/)* "b"', "a" * 20_000),
    ("lark", '%ignore /a*?/\nstart: "b"+', "a" * 20_000),
    ("lark", "start: " + "(" * 19 + '"a"' + ")*" * 19 + ' "x"', "a" * 20_000),
    ("lark", "start: " + " ".join(f'"{number}"?' for number in range(1_500)), "z9" * 1_000),
    (
        "lark",
        'start: A "x"\n' + "".join(f"{a}: ({b} | {b} {b})*\n" for a, b in pairwise("ABCDEFG")) + 'G: "a"',
        "a" * 99_999,
    ),
]


@pytest.mark.parametrize(("syntax", "definition", "text"), COSTLY)
def test_what_is_made_to_be_costly_ends_soon(syntax: str, definition: str, text: str) -> None:
    begun = thread_time()
    assert grammar_of(syntax, definition).fault(text) is not None
    assert thread_time() - begun < 20  # 1.5 on a machine with nothing else to do


@pytest.mark.parametrize("rule", ["line start | line", "start line | line", "line+"])
def test_a_long_text_is_judged_whichever_way_its_grammar_recurs(rule: str) -> None:
    definition = f"start: {rule}\nline: /[a-z]+/ LF\n%import common.LF"
    assert fault(definition, "abcdef\n" * 10_000) is None


@pytest.mark.skipif(not CAPTURES.name, reason="ANTIPHON_CAPTURES is not set: no requests of real agents here")
def test_the_grammars_of_real_agents_are_checked_and_soon() -> None:
    texts = [file.read_text() for file in CAPTURES.glob("codex*/**/*.json")]
    found = {(each["syntax"], each["definition"]) for text in texts for each in _grammars(json.loads(text))}
    assert len(found) > 1
    patches = [grammar_of(*each) for each in found if "Begin Patch" in each[1]]
    lines = "".join(f"{' +-'[at % 3]}    line {at} of some file\n" for at in range(4_000))
    patch = f"*** Begin Patch\n*** Update File: a/b.py\n@@ def f():\n{lines}*** End Patch"
    begun = thread_time()
    for grammar in patches:
        assert grammar.fault(patch) is None
        assert "line 2, column 1" in str(grammar.fault("*** Begin Patch\n+x\n*** End Patch"))
    assert thread_time() - begun < 5  # 0.2 on a machine with nothing else to do
    assert [grammar_of(*each).fault("x") for each in found if "Begin Patch" not in each[1]] == [None]


def _grammars(value: object) -> list[dict[str, str]]:
    if isinstance(value, dict):
        own = [value] if value.get("type") == "grammar" and "definition" in value else []
        return own + _grammars(list(value.values()))
    return [each for member in value for each in _grammars(member)] if isinstance(value, list) else []
