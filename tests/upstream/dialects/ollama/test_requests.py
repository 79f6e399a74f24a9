"""Requests as Ollama would take them: goldens, and long conversations of everything."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.turns.test_goldens import CASES as TURNS
from tests.turns.test_goldens import PAIRS, request_of
from tests.upstream.dialects.ollama.checker import check
from tests.upstream.dialects.ollama.hearing import say
from tests.upstream.dialects.saying import TOOLS, conversation


@pytest.mark.parametrize("case", [case for case, dialect in PAIRS if dialect == "ollama"])
def test_ollama_takes_every_golden(case: str) -> None:
    request = request_of(TURNS[case], "ollama")
    if "error" not in request:
        check(request["body"])


@pytest.mark.parametrize("fields", [{"tools": TOOLS}, {"reasoning": {"effort": "low"}, "top_logprobs": 2}])
@pytest.mark.parametrize("seed", range(12))
def test_ollama_takes_a_long_conversation_of_everything(seed: int, fields: dict[str, Any]) -> None:
    items = conversation(seed, turns=25)
    before = copy.deepcopy(items)
    body = say(items=items, **fields).body
    assert len(body["messages"]) > 40
    check(body)
    assert items == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "type": "function", "function": {}}]},
        {"role": "user", "content": "", "images": ["https://e.com/a.png"]},
        {"role": "tool", "content": "lost", "tool_call_id": "1", "tool_name": "look"},
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
    ],
)
def test_the_checker_knows_what_is_wrong(wrong: dict[str, Any]) -> None:
    with pytest.raises((AssertionError, LookupError, ValueError)):
        check({"model": "m", "messages": [wrong]})
