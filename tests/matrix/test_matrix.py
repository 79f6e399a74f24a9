"""Every dialect is given what every other has said, and no provider refuses it."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from openai import OpenAI

from antiphon.settings.providers import DIALECTS
from tests.matrix.conversation import TURNS, Thought, Turn
from tests.matrix.fakes.base import Fake
from tests.matrix.playing import Client, Mode, heard, strings
from tests.matrix.stage import CAST, Stage

OF_DIALECTS = {fake.dialect: name for name, fake in reversed(CAST.items())}
PAIRS = list(itertools.product(OF_DIALECTS.values(), repeat=2))
OTHERS = [name for name in CAST if name not in OF_DIALECTS.values()]
"""Providers with rules of their own beside those of their dialect."""
INDEX = re.compile(r"\[(\d+|\*)\]")

# What may be adapted of this conversation, wherever it goes: thoughts that others sealed, or that were cut.
# The history is `previous_response_id` here, also where it is that of a conversation.
ALWAYS = {("input[]", "dropped"), ("previous_response_id", "dropped")}
_FUNCTIONS = {("tools[]", "emulated"), ("tools[]", "translated")}
_UNMARKED = {("input[].content[].cache_control", "dropped")}
_LIFTED = {("input[].output", "translated"), ("previous_response_id", "translated")}
_CLAUDE = {("cache_control", "dropped"), ("input", "dropped"), ("reasoning.effort", "dropped")}
EXPECTED: dict[str, set[tuple[str, str]]] = {
    "responses": _UNMARKED,
    "chat": {
        *(_FUNCTIONS | _LIFTED | _UNMARKED),
        ("input[]", "translated"),  # a later system message
        ("input", "emulated"),  # a word of the assistant's between an output and the user
        ("reasoning.effort", "dropped"),
        ("text.format", "emulated"),
        ("tools[].strict", "dropped"),
    },
    "anthropic": _FUNCTIONS | _CLAUDE | {("input", "translated")},
    "gemini": {
        *(_FUNCTIONS | _UNMARKED),
        ("input", "emulated"),  # calls that others made
        ("input[]", "translated"),  # a later system message
        ("previous_response_id", "translated"),
        ("reasoning.effort", "clamped"),
    },
    "converse": {
        *(_FUNCTIONS | _CLAUDE),
        ("input[]", "translated"),
        ("previous_response_id", "translated"),
        ("tools", "emulated"),  # those called before, where none are offered
    },
    "cohere": {
        *(_FUNCTIONS | _UNMARKED | _LIFTED),
        ("input[].content", "translated"),  # a later system message; text before a call
        ("text.format", "emulated"),
        ("tools[].strict", "dropped"),
    },
    "ollama": {
        *(_FUNCTIONS | _UNMARKED | _LIFTED),
        ("tool_choice", "emulated"),
        ("tools[].strict", "dropped"),
    },
}
# … and besides, by models that cannot do so much.
MORE: dict[str, set[tuple[str, str]]] = {
    "old_gemini": {*_LIFTED, ("text.format", "emulated")},
    "nova": {("text.format", "emulated"), ("tools[].strict", "dropped")},
    "mistral_on_bedrock": {
        ("input", "emulated"),  # a word of the assistant's between outputs and the user
        ("text.format", "emulated"),
        ("tools[].strict", "dropped"),
    },
    "command": {("reasoning.effort", "dropped")},
    "xai": _FUNCTIONS,
    "qwen": {("reasoning.effort", "translated")},
}
MODES: tuple[Mode, ...] = ("stored", "carried")


def play(openai: OpenAI, playing: Stage, order: Sequence[str], mode: Mode) -> None:
    """The conversation, its turns spoken by these providers in a circle, with all that must hold."""
    fakes, client = playing.cast(), Client(openai, mode)
    due: defaultdict[str, set[str]] = defaultdict(set)  # what each family sealed, and must get back
    told: list[str] = []
    for number, turn in enumerate(TURNS):
        fake = fakes[order[number % len(order)]]
        fake.answer, known = turn.answer, set(fake.sealed)
        stream = (number // len(order) + (mode == "stored")) % 2 == 0
        response = client.play(turn, f"{fake.name}/{fake.model}", stream=stream)
        assert fake.refused == [], turn.about
        check_answer(fake, turn.about, response)
        told += turn.told
        body = "\n".join(strings(fake.asked[-1].body))
        assert [text for text in told if text not in body] == [], turn.about
        told += [text for kind, text, *_ in fake.said.items if kind in ("text", "refusal")]
        assert fake.returned == due[fake.family], turn.about
        if turn.answer.comes_to_something:
            due[fake.family] |= fake.sealed.keys() - known
        check_adaptations(fake, turn, client.thoughts_before, response["adaptations"])


def check_answer(fake: Fake, about: str, response: dict[str, Any]) -> None:
    assert heard(response) == fake.said.items, about
    reason = (response["incomplete_details"] or {}).get("reason")
    assert (response["status"], reason) == (
        "incomplete" if fake.said.incomplete else "completed",
        fake.said.incomplete,
    )


def check_adaptations(
    fake: Fake, turn: Turn, thoughts: dict[str, str], adaptations: list[dict[str, str]]
) -> None:
    """What could not be said stands in the response, and nothing else does.

    `thoughts`: those of earlier turns, and the paths of their items in the request.
    """
    noted = {(path_of(told["param"]), told["action"]) for told in adaptations}
    assert noted - EXPECTED[fake.dialect] - MORE.get(fake.name, set()) - ALWAYS == set(), turn.about
    body = "\n".join(strings(fake.asked[-1].body))
    for text, path in thoughts.items():
        if text not in body:
            assert {(path_of(path), "dropped"), ("input", "dropped")} & noted, turn.about
    thinks = any(isinstance(part, Thought) for part in turn.answer.parts)
    if thinks and fake.shows_thoughts and not any(kind == "thought" for kind, *_ in fake.said.items):
        assert ("reasoning.effort", "dropped") in noted, turn.about


def path_of(param: str) -> str:
    return "previous_response_id" if param == "conversation" else INDEX.sub("[]", param)


def test_all_dialects_are_in_the_matrix() -> None:
    assert set(OF_DIALECTS) == set(DIALECTS)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_provider_is_given_what_another_said(
    openai: OpenAI, playing: Stage, first: str, second: str, mode: Mode
) -> None:
    play(openai, playing, (first, second), mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("other", OTHERS)
def test_every_second_turn_is_anothers(
    openai: OpenAI, playing: Stage, other: str, first: bool, mode: Mode
) -> None:
    """All dialects in a circle, and after each of them this provider; or before."""
    pairs = [(other, name) if first else (name, other) for name in OF_DIALECTS.values()]
    play(openai, playing, [name for pair in pairs for name in pair], mode)


@pytest.mark.parametrize("mode", (*MODES, "conversed"))
@pytest.mark.parametrize("start", range(len(CAST)))
def test_the_provider_goes_round_in_a_circle(openai: OpenAI, playing: Stage, start: int, mode: Mode) -> None:
    names = [*CAST]
    play(openai, playing, names[start:] + names[:start], mode)
