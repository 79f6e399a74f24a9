"""Tools that a provider runs itself: run there, given back there, and told elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from tests.matrix.conversation import Answer, Item, Ran, Words
from tests.matrix.playing import SEALED, create, strings
from tests.matrix.stage import CAST, Stage
from tests.matrix.test_odd_requests import HELLO, MORE

MCP = {
    "type": "mcp",
    "server_label": "dice",
    "server_url": "https://dice.example/mcp",
    "authorization": "secret",
    "require_approval": "never",
}
CODE = {"type": "code_interpreter", "container": {"type": "auto"}}
ROLLED = Ran("mcp", "roll", {"sides": 6}, "a four")
COUNTED = Ran("code", "code_interpreter", {"code": "print(2 + 2)"}, "4 it is")
RUNS = {
    "anthropic-mcp": ("anthropic", MCP, ROLLED),
    "anthropic-code": ("anthropic", CODE, COUNTED),
    "gemini-code": ("gemini", CODE, COUNTED),
}
NOT_RESPONSES = [name for name, fake in CAST.items() if fake.dialect != "responses"]


def ask(openai: OpenAI, model: str, items: Any, tools: Any, *, stream: bool, **fields: Any) -> dict[str, Any]:
    fields |= {"input": items, "tools": tools, "store": False, "include": [SEALED]}
    answer = create(openai, model=model, stream=stream, **fields)
    if stream:
        *_, last = answer
        answer = last.response
    said: dict[str, Any] = answer.to_dict(warnings=False)
    return said


def run(openai: OpenAI, playing: Stage, which: str, *, stream: bool) -> list[Item]:
    """The history of a turn in which the tool was run."""
    name, tool, ran = RUNS[which]
    fake = playing.fakes[name]
    fake.answer = Answer((ran, Words("So it is.")))
    response = ask(openai, f"{name}/{fake.model}", [HELLO], [tool], stream=stream)
    assert fake.refused == []
    assert response["adaptations"] == []
    return [HELLO, *response["output"], MORE]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("which", RUNS)
def test_what_was_run_is_an_item(openai: OpenAI, playing: Stage, which: str, stream: bool) -> None:
    playing.cast()
    (item,) = (item for item in run(openai, playing, which, stream=stream) if item["type"].endswith("_call"))
    assert item["status"] == "completed"
    if which == "anthropic-mcp":
        said = {name: item[name] for name in ("type", "server_label", "name", "output")}
        assert said == {"type": "mcp_call", "server_label": "dice", "name": "roll", "output": "a four"}
        assert json.loads(item["arguments"]) == {"sides": 6}
    else:
        assert (item["type"], item["code"]) == ("code_interpreter_call", "print(2 + 2)")
        assert item["outputs"] == [{"type": "logs", "logs": "4 it is"}]


@pytest.mark.parametrize("which", RUNS)
def test_it_goes_back_as_it_came(openai: OpenAI, playing: Stage, which: str) -> None:
    playing.cast()
    items = run(openai, playing, which, stream=True)
    name, tool, _ = RUNS[which]
    fake = playing.fakes[name]
    sealed = set(fake.sealed)
    fake.answer = Answer((Words("Again."),))
    response = ask(openai, f"{name}/{fake.model}", items, [tool], stream=False)
    assert fake.refused == []
    assert sealed and fake.returned == sealed
    assert response["adaptations"] == []


@pytest.mark.parametrize("name", NOT_RESPONSES)
@pytest.mark.parametrize("which", RUNS)
def test_elsewhere_it_is_told_unless_it_goes_back(
    openai: OpenAI, playing: Stage, which: str, name: str
) -> None:
    """To who ran it without the tool, and to all others with it: few of them have it, fewer read the seal."""
    playing.cast()
    items = run(openai, playing, which, stream=False)
    home, tool, ran = RUNS[which]
    fake = playing.fakes[name]
    fake.answer = Answer((Words("I see."),))
    tools = [tool] if name != home else []
    response = ask(openai, f"{name}/{fake.model}", items, tools, stream=False)
    assert fake.refused == []
    body = fake.asked[-1].body
    assert any(ran.came in said for said in strings(body))
    told = {each["param"]: each["action"] for each in response["adaptations"]}
    at = next(at for at, item in enumerate(items) if item["type"].endswith("_call"))
    goes_back = any(key in fake.returned for key, value in fake.sealed.items() if ran.came in str(value))
    assert (told.get(f"input[{at}]") == "translated") is not goes_back
    assert "secret" not in str(body) or "mcp_servers" in body


@pytest.mark.parametrize("name", ["cohere", "ollama_native", "bedrock", "openrouter", "gemini"])
@pytest.mark.parametrize(
    "asked", [{"adaptation": "strict"}, {"tool_choice": {"type": "mcp", "server_label": "dice"}}]
)
def test_where_it_is_not_run_it_is_refused_if_it_must_be(
    openai: OpenAI, playing: Stage, name: str, asked: dict[str, Any]
) -> None:
    fake = playing.cast()[name]
    with pytest.raises(BadRequestError) as refusal:
        ask(openai, f"{name}/{fake.model}", [HELLO], [MCP], stream=False, **asked)
    body: Any = refusal.value.body
    assert "mcp" in body["message"] or "tools[0]" in body["message"]
    assert fake.asked == []
