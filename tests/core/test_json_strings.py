"""The incremental reader finds what a parser finds, wherever the text is cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.json_strings import JSONStrings, Path
from antiphon.protocol.json import decode_leniently

TEXTS = st.text(st.characters(codec="utf-8"))
KEYS = st.one_of(TEXTS, st.sampled_from(['"', "\\", "{", "a:b", ",", "]"]))
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(KEYS, inner)),
    max_leaves=12,
)


def heard(text: str, cuts: list[int]) -> dict[Path, str]:
    """Every string by its path, put together from its pieces."""
    strings, found = JSONStrings(), dict[Path, str]()
    places = sorted(cut % (len(text) + 1) for cut in cuts)
    for start, end in zip([0, *places], [*places, len(text)], strict=True):
        for piece in strings.feed(text[start:end]):
            found[piece.path] = found.get(piece.path, "") + piece.text
    assert strings.closed == (text.lstrip()[:1] in ('"', "{", "["))
    return found


def parsed(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from parsed(each, (*path, key))


@given(VALUES, st.booleans(), st.sampled_from([None, 2]), st.lists(st.integers(0), max_size=9))
def test_any_json_cut_anywhere_says_the_strings_that_a_parser_finds(
    value: Any, ascii_only: bool, indent: int | None, cuts: list[int]
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert heard(text, cuts) == dict(parsed(value))


@given(VALUES)
def test_it_is_the_same_character_by_character(value: Any) -> None:
    text = json.dumps(value)
    assert heard(text, list(range(len(text)))) == dict(parsed(value))


@pytest.mark.parametrize(
    "text",
    [
        r'["\ud83d\ude00"]',
        r'["\ud83d"]',
        r'["\ude00"]',
        r'["\ud83d\ud83d\ude00"]',
        r'["\ud83dx"]',
        r'["\ud83d\n"]',
        r'["\/\b\f\u00e9"]',
    ],
)
def test_halves_of_pairs_are_joined_or_replaced_as_elsewhere(text: str) -> None:
    expected = dict(parsed(decode_leniently(text.encode())))
    for cut in range(len(text)):
        assert heard(text, [cut]) == expected


def test_a_string_is_said_as_far_as_it_has_come() -> None:
    strings = JSONStrings()
    assert [piece.text for piece in strings.feed(r'{"input": "a\u00')] == ["a"]
    assert [piece.text for piece in strings.feed("e9b")] == ["éb"]
    assert not strings.closed


def test_an_empty_string_is_told_too() -> None:
    assert heard('{"commands": ["", "ls"]}', []) == {("commands", 0): "", ("commands", 1): "ls"}


def test_line_breaks_that_the_model_did_not_escape_are_text() -> None:
    assert heard('{"input": "a\nb\tc"}', [3, 12]) == {("input",): "a\nb\tc"}


@given(st.text(), st.lists(st.integers(0), max_size=5))
def test_what_is_no_json_is_read_without_complaint(text: str, cuts: list[int]) -> None:
    strings = JSONStrings()
    places = sorted(cut % (len(text) + 1) for cut in cuts)
    for start, end in zip([0, *places], [*places, len(text)], strict=True):
        assert all(isinstance(piece.text, str) for piece in strings.feed(text[start:end]))
