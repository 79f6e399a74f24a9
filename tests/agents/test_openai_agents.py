"""OpenAI's Agents SDK, in Python and in JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import pytest

from tests.agents.installed import FOLDER, OPENAI_3, javascript, python
from tests.agents.script import PERSON
from tests.agents.site import Site, some_models, tasks

Done: TypeAlias = Callable[..., Any]

pytestmark = pytest.mark.agents


@pytest.fixture(params=["python", "javascript"])
def done(site: Site, request: pytest.FixtureRequest) -> Done:
    if request.param == "python":
        return partial(python, site, OPENAI_3, "openai_agents.py")
    if not (FOLDER / "node_modules" / "@openai" / "agents").is_dir():
        pytest.skip("npm is missing")
    return partial(javascript, site, "openai_agents.mjs")


@some_models
def test_it_answers(done: Done, model: str) -> None:
    assert done("answer", model) == "Hello from the script."


@tasks("tools", "unstored")
def test_tools_are_called_step_by_step(done: Done, model: str, task: str) -> None:
    assert done(task, model) == {"text": "Oslo", "asked": ["Rome", "Oslo"], "thoughts": ["Rome first."]}


@some_models
def test_the_gateway_keeps_the_conversation(site: Site, done: Done, model: str) -> None:
    assert done("chained", model) == ["Oslo", "Hello from the script."]
    site.was_told(model, "sunny in Rome", "sunny in Oslo")


@some_models
def test_one_agent_hands_over_to_another(done: Done, model: str) -> None:
    assert done("handoff", model) == {"text": "Roses are red.", "last": "poet"}


@some_models
def test_the_answer_keeps_to_its_type(done: Done, model: str) -> None:
    assert done("structured", model) == json.loads(PERSON)


@some_models
def test_a_run_is_streamed(done: Done, model: str) -> None:
    told = done("streamed", model)
    assert (told["text"], told["asked"]) == ("Oslo", ["Rome", "Oslo"])
    assert told["kinds"].count("tool_called") == told["kinds"].count("tool_output") == 2
