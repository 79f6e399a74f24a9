"""instructor in its mode for responses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.agents.installed import OPENAI_2, python
from tests.agents.script import PERSON
from tests.agents.site import Site, some_models, tasks

pytestmark = pytest.mark.agents


def done(site: Site, task: str, model: str) -> Any:
    return python(site, OPENAI_2, "instructor_responses.py", task, model)


@tasks("extracted", "provided")
def test_a_type_is_filled(site: Site, model: str, task: str) -> None:
    assert done(site, task, model) == json.loads(PERSON)


@some_models
def test_a_type_is_filled_bit_by_bit(site: Site, model: str) -> None:
    told = done(site, "partial", model)
    assert told["last"] == json.loads(PERSON)
    assert told["pieces"] > 1


@some_models
def test_what_is_not_valid_is_asked_for_again(site: Site, model: str) -> None:
    assert done(site, "again", model) == {"found": json.loads(PERSON), "asked": ["Ada", "Ada"]}
