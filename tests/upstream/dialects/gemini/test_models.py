"""What the name of a model says."""

from __future__ import annotations

import pytest

from antiphon.upstream.dialects.gemini.models import abilities_of


@pytest.mark.parametrize(
    ("model", "thinking", "levels"),
    [
        ("gemini-2.0-flash", "none", None),
        ("gemini-2.5-pro", "budget", None),
        ("gemini-2.5-flash-image", "none", None),
        ("gemini-3-pro-preview", "level", ("low", "high")),
        ("gemini-3.1-pro-preview", "level", ("low", "medium", "high")),
        ("gemini-3-flash-preview", "level", ("minimal", "low", "medium", "high")),
        ("gemini-3.5-flash-lite", "level", ("minimal", "low", "medium", "high")),
        ("gemini-3.8-flash", "level", ("low", "medium", "high")),
        ("gemini-4-argon", "level", ("low", "medium", "high")),
        ("gemini-flash-latest", "level", ("low", "medium", "high")),
        ("models/Gemini-2.5-Flash", "budget", None),
        ("gemma-3-27b-it", "none", None),
    ],
)
def test_how_a_model_thinks(model: str, thinking: str, levels: tuple[str, ...] | None) -> None:
    found = abilities_of(model)
    assert found.thinking == thinking
    assert levels in (None, found.levels)


@pytest.mark.parametrize(
    ("model", "budgets", "stops"),
    [
        ("gemini-2.5-pro", (128, 32_768), False),
        ("gemini-2.5-flash", (1, 24_576), True),
        ("gemini-2.5-flash-lite-preview-09-2025", (512, 24_576), True),
    ],
)
def test_the_bounds_of_a_budget(model: str, budgets: tuple[int, int], stops: bool) -> None:
    found = abilities_of(model)
    assert (found.budgets, found.stops_thinking) == (budgets, stops)


def test_what_came_with_3_and_what_went_with_4() -> None:
    old, new, newest = (abilities_of(f"gemini-{name}") for name in ("2.5-pro", "3-flash-preview", "4-neon"))
    assert (old.combines, old.modern_calls) == (False, False)
    assert (new.combines, new.modern_calls) == (True, True)
    assert (new.sampling, newest.sampling) == (True, False)
    assert (new.most_tokens, newest.most_tokens) == (65_536, None)
