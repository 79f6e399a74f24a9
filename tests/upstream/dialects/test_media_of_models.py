"""Sound and files that a model answered with: no provider takes them back, and none is asked to."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON, encode
from antiphon.upstream.base import WireRequest
from antiphon.upstream.providers import PROVIDERS
from tests.upstream.dialects.saying import message, said_to, user

SOUND = {"type": "output_audio", "data": "aGk=", "transcript": "", "format": "audio/wav"}
FILE = {"type": "output_file", "file_data": "data:video/mp4;base64,aGk="}

each_provider = pytest.mark.parametrize("provider", PROVIDERS)
each_part = pytest.mark.parametrize("part", [SOUND, FILE], ids=["sound", "file"])


def asked(provider: str, *items: JSON) -> WireRequest:
    return said_to(PROVIDERS[provider].dialect, Turn(model="m", items=list(items)))


def told(request: WireRequest) -> list[tuple[str, str]]:
    return [(each.param, each.action) for each in request.adaptations if each.param.startswith("input[1]")]


@each_part
@each_provider
def test_beside_words_they_are_left_out_and_that_is_noted(provider: str, part: Any) -> None:
    request = asked(provider, user("a"), message("assistant", "See:", part), user("b"))
    assert told(request) == [("input[1].content[1]", "dropped")]
    body = encode(request.body)
    assert b"aGk=" not in body
    assert b"See:" in body


@each_part
@each_provider
def test_alone_they_leave_no_message(provider: str, part: Any) -> None:
    request = asked(provider, user("a"), message("assistant", part), user("b"))
    assert told(request) == [("input[1].content[0]", "dropped")]
    assert b'"assistant"' not in encode(request.body)
