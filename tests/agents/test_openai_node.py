"""OpenAI's own library for JavaScript: its helpers for streams, schemas and tools, and what is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.agents.installed import FOLDER, javascript
from tests.agents.provider import FAILURES
from tests.agents.script import PERSON
from tests.agents.site import CHAT, Site, all_models, some_models, tasks

pytestmark = [
    pytest.mark.agents,
    pytest.mark.skipif(not (FOLDER / "node_modules" / "openai").is_dir(), reason="npm is missing"),
]


def done(site: Site, task: str, model: str) -> Any:
    return javascript(site, "openai_node.mjs", task, model)


@some_models
def test_it_answers_and_counts(site: Site, model: str) -> None:
    answer = done(site, "answer", model)
    assert (answer["text"], answer["status"]) == ("Hello from the script.", "completed")
    assert answer["tokens"] > 0


@all_models
def test_its_stream_adds_up_to_a_response(site: Site, model: str) -> None:
    told = done(site, "streamed", model)
    assert (told["text"], told["thoughts"]) == ("Hello after a thought.", ["A greeting is due."])
    assert told["kinds"]["response.output_text.delta"] > 1
    assert told["kinds"]["response.completed"] == 1


@tasks("unstored", "chained")
def test_tools_are_called_step_by_step_and_the_talk_goes_on(site: Site, model: str, task: str) -> None:
    told = done(site, task, model)
    assert (told["texts"], told["asked"]) == (["Oslo", "Hello from the script."], ["Rome", "Oslo"])
    site.was_told(model, "sunny in Rome", "sunny in Oslo")


@all_models
def test_the_answer_keeps_to_its_type(site: Site, model: str) -> None:
    assert done(site, "parsed", model) == json.loads(PERSON)


@some_models
def test_a_picture_is_shown(site: Site, model: str) -> None:
    assert done(site, "picture", model) == "A red square."
    site.was_told(model, '"image')


def test_what_was_said_is_kept_until_it_is_taken_away(site: Site) -> None:
    site.meant += [("GET", 404)]
    told = done(site, "kept", CHAT)
    assert told == {"text": "Hello from the script.", "said": "Greet me.", "gone": 404}


@all_models
def test_a_full_context_is_known_by_its_code(site: Site, model: str) -> None:
    site.meant += [("POST", 400)]
    failed = {"name": "BadRequestError", "status": 400, "code": "context_length_exceeded"}
    assert done(site, "failure", model) == failed


def test_it_tries_again_after_failures_of_a_provider(site: Site) -> None:
    site.stage.failures["openrouter"] = [*FAILURES]
    site.meant += [("POST", 429), ("POST", 502)]
    assert done(site, "answer", CHAT)["text"] == "Hello from the script."
