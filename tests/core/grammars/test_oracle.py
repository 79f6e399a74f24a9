"""What is of a grammar to Lark is of it, and nothing else: the same answer from another algorithm."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark
from lark.exceptions import LarkError

from antiphon.core.grammars.common import COMMON
from antiphon.core.grammars.judge import grammar_of

SUMS = """
// sums and products
start: sum
?sum: product | sum ("+" | "-") product -> more
?product: atom | product "*" atom
?atom: NUMBER | "-" NUMBER | "(" NUMBER ")"
NUMBER: /[0-9]+/
%import common.WS_INLINE
%ignore WS_INLINE
"""
JSON = r"""
?start: value
?value: object
      | array          # a comment
      | ESCAPED_STRING
      | SIGNED_NUMBER -> number
      | "true" | "false" | "null"
array: "[" [value ("," value)*] "]"
object: "{" [pair ("," pair)*] "}"
pair: ESCAPED_STRING ":" value
%import common (ESCAPED_STRING, SIGNED_NUMBER)
%import common.WS -> SPACE
%ignore SPACE
"""
PATCH = """
start: BEGIN file+ END?
file: ("add" | "update"i) " " PATH LF line* hunk?
hunk: "@@" LF line~1..3
line: SIGN /[a-z ]+/ LF
BEGIN: "<<" "<"? LF
END: ">>" [">" LF]
PATH: (LETTER | "/" | "a".."f")+ ".py"?
LETTER: /[g-z]/i
SIGN: "+" | "-"
%import common.LF
"""
RIGHT = """
start: words | start2 ";"
words: WORD "," words | WORD
start2: "!" start2 | "!" ("?" start2)? | "(" start ")"
%import common.WORD
"""
EMPTY = """
start: a b a "."
a: ("x" | b "y")*
b: "z"? "w"~2 | "v" | "u"~0..2 "t"
"""
GRAMMARS = {"sums": SUMS, "json": JSON, "patch": PATCH, "right": RIGHT, "empty": EMPTY}
AMBIGUOUS = ("empty",)


@cache
def oracle(name: str) -> Lark:
    return Lark(GRAMMARS[name], parser="earley" if name in AMBIGUOUS else "lalr")


@cache
def sentences(name: str) -> st.SearchStrategy[str]:
    return from_lark(oracle(name))


def takes(name: str, text: str) -> bool:
    try:
        oracle(name).parse(text)
    except LarkError:
        return False
    return True


def agree(name: str, text: str) -> None:
    fault = grammar_of("lark", GRAMMARS[name]).fault(text)
    taken = takes(name, text)
    event("taken" if taken else "refused")
    assert (fault is None) is taken, fault


@pytest.mark.parametrize("name", GRAMMARS)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_sentence_of_a_grammar_is_of_it(name: str, data: st.DataObject) -> None:
    agree(name, data.draw(sentences(name)))


@pytest.mark.parametrize("name", GRAMMARS)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_sentence_that_was_damaged_is_of_it_when_it_is_for_the_other(
    name: str, data: st.DataObject
) -> None:
    text = data.draw(sentences(name))
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    other = data.draw(st.sampled_from(["", text[:3], *',()[]+-*"\n xyzwvut!;.1>']))
    agree(name, text[:start] + other + text[end:])


@pytest.mark.parametrize("name", COMMON)
@given(text=st.text('09.eE+-aAfZ_" \\\t\r\n#/*', max_size=8))
def test_what_is_imported_is_the_same(name: str, text: str) -> None:
    definition = f"start: {name}\n%import common.{name}"
    expected = re.fullmatch(common(definition), text, re.DOTALL if name == "C_COMMENT" else 0)
    fault = grammar_of("lark", definition).fault(text)
    assert (fault is None) is bool(expected)


@cache
def common(definition: str) -> str:
    """The one terminal, as a regular expression."""
    (terminal,) = Lark(definition, parser="lalr").terminals
    return terminal.pattern.to_regexp()


@pytest.mark.parametrize("name", GRAMMARS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_text_of_its_characters_is_judged_the_same(name: str, data: st.DataObject) -> None:
    alphabet = {
        "sums": "12.+-*() ",
        "json": '{}[],:"a1-tru ',
        "patch": "<>+-@adupte /\n",
        "empty": "xyzwvut.",
    }
    agree(name, data.draw(st.text(alphabet.get(name, "ab,!?();"), max_size=12)))
