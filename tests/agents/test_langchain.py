"""LangChain with `use_responses_api=True`, and agents of LangGraph over it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.agents.installed import OPENAI_3, python
from tests.agents.script import PERSON
from tests.agents.site import Site, some_models, tasks

pytestmark = pytest.mark.agents


def done(site: Site, task: str, model: str) -> Any:
    return python(site, OPENAI_3, "langchain_openai_responses.py", task, model)


@some_models
def test_it_answers_and_counts(site: Site, model: str) -> None:
    answer = done(site, "answer", model)
    assert answer["text"] == "Hello from the script."
    assert answer["tokens"] > 0


@some_models
def test_it_streams_thoughts_and_text(site: Site, model: str) -> None:
    told = done(site, "streamed", model)
    assert told == {"text": "Hello after a thought.", "thoughts": ["A greeting is due."]}


@tasks("unstored", "steps", "chained")
def test_tools_are_called_step_by_step_and_the_talk_goes_on(site: Site, model: str, task: str) -> None:
    told = done(site, task, model)
    assert told == {"texts": ["Oslo", "Hello from the script."], "asked": ["Rome", "Oslo"]}
    site.was_told(model, "sunny in Rome", "sunny in Oslo")


@some_models
def test_the_answer_keeps_to_its_type(site: Site, model: str) -> None:
    assert done(site, "structured", model) == json.loads(PERSON)


@some_models
def test_a_picture_is_shown(site: Site, model: str) -> None:
    assert done(site, "picture", model) == "A red square."
    site.was_told(model, '"image')
