"""Whatever a model says, and whatever a client sends back, nothing breaks."""

from __future__ import annotations

import random
from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Dialect
from antiphon.upstream.computer.actions import Language, OwnCall, deeds
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.anthropic import computer as of_claude
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.gemini import computer as of_gemini
from tests.upstream.computer.screenshots import screenshot
from tests.upstream.dialects.saying import said_to, user

CLAUDE = of_claude.Computer("computer_toolset_20260801", None, several=True)
GEMINI = of_gemini.Computer("actions", "ENVIRONMENT_BROWSER", (1440, 900), True, frozenset())
NAMES: list[tuple[Language, list[str]]] = [
    (CLAUDE, ["left_click", "double_click", "mouse_move", "left_click_drag", "scroll", "key", "type", "fly"]),
    (GEMINI, ["click", "move", "drag_and_drop", "type", "type_text_at", "hotkey", "scroll", "scroll_at"]),
]
FIELDS = (
    *("coordinate", "start_coordinate", "text", "scroll_direction", "scroll_amount", "repeat", "x", "y"),
    *("start_x", "start_y", "end_x", "end_y", "keys", "direction", "magnitude", "press_enter"),
)
ACTION = ("type", "x", "y", "button", "keys", "path", "text", "scroll_x", "scroll_y")
KINDS = ("click", "double_click", "drag", "keypress", "move", "scroll", "type", "wait", "of_the_future")
SEALS = (
    "anthropic:calls:[]",
    'anthropic:calls:[{"id":"c","name":"wait","input":{},"told":"x"}]',
    'gemini:[{"computer":[]}]',
    'gemini:[{"computer":[{"id":"","name":"click","input":{},"told":"x"}]}]',
)


def anything(chance: random.Random, depth: int = 0) -> Any:
    if depth < 2 and chance.random() < 0.3:
        inner = [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
        return chance.choice((inner, dict(zip("xyz", inner, strict=False))))
    return chance.choice((None, True, 1, -5, 10**30, 1.5, 2.0, "", "a", "ctrl+a", "down", [1, 2], {}))


def some(chance: random.Random, fields: tuple[str, ...]) -> JSON:
    return {field: anything(chance) for field in fields if chance.random() < 0.5}


@pytest.mark.parametrize("seed", range(20))
def test_calls_come_to_actions_or_are_told_why_not(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(100):
        language, names = chance.choice(NAMES)
        calls = [OwnCall("c", chance.choice(names), some(chance, FIELDS)) for _ in range(3)]
        done = deeds(calls, language)
        assert [deed.call.name for deed in done] == [call.name for call in calls]
        assert any(deed.actions for deed in done)
        assert all(deed.actions or deed.call.told for deed in done)
        assert language.said([action for deed in done for action in deed.actions])


@pytest.mark.parametrize(
    ("dialect", "model"),
    [
        (Anthropic(), "claude-opus-5-5"),
        (Anthropic(), "claude-opus-4-6"),
        (Gemini(), "gemini-3.8-flash"),
        (Gemini(), "gemini-3-flash-preview"),
    ],
)
def test_a_history_is_said_or_refused_by_its_place(dialect: Dialect, model: str) -> None:
    chance = random.Random(model)
    for _ in range(300):
        actions = [{**some(chance, ACTION), "type": chance.choice(KINDS)} for _ in range(2)]
        call = {"type": "computer_call", "call_id": "c", "action": anything(chance)}
        call |= {"actions": chance.choice((None, [], actions)), "pending_safety_checks": anything(chance)}
        seal = {"type": "reasoning", "summary": [], "encrypted_content": chance.choice(SEALS)}
        shown = chance.choice((screenshot(), screenshot(), anything(chance)))
        answer = {"type": "computer_call_output", "call_id": "c", "output": shown}
        items = [user("Go."), *chance.choice(([seal], [])), call, *chance.choice(([answer], []))]
        try:
            said_to(dialect, Turn(model=model, items=items, tools=[{"type": "computer"}]))
        except InvalidRequest as refusal:
            assert (refusal.param or "").startswith("input["), refusal
