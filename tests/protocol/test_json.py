"""JSON as providers send it: what is taken, and what is refused."""

from __future__ import annotations

import pytest

from antiphon.protocol.json import (
    DEEPEST,
    MalformedJSON,
    decode_leniently,
    deeper,
    encode,
    may_be_deeper,
)


def nested(levels: int, opening: bytes = b"[", closing: bytes = b"]", inside: bytes = b"") -> bytes:
    return opening * levels + inside + closing * levels


@pytest.mark.parametrize(("opening", "closing", "inside"), [(b"[", b"]", b""), (b'{"a":', b"}", b"1")])
def test_what_is_accepted_can_be_written_again(opening: bytes, closing: bytes, inside: bytes) -> None:
    deepest = decode_leniently(nested(DEEPEST, opening, closing, inside))
    assert decode_leniently(encode(deepest)) == deepest
    for levels in (DEEPEST + 1, 976, 100_000):
        with pytest.raises(MalformedJSON):
            decode_leniently(nested(levels, opening, closing, inside))


def test_what_was_mended_is_measured_too() -> None:
    assert decode_leniently(nested(DEEPEST, inside=b'"\\ud83d"'))
    with pytest.raises(MalformedJSON):
        decode_leniently(nested(DEEPEST + 1, inside=b'"\\ud83d"'))


def test_many_brackets_are_no_depth() -> None:
    assert decode_leniently(b"[" + b"{}," * 1000 + b'"[[[["]')[-1] == "[[[["
    assert decode_leniently(encode("[{" * 1000)) == "[{" * 1000


@pytest.mark.parametrize(("value", "levels"), [(1, 0), ("[]", 0), ([], 1), ({"a": [1, {}]}, 3)])
def test_depth_is_of_arrays_and_objects_within_one_another(value: object, levels: int) -> None:
    assert not deeper(value, levels)
    assert levels == 0 or deeper(value, levels - 1)


@pytest.mark.parametrize("brackets", [0, 3, 4, 5, 50])
def test_there_is_nothing_to_measure_unless_there_are_brackets_enough(brackets: int) -> None:
    data = (b"[{" * brackets)[:brackets].ljust(60, b" ")
    assert may_be_deeper(data, 4) == (brackets > 4)
