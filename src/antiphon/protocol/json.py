"""JSON as the gateway reads and writes it.

One library (msgspec), because it keeps integers exact at any size and refuses NaN, infinities and
invalid UTF-8. What comes from providers is read more leniently: an escaped lone surrogate, which some
send when they cut a text in the middle of an emoji, becomes U+FFFD instead of losing the whole event.
"""

from __future__ import annotations

import json as stdlib_json
from typing import Any, TypeAlias

import msgspec

JSON: TypeAlias = dict[str, Any]

DEEPEST = 250
"""Levels of what is taken from a provider. Deeper values could be parsed (to about 1,000 levels), but not
written again inside of our own events and responses."""

_encoder = msgspec.json.Encoder()
_sorting_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()


class MalformedJSON(ValueError):
    """The bytes are not JSON that we accept; the message says why, without quoting the bytes."""


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON. Raises MalformedJSON for what has no JSON form (a lone surrogate, absurd depth)."""
    try:
        return _encoder.encode(value)
    except (UnicodeEncodeError, RecursionError) as error:
        raise MalformedJSON(str(error)) from None


def encode_sorted(value: Any) -> bytes:
    """The same, keys in the order of their characters: equal values are equal bytes."""
    try:
        return _sorting_encoder.encode(value)
    except (UnicodeEncodeError, RecursionError) as error:
        raise MalformedJSON(str(error)) from None


def decode(data: bytes) -> Any:
    """Parse strictly. Raises MalformedJSON."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedJSON(str(error)) from None


def decode_leniently(data: bytes) -> Any:
    """Parse what a provider sent: invalid bytes and lone surrogates become U+FFFD.

    Raises MalformedJSON, also for what is nested deeper than DEEPEST.
    """
    try:
        value = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = _decode_mended(data)
    if may_be_deeper(data, DEEPEST) and deeper(value, DEEPEST):
        raise MalformedJSON(f"nested deeper than {DEEPEST} levels")
    return value


def may_be_deeper(data: bytes, levels: int) -> bool:
    """Whether there are brackets enough for more than `levels`; else there is nothing to measure.

    They are sought one by one: there are few, and to seek is ten times as fast as to count.
    """
    if len(data) <= 2 * levels:
        return False
    for bracket in (b"{", b"["):
        at = data.find(bracket)
        while at >= 0 and levels >= 0:
            levels -= 1
            at = data.find(bracket, at + 1)
    return levels < 0


def deeper(value: Any, levels: int) -> bool:
    """Whether there are more than `levels` arrays and objects within one another. Without recursion."""
    layer = [value] if isinstance(value, dict | list) else []
    while layer and levels:
        levels -= 1
        layer = [
            inner
            for outer in layer
            for inner in (outer.values() if outer.__class__ is dict else outer)
            if inner.__class__ is dict or inner.__class__ is list
        ]
    return bool(layer)


def _decode_mended(data: bytes) -> Any:
    try:
        value = stdlib_json.loads(data.decode("utf-8", "replace"), parse_constant=_refuse)
        utf_16 = stdlib_json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
        return _decoder.decode(utf_16.decode("utf-16", "replace").encode())
    except (ValueError, RecursionError) as error:
        raise MalformedJSON(str(error)) from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
