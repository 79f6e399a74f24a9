"""Requests as Cohere would take them: by its library's types, and by the rules in its documentation."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.turns.test_goldens import CASES as TURNS
from tests.turns.test_goldens import PAIRS, request_of
from tests.upstream.dialects.cohere.checker import check
from tests.upstream.dialects.cohere.hearing import PLANNER, THINKER, say
from tests.upstream.dialects.cohere.official import judge
from tests.upstream.dialects.saying import TOOLS, conversation


@pytest.mark.parametrize("case", [case for case, dialect in PAIRS if dialect == "cohere"])
def test_cohere_takes_every_golden(case: str) -> None:
    request = request_of(TURNS[case], "cohere")
    if "error" not in request:
        judge(request["body"])
        check(request["body"])


@pytest.mark.parametrize(
    "fields",
    [
        {"model": PLANNER, "tools": TOOLS},
        {"model": PLANNER},
        {"model": THINKER, "tools": TOOLS, "reasoning": {"effort": "low"}},
        {"model": THINKER, "reasoning": {"effort": "none"}, "text": {"format": {"type": "json_object"}}},
    ],
)
@pytest.mark.parametrize("seed", range(12))
def test_cohere_takes_a_long_conversation_of_everything(seed: int, fields: dict[str, Any]) -> None:
    items = conversation(seed, turns=25)
    before = copy.deepcopy(items)
    body = say(items=items, **fields).body
    assert len(body["messages"]) > 40
    judge(body)
    check(body)
    assert items == before


@pytest.mark.parametrize(
    "wrong",
    [
        [{"role": "assistant", "content": "a", "tool_calls": [{"id": "1"}]}],
        [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}],
        [{"role": "tool", "tool_call_id": "1", "content": "lost"}],
        [{"role": "user", "content": ""}],
        [{"role": "assistant", "tool_plan": "x", "content": "a"}],
    ],
)
def test_the_checker_knows_what_is_wrong(wrong: list[dict[str, Any]]) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check({"messages": wrong})
