"""The Vercel AI SDK, through its package for OpenAI and through the one for Open Responses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.agents.installed import FOLDER, javascript
from tests.agents.provider import FAILURES
from tests.agents.script import PERSON
from tests.agents.site import Site, all_models, some_models

pytestmark = [
    pytest.mark.agents,
    pytest.mark.skipif(not (FOLDER / "node_modules" / "ai").is_dir(), reason="npm is missing"),
    pytest.mark.parametrize("through", ["openai", "open-responses"]),
]


def done(site: Site, task: str, through: str, model: str, store: str = "stored") -> Any:
    return javascript(site, "vercel_ai.mjs", task, through, model, store)


@some_models
def test_it_answers(site: Site, through: str, model: str) -> None:
    answer = done(site, "answer", through, model)
    assert (answer["text"], answer["finishReason"]) == ("Hello from the script.", "stop")
    assert answer["tokens"] > 0


@some_models
def test_it_streams_thoughts_and_text(site: Site, through: str, model: str) -> None:
    told = done(site, "stream", through, model)
    assert (told["text"], told["reasoning"]) == ("Hello after a thought.", "A greeting is due.")
    assert told["kinds"]["text-delta"] > 1
    assert told["kinds"]["reasoning-delta"] > 1


@some_models
@pytest.mark.parametrize("store", ["stored", "kept by the client"])
def test_tools_are_called_step_by_step(site: Site, through: str, model: str, store: str) -> None:
    """What is stored goes back as references to items."""
    told = done(site, "steps", through, model, store)
    assert told == {"text": "Oslo", "steps": 3, "asked": ["Rome", "Oslo"], "reasoning": "Rome first."}


@some_models
def test_two_tools_are_called_at_once(site: Site, through: str, model: str) -> None:
    told = done(site, "streamed_steps", through, model)
    assert told == {"text": "Oslo", "steps": 2, "asked": ["Rome", "Oslo"]}


@some_models
def test_an_object_keeps_to_its_schema(site: Site, through: str, model: str) -> None:
    assert done(site, "object", through, model) == json.loads(PERSON)


@some_models
def test_a_picture_is_shown(site: Site, through: str, model: str) -> None:
    assert done(site, "picture", through, model)["text"] == "A red square."
    site.was_told(model, '"image')


@all_models
@pytest.mark.parametrize("store", ["stored", "kept by the client"])
def test_a_conversation_goes_on_after_its_tools(site: Site, through: str, model: str, store: str) -> None:
    assert done(site, "talk", through, model, store)["text"] == "Hello from the script."
    site.was_told(model, "sunny in Rome", "sunny in Oslo")


@some_models
def test_a_full_context_is_an_error_that_is_not_tried_again(site: Site, through: str, model: str) -> None:
    site.meant += [("POST", 400)]
    failed = done(site, "failure", through, model)
    assert (failed["name"], failed["status"], failed["retry"]) == ("AI_APICallError", 400, False)


@some_models
def test_it_tries_again_after_failures(site: Site, through: str, model: str) -> None:
    if provider := site.behind(model):
        site.stage.failures[provider.name] = [*FAILURES]
        site.meant += [("POST", 429), ("POST", 502)]
    assert done(site, "retries", through, model)["text"] == "Hello from the script."
