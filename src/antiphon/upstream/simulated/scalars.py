"""Strings and numbers for a regular schema: a row of candidates, the plainest first, always the same.

What makes a candidate valid is decided elsewhere (validity); here it only has to be likely.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain, count, islice
from typing import Any

from antiphon.core.json_schema.document import Document, Schema
from antiphon.core.json_schema.pattern import UnsupportedPattern
from antiphon.core.json_schema.validity import exact

LONGEST = 100_000  # characters of a text
MOST = 500  # candidates of one kind; `uniqueItems` is what asks for more than one

_FORMATS: dict[str, Callable[[int], str]] = {
    "date-time": lambda n: f"2026-01-{1 + n % 28:02d}T12:00:00Z",
    "date": lambda n: f"2026-01-{1 + n % 28:02d}",
    "time": lambda n: f"12:{n % 60:02d}:00Z",
    "duration": lambda n: f"PT{n + 1}H",
    "email": lambda n: f"someone{n or ''}@example.com",
    "idn-email": lambda n: f"someone{n or ''}@example.com",
    "hostname": lambda n: f"host{n or ''}.example.com",
    "idn-hostname": lambda n: f"host{n or ''}.example.com",
    "ipv4": lambda n: f"192.0.2.{n % 256}",
    "ipv6": lambda n: f"2001:db8::{n:x}",
    "uri": lambda n: f"https://example.com/{n or ''}",
    "iri": lambda n: f"https://example.com/{n or ''}",
    "uri-reference": lambda n: f"/path/{n or ''}",
    "iri-reference": lambda n: f"/path/{n or ''}",
    "uri-template": lambda n: f"/path/{n or ''}",
    "uuid": lambda n: f"00000000-0000-4000-8000-{n:012d}",
    "json-pointer": lambda n: f"/{n}",
    "relative-json-pointer": lambda n: f"{n}",
    "regex": lambda n: f"a{{{n}}}",
    "byte": lambda n: "dGV4dA==",
}


def strings(schema: Schema, document: Document) -> Iterator[str]:
    """Candidates: by format, by pattern, and plain text of the right length."""
    low, high = int(schema.get("minLength", 0)), schema.get("maxLength", math.inf)
    if low > LONGEST:
        return
    named = _FORMATS.get(schema.get("format", ""))
    if named:
        yield from map(named, range(MOST))
    for text in schema.get("patterns", ()):
        yield from _by_pattern(document, text, low, high)
    for number in range(MOST):
        yield _plain(number, low, high)
    yield from ("a" * length for length in range(8))


def _by_pattern(document: Document, text: str, low: int, high: float) -> Iterator[str]:
    """Examples of growing length first, then, at a fitting length, of other characters."""
    pattern = document.pattern(text)
    fitting = 0
    try:
        for repeats in islice(chain(range(4), count(max(4, low - 8))), 24):
            example = pattern.example(repeats)
            if low <= len(example) <= high:
                fitting = repeats
                yield example
            elif len(example) < low:
                yield example + "x" * (low - len(example))
        for variant in range(1, 64):
            yield pattern.example(fitting, variant)
        for number in range(1, 64):  # for a pattern that is not anchored
            yield f"{pattern.example(fitting)} {number}"
    except UnsupportedPattern:
        return


def _plain(number: int, low: int, high: float) -> str:
    text = f"text {number + 1}" if number else "text"
    if len(text) > high:
        letters = string.ascii_lowercase + string.digits
        text = ""
        while len(text) < high:
            number, digit = divmod(number, len(letters))
            text += letters[digit]
    return text + "x" * (low - len(text))


def numbers(schema: Schema, *, whole: bool) -> Iterator[float]:
    """Candidates: up from the lower bound, or down from the upper, in steps of `multipleOf`; or from 1."""
    bounds = [exact(schema[name]) for name in ("minimum", "exclusiveMinimum") if name in schema]
    tops = [exact(schema[name]) for name in ("maximum", "exclusiveMaximum") if name in schema]
    low, high = max(bounds, default=None), min(tops, default=None)
    step = exact(schema.get("multipleOf", 1))
    if whole and step.denominator > 1:
        step = Fraction(step.numerator)  # the whole multiples of a/b, in lowest terms, are those of a
    yield from map(_number, islice(_ladder(low, high, step), MOST))
    if not whole and low is not None and high is not None:
        for part in range(1, 64):
            yield _number(low + (high - low) * Fraction(part, 64 if part > 1 else 2))
    yield from (0, -1, 0 if whole else 0.5)


def _ladder(low: Fraction | None, high: Fraction | None, step: Fraction) -> Iterator[Fraction]:
    if low is not None:
        first, direction = math.ceil(low / step), 1
    elif high is not None:
        first, direction = math.floor(high / step), -1
    else:
        first, direction = 1, 1
    for at in count(first, direction):
        value = at * step
        if high is not None and value > high:
            return
        yield value


def _number(value: Fraction) -> Any:
    if value.denominator == 1:
        return value.numerator
    return float(value)
