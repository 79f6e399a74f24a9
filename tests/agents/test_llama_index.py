"""LlamaIndex with its OpenAIResponses, and agents over it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.agents.installed import OPENAI_2, python
from tests.agents.script import PERSON
from tests.agents.site import Site, some_models, tasks

pytestmark = pytest.mark.agents


def done(site: Site, task: str, model: str) -> Any:
    return python(site, OPENAI_2, "llama_index_responses.py", task, model)


@some_models
def test_it_answers(site: Site, model: str) -> None:
    assert done(site, "answer", model) == "Hello from the script."


@some_models
def test_it_streams_thoughts_and_text(site: Site, model: str) -> None:
    told = done(site, "streamed", model)
    assert (told["text"], told["thoughts"]) == ("Hello after a thought.", ["A greeting is due."])
    assert told["pieces"] > 1


@tasks("steps", "stored")
def test_tools_are_called_step_by_step(site: Site, model: str, task: str) -> None:
    assert done(site, task, model) == {"text": "Oslo", "asked": ["Rome", "Oslo"]}


@some_models
def test_the_answer_keeps_to_its_type(site: Site, model: str) -> None:
    assert done(site, "structured", model) == json.loads(PERSON)


@some_models
def test_a_picture_is_shown(site: Site, model: str) -> None:
    assert done(site, "picture", model) == "A red square."
    site.was_told(model, '"image')
