"""No field of a request is lost in silence: in no dialect, at no provider, with no quirk.

A field is sent, told as an adaptation, refused by name, or stands in `MET` with the reason why nothing has
to be sent. The cases are made from the types of the request, the dialects are those of the table.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

from antiphon.cli.fields import MET, MODELS, fate, fates, met
from antiphon.core.adaptations import Adaptation
from antiphon.protocol.cases import ELSEWHERE, Case, cases
from antiphon.protocol.errors import UnsupportedParameter
from antiphon.protocol.json import JSON
from antiphon.protocol.request import FIELDS, Limits, create_response
from antiphon.settings.providers import DIALECTS
from antiphon.settings.quirks import names_of
from antiphon.upstream.base import Dialect, WireRequest
from antiphon.upstream.providers import PROVIDERS

CASES = {case.name: case for case in cases()}


@cache
def dialect_of(name: str) -> Dialect:
    made: Dialect = DIALECTS[name]()
    return made


class Naming:
    """Whatever is raised in its block is told with the name of the case."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            error.add_note(f"The case is {self._name}.")


def lost(dialect: Dialect, model: str) -> list[str]:
    """The cases whose field is lost; also what is told to be dropped, and is sent all the same."""
    found, walk = [], fates(CASES.values(), dialect, model)
    for name in CASES:
        with Naming(name):
            if next(walk) in ("lost", "belied"):
                found.append(name)
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_field_is_sent_told_refused_or_met(dialect: str) -> None:
    assert lost(dialect_of(dialect), MODELS.get(dialect, "model")) == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_provider_loses_a_field(provider: str) -> None:
    value = PROVIDERS[provider]
    for dialect in (value.dialect, *value.also):
        assert lost(dialect, "model") == []


@pytest.mark.parametrize("model", ["openai/gpt-oss-120b", "groq/compound"])
def test_no_tool_of_groqs_loses_a_field(model: str) -> None:
    assert lost(PROVIDERS["groq"].dialect, model) == []


def departures(name: str) -> Iterator[tuple[str, Any]]:
    """Every quirk of a dialect that has few values, with each value that is not the default."""
    kind: Any = DIALECTS[name]
    usual, hints = kind(), get_type_hints(kind)
    for quirk in names_of(kind):
        hint = hints[quirk]
        values = [True, False] if hint is bool else get_args(hint) if get_origin(hint) is Literal else []
        yield from ((quirk, value) for value in values if value != getattr(usual, quirk))


DEPARTURES = [(name, quirk, value) for name in DIALECTS for quirk, value in departures(name)]


@pytest.mark.parametrize(("name", "quirk", "value"), DEPARTURES)
def test_no_quirk_loses_a_field(name: str, quirk: str, value: Any) -> None:
    departing = dataclasses.replace(dialect_of(name), **{quirk: value})
    assert lost(departing, MODELS.get(name, "model")) == []


@pytest.mark.parametrize("model", ["claude-3-5-haiku", "claude-sonnet-4-5", "claude-opus-5-5", "llama-3"])
def test_no_generation_of_a_model_loses_a_field(model: str) -> None:
    assert lost(dialect_of("anthropic"), model) == []


# The cases themselves


def test_every_field_of_the_request_has_its_case() -> None:
    named = {re.split(r"[^a-z_]", name)[0] for name in CASES}
    assert FIELDS - named == ELSEWHERE


def test_names_of_cases_are_theirs_alone() -> None:
    assert len(CASES) == len(list(cases()))


@pytest.mark.parametrize("name", CASES)
def test_what_a_case_asks_is_a_valid_request_that_has_the_field(name: str) -> None:
    case = CASES[name]
    create_response(dict(case.without), Limits())
    try:
        create_response(dict(case.given), Limits())
    except UnsupportedParameter as refusal:
        assert refusal.param == case.param
    assert case.given != case.without
    assert name == "reasoning_effort" or found(case.given, case.param)


def found(body: JSON, path: str) -> bool:
    value: Any = body
    for name, index in re.findall(r"\.?([^.\[\]]+)|\[(\d+)\]", path):
        held = name in value if name else int(index) < len(value)
        if not held:
            return False
        value = value[name] if name else value[int(index)]
    return True


# What is met without being sent


@pytest.mark.parametrize("entry", MET, ids=lambda entry: entry.pattern)
def test_what_is_said_to_be_met_is_needed_by_some_field_of_some_dialect(entry: Any) -> None:
    dialects = [*map(dialect_of, DIALECTS), *(provider.dialect for provider in PROVIDERS.values())]
    assert any(
        fate(case, dialect, model) == "by the gateway"
        for dialect in dialects
        for model in {"model", MODELS.get(dialect.name, "model")}
        for case in CASES.values()
        if entry.holds(case.name, dialect.name)
    )


class Deaf:
    """A dialect that drops everything in silence."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dialect, name)

    def encode(self, turn: Any) -> Any:
        return WireRequest("/silence", {"model": "model"})


def test_the_walk_finds_what_is_lost() -> None:
    deaf: Any = Deaf(dialect_of("responses"))
    seen = {case.name: fate(case, deaf, "model") for case in CASES.values()}
    assert [name for name, kind in seen.items() if kind == "sent"] == ["stream"]  # which a header says, too
    assert sum(kind == "lost" for kind in seen.values()) > 500
    assert seen["temperature"] == seen["tools[web_search].filters.blocked_domains"] == "lost"
    assert seen["store"] == "by the gateway"
    assert met("store", "responses")


class Liar:
    """A dialect that says of everything in a web search that it is dropped, and sends it."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dialect, name)

    def encode(self, turn: Any) -> Any:
        told = [Adaptation(f"tools[0].{name}", "dropped", "it is not") for name in turn.tools[0]]
        return msgspec.structs.replace(self._dialect.encode(turn), adaptations=tuple(told))


def test_the_walk_finds_what_is_told_to_be_dropped_and_is_sent() -> None:
    lying: Any = Liar(dialect_of("responses"))
    assert fate(CASES["tools[web_search].search_context_size"], lying, "model") == "belied"


def test_a_field_that_is_told_is_told_by_its_own_name() -> None:
    case = Case("top_k", "top_k", CASES["user"].without, {**CASES["user"].without, "top_k": 5})
    assert fate(case, dialect_of("responses"), "gpt-5.2") == "dropped"
    misnamed = Case("top_k", "user", case.without, case.given)
    assert fate(misnamed, dialect_of("responses"), "gpt-5.2") == "lost"
