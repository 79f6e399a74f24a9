"""The fakes refuse what they should: a request that was taken is not taken any more once it is spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from openai import OpenAI

from antiphon.upstream.base import WireRequest
from tests.matrix.conversation import CHART, TURNS
from tests.matrix.fakes.base import REFUSALS, Fake
from tests.matrix.playing import Client
from tests.matrix.stage import CAST, Stage

OUTPUTS = next(at for at, turn in enumerate(TURNS) if CHART in turn.told)
"""The turn in which calls are answered."""


def asked(openai: OpenAI, playing: Stage, name: str) -> Fake:
    """A fake that has played the whole conversation."""
    fake, client = playing.cast()[name], Client(openai, "stored")
    for turn in TURNS:
        fake.answer = turn.answer
        client.play(turn, f"{name}/{fake.model}", stream=False)
    assert fake.refused == []
    return fake


def check_refused(fake: Fake, request: WireRequest, spoil: Callable[[Any], Any]) -> None:
    fake.check(request)
    with pytest.raises(REFUSALS):
        fake.check(replace(request, body=spoil(json.loads(json.dumps(request.body)))))


def rewritten(old: str, new: str) -> Callable[[Any], Any]:
    """In all strings of a body; there must be one."""

    def rewrite(body: Any) -> Any:
        text = json.dumps(body)
        assert old in text
        return json.loads(text.replace(old, new))

    return rewrite


def turns_of(body: Any) -> Any:
    return body.get("messages") or body.get("contents") or body["input"]


def without(word: str) -> Callable[[Any], Any]:
    """The first item or message that has the word is gone."""

    def shorten(body: Any) -> Any:
        turns = turns_of(body)
        del turns[next(at for at, turn in enumerate(turns) if word in json.dumps(turn))]
        return body

    return shorten


@pytest.fixture(params=CAST)
def fake(openai: OpenAI, playing: Stage, request: pytest.FixtureRequest) -> Fake:
    return asked(openai, playing, request.param)


def test_what_was_taken_is_not_taken_when_it_is_spoilt(fake: Fake) -> None:
    request = fake.asked[OUTPUTS]
    check_refused(fake, request, lambda body: {**body, "of_the_future": 1})
    check_refused(fake, request, without("SELECT"))
    check_refused(fake, request, without("two rows"))
    check_refused(fake, request, rewritten(CHART, CHART[:-5] + "%"))
    check_refused(fake, request, rewritten('"role": "user"', '"role": "nobody"'))


def test_a_seal_that_was_altered_or_is_anothers_is_not_taken(fake: Fake) -> None:
    fake.check(fake.asked[-1])
    sealed = [blob for blob in fake.returned if len(blob) > 60]
    for blob in sealed:
        check_refused(fake, fake.asked[-1], rewritten(blob, blob[:-8] + "AAAA" + blob[-4:]))
    assert bool(sealed) is fake.seals
