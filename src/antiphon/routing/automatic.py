"""`model: "auto"`: which of many models a request needs. Pure, and the same for the same request.

    request ─▶ signs ─▶ how hard it is, 0 to 1 ─▶ the quality that asks for
    models  ─▶ good enough: the cheapest first ─▶ not good enough: the best first

A model's quality is a number between 0 and 1. Where the configuration gives none it is estimated from what
its maker charges for a million tokens of output: nobody ranks a maker's models more honestly than its price
list. The estimate cannot tell a bargain from a bad model; who knows better sets `models.<name>.quality`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from types import MappingProxyType

from msgspec import Struct

from antiphon.protocol.json import JSON
from antiphon.routing.catalogue import Facts
from antiphon.routing.pricing import base

AUTOMATIC = frozenset({"@auto", "@edenai", "auto"})

_READ = 20_000
"""Characters of the last message that are looked at."""

_CODE = re.compile(r"```|\bdef |\bclass |\bfunction\b|#include|\bSELECT\b|=>|\bimport |Traceback|\{\s*\n")
_HARD = re.compile(
    r"\b(prove|proof|derive|theorem|optimi[sz]e|refactor|architect|debug|analy[sz]e|compare|"
    r"step by step|trade-?offs?|edge cases?|complexity|integral|equation|legal|diagnos\w*)\b",
    re.IGNORECASE,
)
_EASY = re.compile(
    r"^\s*(hi|hello|hey|thanks?|thank you|ping|test|translate|summari[sz]e|say|what time|who is|define)\b",
    re.IGNORECASE,
)
_EFFORT = MappingProxyType(
    {"none": -0.2, "minimal": -0.15, "low": -0.1, "medium": 0.1, "high": 0.25, "xhigh": 0.35, "max": 0.4}
)
_CHEAPEST, _DEAREST = 0.1e9, 100e9
"""Nano-US-dollars for a million tokens of output: below the first quality is 0, above the second 1."""

UNKNOWN_QUALITY = 0.3
"""Of a model without a price: most of them run on somebody's own machine."""


class Signs(Struct, frozen=True):
    """How hard a request is, 0 to 1, and what that follows from, for people."""

    difficulty: float
    because: tuple[str, ...]


def signs(items: Sequence[JSON], tools: Sequence[JSON], effort: str | None, schema: bool) -> Signs:
    """`items`: history and input; `schema`: the answer must have a form."""
    text = _last_text(items)[:_READ]
    found: dict[str, float] = {}
    if len(text) > 4000:
        found["long message"] = 0.15
    elif len(text) > 1000:
        found["message of some length"] = 0.1
    elif _EASY.search(text) and len(text) < 200:
        found["short and simple"] = -0.2
    if _CODE.search(text):
        found["code"] = 0.2
    if words := len({match.lower() for match in _HARD.findall(text)}):
        found["words of hard questions"] = min(0.1 * words, 0.25)
    if _foreign(text):
        found["not in Latin script"] = 0.05
    if tools:
        found["tools"] = 0.1 if len(tools) < 10 else 0.2
    if schema:
        found["structured output"] = 0.05
    if len(items) > 20:
        found["long conversation"] = 0.1
    if effort is not None and effort in _EFFORT:
        found[f"reasoning effort {effort}"] = _EFFORT[effort]
    difficulty = min(max(0.3 + sum(found.values()), 0.0), 1.0)
    return Signs(round(difficulty, 3), tuple(found))


def quality(facts: Facts, date: str) -> float:
    """0 to 1; `date` (ISO) says which price holds."""
    if facts.quality is not None:
        return facts.quality
    rate = base(facts.prices.rates({}, date, 0).get("output_tokens")) if facts.prices else None
    if not rate:
        return UNKNOWN_QUALITY
    place = math.log(rate / _CHEAPEST) / math.log(_DEAREST / _CHEAPEST)
    return min(max(place, 0.0), 1.0)


def asked_quality(difficulty: float) -> float:
    """The quality that is good enough: the best of all models is never asked for, for there is always one."""
    return 0.8 * difficulty


def _last_text(items: Sequence[JSON]) -> str:
    """What the user said last."""
    for item in reversed(items):
        if item.get("role") == "user":
            return "\n".join(_texts(item.get("content")))
    return ""


def _texts(content: object) -> Iterable[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and isinstance(text := part.get("text"), str):
                yield text


def _foreign(text: str) -> bool:
    """Mostly letters of another script."""
    letters = [character for character in text[:500] if character.isalpha()]
    return len(letters) > 10 and sum(character > "\u024f" for character in letters) > len(letters) / 2
