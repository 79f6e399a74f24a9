"""What a request needs, read off the request."""

from __future__ import annotations

import pytest

from antiphon.protocol.json import JSON
from antiphon.routing.automatic import UNKNOWN_QUALITY, quality, signs
from antiphon.routing.catalogue import Facts
from antiphon.routing.pricing import PriceList, Prices

TOOLS: list[JSON] = [{"type": "function", "name": "look_up"}]


def said(text: str) -> list[JSON]:
    return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}]


def difficulty(text: str, *, tools: list[JSON] | None = None, effort: str | None = None) -> float:
    return signs(said(text), tools or [], effort, schema=False).difficulty


def test_harder_requests_are_found_harder() -> None:
    easy = difficulty("hello!")
    plain = difficulty("Which river flows through Vienna?")
    code = difficulty("```python\ndef f(): pass\n```\nWhy does this fail?")
    hard = difficulty("Prove the theorem step by step and analyse the complexity.", effort="high")
    assert easy < plain < code < hard


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_difficulty_stays_in_its_bounds(effort: str) -> None:
    for text in ("hi", "prove " * 3000, "```" + "debug optimize refactor legal " * 500):
        assert 0 <= difficulty(text, tools=TOOLS * 50, effort=effort) <= 1


def test_only_what_the_user_said_last_counts() -> None:
    history = [*said("Prove the theorem."), {"role": "assistant", "content": "It is so."}, *said("thanks")]
    assert signs(history, [], None, schema=False) == signs(said("thanks"), [], None, schema=False)


def test_the_reasons_are_told() -> None:
    found = signs(said("```x```"), TOOLS, "low", schema=True)
    assert found.because == ("code", "tools", "structured output", "reasoning effort low")


def test_odd_items_are_no_error() -> None:
    odd: list[JSON] = [{"role": "user"}, {"role": "user", "content": [{"type": "input_image"}, {"text": 5}]}]
    assert signs(odd, [], "unheard-of", schema=False).because == ()


def test_a_dearer_model_is_taken_to_be_better_unless_somebody_knows() -> None:
    def costing(dollars: float) -> Facts:
        return Facts(prices=PriceList((Prices({"output_tokens": round(dollars * 1e9)}),)))

    found = [quality(costing(dollars), "2026-11-21") for dollars in (0.05, 0.4, 15, 75, 600)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0.0, 1.0)
    assert quality(Facts(), "2026-11-21") == UNKNOWN_QUALITY
    assert quality(Facts(quality=0.9), "2026-11-21") == 0.9
