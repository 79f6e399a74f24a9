"""One screen, and models that take turns at it: some with a tool of their own, others with a function."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from openai import OpenAI

from tests.matrix.conversation import Answer, Call, Item, Words
from tests.matrix.fakes.computers import LOOK, PRESS, SCROLL, SEARCH, said_natively
from tests.matrix.playing import SEALED, create, strings
from tests.matrix.stage import Stage
from tests.upstream.computer.screenshots import screenshot

OWN = ("sonnet", "opus", "anthropic", "gemini")
"""Who has a tool: Claude in three generations, and Gemini."""
PLAYERS = (*OWN, "openrouter", "bedrock")
MODELS = {"gemini": "gemini-3.8-flash"}
COMPUTER: Item = {"type": "computer"}
PREVIEW: Item = {
    "type": "computer_use_preview",
    "environment": "browser",
    "display_width": 1280,
    "display_height": 900,
}
STEPS = [LOOK, SEARCH, SCROLL, PRESS, LOOK, SEARCH]


class Screen:
    """The client: does what it is asked, and shows what is there then."""

    def __init__(self, openai: OpenAI, mode: str, tool: Item) -> None:
        self._openai, self._mode, self._tool = openai, mode, tool
        self._history: list[Any] = []
        self._previous: str | None = None
        self.done: list[Item] = []

    def ask(self, model: str, stream: bool) -> dict[str, Any]:
        said = {"type": "message", "role": "user", "content": "Find a kite."}
        shown = [
            {"type": "computer_call_output", "call_id": call["call_id"], "output": screenshot(1280, 900)}
            for call in self.done
        ]
        asked = shown or [said]
        fields: dict[str, Any] = {"model": model, "stream": stream, "tools": [self._tool]}
        if self._mode == "stored":
            fields |= {"input": asked, "previous_response_id": self._previous}
        else:
            self._history += asked
            fields |= {"input": self._history, "store": False, "include": [SEALED]}
        answer = create(self._openai, **fields)
        if stream:
            *_, last = answer
            answer = last.response
        response: dict[str, Any] = answer.to_dict(warnings=False)
        self._previous = response["id"]
        self._history += response["output"]
        self.done = [item for item in response["output"] if item["type"] == "computer_call"]
        return response


def play(openai: OpenAI, playing: Stage, order: tuple[str, ...], mode: str, tool: Item) -> None:
    fakes, screen = playing.cast(), Screen(openai, mode, tool)
    made: list[tuple[str, list[Item]]] = []
    for number, actions in enumerate(STEPS):
        name = order[number % len(order)]
        fake = fakes[name]
        fake.answer = Answer((Call("computer", {"actions": actions}),))
        response = screen.ask(f"{name}/{MODELS.get(name, fake.model)}", number % 2 == 0)
        assert fake.refused == [], (number, name)
        assert response["status"] == "completed"
        (call,) = screen.done
        assert _bare(call["actions"]) == actions
        body = fake.asked[-1].body
        said = "\n".join(strings(body))
        assert "a red kite" in said or SEARCH not in [each for _, each in made]
        assert said.count(screenshot(1280, 900)["image_url"].partition(",")[2]) == len(made)
        for maker, each in made:
            if maker == name:
                assert [own for own in said_natively(each, body) if own not in _parts(body)] == []
        offered_own = not any("input_schema" in each or "function" in each for each in body.get("tools", ()))
        made += [(name, actions)] if name in OWN and offered_own else [("", actions)]
    fake.answer = Answer((Words("Found."),))
    response = screen.ask(f"{name}/{MODELS.get(name, fake.model)}", stream=False)
    assert response["output"][0]["content"][0]["text"] == "Found."


def _bare(actions: list[Item]) -> list[Item]:
    return [{name: value for name, value in action.items() if value is not None} for action in actions]


def _parts(body: Any) -> set[str]:
    """The calls in a request, as JSON, without what joins them to their results."""
    if "contents" in body:
        calls = [
            part["functionCall"]
            for each in body["contents"]
            for part in each["parts"]
            if "functionCall" in part
        ]
        return {json.dumps({"name": call["name"], "args": call["args"]}) for call in calls}
    blocks = [
        block for message in body["messages"] for block in message["content"] if isinstance(block, dict)
    ]
    return {json.dumps({k: v for k, v in block.items() if k not in ("type", "id")}) for block in blocks}


@pytest.mark.parametrize("mode", ["stored", "carried"])
@pytest.mark.parametrize(("first", "second"), [*itertools.product(PLAYERS, repeat=2)])
def test_a_model_goes_on_with_what_another_did(
    openai: OpenAI, playing: Stage, first: str, second: str, mode: str
) -> None:
    play(openai, playing, (first, second), mode, COMPUTER)


@pytest.mark.parametrize("mode", ["stored", "carried"])
@pytest.mark.parametrize("first", PLAYERS)
def test_the_model_goes_round_in_a_circle(openai: OpenAI, playing: Stage, first: str, mode: str) -> None:
    at = PLAYERS.index(first)
    play(openai, playing, (*PLAYERS[at:], *PLAYERS[:at]), mode, COMPUTER)
