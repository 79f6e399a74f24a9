"""Everything we send meets the documented rules, and is taken by Google's own library."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from antiphon.cli.fields import fates
from antiphon.core.turn import Turn
from antiphon.protocol.cases import cases
from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.gemini import Gemini
from tests.turns.test_goldens import CASES
from tests.upstream.dialects.gemini.checker import Refused, check
from tests.upstream.dialects.gemini.official import judge
from tests.upstream.dialects.gemini.speaking import VERTEX, call, function, message, result, say, user

MODELS = (
    *("gemini-2.0-flash", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.5-flash-image"),
    *("gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-4-argon", "gemini-flash-latest", "other"),
)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dialect", [Gemini(), VERTEX], ids=["gemini", "vertex"])
def test_every_golden_turn_makes_a_request_that_google_takes(case: str, model: str, dialect: Gemini) -> None:
    turn = msgspec.convert({"model": model, **deepcopy(CASES[case]["turn"])}, Turn, strict=True)
    try:
        request = dialect.encode(turn)
    except InvalidRequest as refusal:
        assert refusal.param
        return
    check(request, vertex=dialect.vertex)
    judge(request.body)


@pytest.mark.parametrize("case", CASES)
def test_the_turn_itself_is_never_changed(case: str) -> None:
    turn = msgspec.convert({"model": "gemini-3-flash-preview", **deepcopy(CASES[case]["turn"])}, Turn)
    before = deepcopy(turn)
    with suppress(InvalidRequest):
        Gemini().encode(turn)
    assert turn == before


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dialect", [Gemini(), VERTEX], ids=["gemini", "vertex"])
def test_no_model_loses_a_field_of_a_request(model: str, dialect: Gemini) -> None:
    asked = list(cases())
    found = zip(asked, fates(asked, dialect, model), strict=True)
    assert [case.name for case, kind in found if kind == "lost"] == []


def test_googles_library_refuses_what_it_does_not_know() -> None:
    body = good().body
    judge(body)
    for spoilt in ({"contents": [{"novelty": 1}]}, {"tools": [{"x": {}}]}, {"generationConfig": {"x": 1}}):
        with pytest.raises(ValidationError):
            judge({**body, **spoilt})


def good() -> WireRequest:
    return say(
        model="gemini-3-flash-preview",
        items=[
            user("a"),
            call("1"),
            call("2", "see"),
            result("1"),
            result("2"),
            message("assistant", "b"),
            user("c"),
        ],
        tools=[function("look", parameters={"type": "object", "properties": {"a": {"type": "string"}}})],
        reasoning={"effort": "low"},
    )


def check_spoilt(spoil: Callable[[Any], Any]) -> None:
    request = good()
    body = deepcopy(request.body)
    spoil(body)
    check(WireRequest(request.path, body, request.headers, (), request.query))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body["contents"].pop(),
        lambda body: body["contents"].pop(0),
        lambda body: body["contents"][2]["parts"].pop(),
        lambda body: body["contents"][2]["parts"].reverse(),
        lambda body: body["contents"][1]["parts"][0].pop("thoughtSignature"),
        lambda body: body["contents"][1]["parts"][0].update(novelty=1),
        lambda body: body["contents"][1]["parts"][0]["functionCall"].update(args="{}"),
        lambda body: body["contents"][2]["parts"][0]["functionResponse"].update(id="9"),
        lambda body: body["contents"][3]["parts"][0].update(text=""),
        lambda body: body["tools"][0]["functionDeclarations"].append({"name": "look"}),
        lambda body: body["tools"].append({"codeExecution": {}}),
        lambda body: body["generationConfig"].update(responseJsonSchema={"type": "string"}),
        lambda body: body["generationConfig"]["thinkingConfig"].update(thinkingBudget=1),
        lambda body: body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"].update(pattern="a"),
        lambda body: body.update(labels={}),
    ],
)
def test_the_judge_refuses_what_google_would(spoil: Callable[[Any], Any]) -> None:
    check_spoilt(lambda body: None)
    with pytest.raises((Refused, KeyError)):
        check_spoilt(spoil)
