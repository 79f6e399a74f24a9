"""A grammar in Lark's notation, to a tree.

    grammar     := (definition | directive)*
    definition  := ("?" | "!")* name ("." priority)? ":" options      (begins a line)
    options     := series ("|" series)*
    series      := (atom times?)* ("->" alias)?
    atom        := name | string | string ".." string | expression | "(" options ")" | "[" options "]"
    times       := "?" | "*" | "+" | "~" n (".." m)? | "{" n? ("," m?)? "}"
    directive   := "%import common." name ("->" name)? | "%import common (" name ("," name)* ")"
                 | "%ignore" options

What only shapes trees (`?`, `!`, aliases) and priorities make no difference to whether a text is of the
grammar, and are passed over. Templates, other imports and all other directives are not read.

Notation: https://lark-parser.readthedocs.io/en/stable/grammar.html, and as far as it goes beyond that
https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from antiphon.core.grammars.common import COMMON
from antiphon.core.grammars.expressions import parse
from antiphon.core.grammars.terminals import Literal, Terminal, between
from antiphon.core.json_schema.pattern import UnsupportedPattern

_DEEPEST = 20  # groups in one another
_MOST_TIMES = 1_000

_NAME = r"_?[a-zA-Z][_a-zA-Z0-9]*"
_STRING = r'"(?:[^"\\\n]|\\.)*"i?'
_TOKENS = re.compile(
    rf"""
      (?P<space> \n | [ \t\r\f]+ | //[^\n]* | \#[^\n]* )
    | (?P<range> {_STRING} [ \t]* \.\. [ \t]* {_STRING} )
    | (?P<string> {_STRING} )
    | (?P<expression> / (?![/*]) (?:[^/\\\n]|\\.)+ /[a-z]* )
    | (?P<directive> %[a-z]+ )
    | (?P<name> {_NAME} )
    | (?P<times> [?*+] | ~[ \t]*\d{{1,9}}(?:[ \t]*\.\.[ \t]*\d{{1,9}})? | \{{[ \d]*,?[ \d]*\}} )
    | (?P<mark> -> | [|()\[\],.] )
    """,
    re.VERBOSE,
)
_HEAD = re.compile(rf"^[ \t]*[?!]{{0,2}}({_NAME})(?:\.-?\d+)?[ \t]*:", re.MULTILINE)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", '"': '"', "\\": "\\", "/": "/"}
_MARKS = {"?": (0, 1), "*": (0, None), "+": (1, None)}


class UnsupportedGrammar(ValueError):
    """It is no grammar, or uses what is not read here. The message holds nothing of its text."""


@dataclass(frozen=True, slots=True)
class Name:
    """Of a rule, or in capitals of a terminal."""

    name: str
    line: int

    @property
    def is_terminal(self) -> bool:
        return self.name.isupper()


@dataclass(frozen=True, slots=True)
class Series:
    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Options:
    options: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Times:
    tree: Tree
    low: int
    high: int | None


Tree: TypeAlias = Terminal | Name | Series | Options | Times


@dataclass(slots=True)
class Definitions:
    by_name: dict[str, Tree] = field(default_factory=dict)
    ignored: list[Tree] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def read(text: str) -> Definitions:
    """Raises UnsupportedGrammar."""
    return _Notation(list(_tokens(text))).grammar()


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        head = _HEAD.match(text, at)
        found = head or _TOKENS.match(text, at)
        if found is None:
            raise UnsupportedGrammar(f"line {line} holds something that is not read here")
        if head is not None:
            yield _Token("head", head[1], line)
        elif found.lastgroup not in (None, "space"):
            yield _Token(str(found.lastgroup), found[0], line)
        line += text.count("\n", at, found.end())
        at = found.end()


class _Notation:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[_Token]) -> None:
        last = tokens[-1].line if tokens else 1
        self._tokens = [*tokens, _Token("end", "", last)]
        self._at = 0
        self._depth = 0
        self._made = Definitions()

    def grammar(self) -> Definitions:
        while (token := self._next()).kind != "end":
            match token.kind, token.text:
                case "head", name:
                    self._define(name, self._options())
                case "directive", "%import":
                    self._import()
                case "directive", "%ignore":
                    self._made.ignored.append(self._options())
                case _:
                    raise _unread(token)
        return self._made

    @property
    def _token(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, text: str) -> bool:
        taken = self._token.kind == "mark" and self._token.text == text
        self._at += taken
        return taken

    def _expect(self, kind: str, text: str | None = None) -> str:
        token = self._next()
        if token.kind != kind or text not in (None, token.text):
            raise _unread(token)
        return token.text

    def _define(self, name: str, tree: Tree) -> None:
        if name in self._made.by_name:
            raise UnsupportedGrammar(f"a name is defined again before line {self._token.line}")
        self._made.by_name[name] = tree

    def _import(self) -> None:
        line = self._token.line
        self._expect("name", "common")
        if self._take("."):
            name = self._expect("name")
            self._define(self._expect("name") if self._take("->") else name, _common(name, line))
            return
        self._expect("mark", "(")
        names = [self._expect("name")]
        while self._take(","):
            names.append(self._expect("name"))
        self._expect("mark", ")")
        for name in names:
            self._define(name, _common(name, line))

    def _options(self) -> Tree:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UnsupportedGrammar(f"line {self._token.line} is nested too deeply")
        options = [self._series()]
        while self._take("|"):
            options.append(self._series())
        self._depth -= 1
        return options[0] if len(options) == 1 else Options(tuple(options))

    def _series(self) -> Tree:
        parts: list[Tree] = []
        while (atom := self._atom()) is not None:
            if self._token.kind == "times":
                atom = Times(atom, *_times(self._next()))
            parts.append(atom)
        if self._take("->"):
            self._expect("name")
        return parts[0] if len(parts) == 1 else Series(tuple(parts))

    def _atom(self) -> Tree | None:
        """None: what comes is no atom."""
        token = self._token
        if self._take("("):
            return self._inside(")")
        if self._take("["):
            return Times(self._inside("]"), 0, 1)
        match token.kind:
            case "name":
                atom: Tree = Name(token.text, token.line)
            case "string":
                atom = _literal(token)
            case "range":
                atom = _range(token)
            case "expression":
                body, _, flags = token.text[1:].rpartition("/")
                atom = _expression(body, flags, token.text, token.line)
            case _:
                return None
        self._at += 1
        return atom

    def _inside(self, end: str) -> Tree:
        tree = self._options()
        self._expect("mark", end)
        return tree


def _unread(token: _Token) -> UnsupportedGrammar:
    return UnsupportedGrammar(f"line {token.line} holds something that is not read here")


def _times(token: _Token) -> tuple[int, int | None]:
    if token.text in _MARKS:
        return _MARKS[token.text]
    low, separator, high = token.text.strip("~{}").replace("..", ",").partition(",")
    try:
        least = int(low) if low.strip() or not separator else 0
        most = least if not separator else int(high) if high.strip() else None
    except ValueError:
        raise _unread(token) from None
    if max(least, most or 0) > _MOST_TIMES or (most is not None and most < least):
        raise UnsupportedGrammar(f"line {token.line} repeats more often than is read here")
    return least, most


def _literal(token: _Token) -> Terminal:
    text, folds = _string(token.text, token.line)
    return Terminal(token.text, Literal(text.lower() if folds else text, folds))


def _range(token: _Token) -> Terminal:
    first, last = re.findall(_STRING, token.text)
    low, high = (_string(each, token.line)[0] for each in (first, last))
    if len(low) != 1 or len(high) != 1:
        raise _unread(token)
    return Terminal(token.text, between(low, high))


def _string(written: str, line: int) -> tuple[str, bool]:
    """What it says, and whether case makes no difference."""
    folds = written.endswith("i")

    def unescaped(found: re.Match[str]) -> str:
        code, letter = found[1] or found[2] or found[3], found[4]
        if code is None and letter not in _ESCAPED:
            raise UnsupportedGrammar(f"line {line} has an escape that is not read here")
        if code is not None and int(code, 16) > 0x10FFFF:
            raise UnsupportedGrammar(f"line {line} has an escape that is no character")
        return _ESCAPED[letter] if code is None else chr(int(code, 16))

    return _ESCAPE.sub(unescaped, written.removesuffix("i")[1:-1]), folds


def _expression(body: str, flags: str, label: str, line: int) -> Terminal:
    try:
        found = parse(body, flags)
    except UnsupportedPattern:
        raise UnsupportedGrammar(f"line {line} has a regular expression that is not read here") from None
    return Terminal(label, found.node, greedy=found.greedy)


def _common(name: str, line: int) -> Terminal:
    if name not in COMMON:
        raise UnsupportedGrammar(f"line {line} imports a terminal that is not known here")
    return _expression(COMMON[name], "", name, line)
