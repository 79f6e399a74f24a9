"""Hosted tools that an upstream does not run."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.providers import PROVIDERS
from tests.upstream.dialects.saying import said_to

IMAGES = {"type": "image_generation"}
SEARCHES = [{"type": "web_search"}, {"type": "x_search"}]


def say(tools: list[Any], choice: Any = None, *, provider: str = "xai") -> WireRequest:
    turn = Turn(model="grok-4", items=[], tools=tools, tool_choice=choice)
    return said_to(PROVIDERS[provider].dialect, turn)


def test_xai_is_not_asked_for_images_and_gets_its_own_tools_as_they_came() -> None:
    request = say([*SEARCHES, IMAGES], "auto")
    assert request.body["tools"] == SEARCHES
    assert request.body["tool_choice"] == "auto"
    assert [str(told) for told in request.adaptations] == [
        "tools[2]: dropped, this model has no image_generation tool"
    ]


def test_everybody_else_is() -> None:
    request = say([*SEARCHES, IMAGES], IMAGES, provider="openai")
    assert (request.body["tools"], request.body["tool_choice"]) == ([*SEARCHES, IMAGES], IMAGES)
    assert request.adaptations == ()


@pytest.mark.parametrize(
    "choice", [IMAGES, "required", {"type": "allowed_tools", "mode": "required", "tools": [IMAGES]}]
)
def test_to_demand_it_is_refused(choice: Any) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        say([IMAGES], choice)
    assert refusal.value.param == "tool_choice"


def test_of_allowed_tools_it_is_left_out() -> None:
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [IMAGES, *SEARCHES]}
    assert say([*SEARCHES, IMAGES], allowed).body["tool_choice"] == {**allowed, "tools": SEARCHES}


def test_where_no_tool_is_left_nothing_is_chosen() -> None:
    body = say([IMAGES], "none").body
    assert body.keys().isdisjoint(("tools", "tool_choice"))


def test_a_choice_without_tools_goes_out_as_it_came() -> None:
    turn = Turn(model="m", items=[], tool_choice="none")
    assert Responses().encode(turn).body["tool_choice"] == "none"
