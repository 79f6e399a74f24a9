"""Fields that nobody knows are found wherever they stand, and nothing else is."""

from __future__ import annotations

from msgspec.structs import replace

from antiphon.core.turn import Turn
from antiphon.core.unsaid import familiar, strange_fields
from antiphon.protocol.cases import cases
from antiphon.protocol.examples import UNKNOWN
from antiphon.protocol.items import normalised
from antiphon.protocol.json import JSON
from antiphon.protocol.request import Limits, create_response


def found(**fields: object) -> list[str]:
    return list(strange_fields(Turn(**{"model": "m", "items": [], **fields})))


def test_they_are_found_at_every_depth() -> None:
    part = {"type": "input_text", "text": "a", "cache_control": {"type": "ephemeral", "b": 1}, "c": 1}
    output = {"type": "function_call_output", "call_id": "d", "output": [part], "e": None}
    search = {"type": "web_search", "filters": {"allowed_domains": [], "f": 1}}
    assert found(
        extra={"g": 1, "h": None},
        text={"format": {"type": "json_schema", "name": "n", "schema": {"i": 1}, "j": 1}},
        tools=[search, {"type": "hologram", "k": 1}],
        items=[output],
    ) == [
        "g",
        "text.format.j",
        "tools[0].filters.f",
        "input[0].output[0].cache_control.b",
        "input[0].output[0].c",
    ]


def test_what_is_found_can_be_left_out_and_nothing_else_is() -> None:
    part = {"type": "input_text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    message = {"type": "message", "role": "user", "content": [part]}
    place = {"type": "approximate", "city": "Riga"}
    hologram = {"type": "hologram", "k": 1}
    schema = {"type": "json_schema", "name": "n", "schema": {"i": 1}}
    plain = Turn(
        model="m",
        items=[message, hologram],
        tools=[{"type": "web_search", "user_location": place}, hologram],
        text={"format": schema},
        extra={"g": 1},
    )
    marked = {**part, "cache_control": {**part["cache_control"], "b": 1}, "c": 1}
    strange = replace(
        plain,
        items=[{**message, "content": [marked], "d": 1}, hologram],
        tools=[{"type": "web_search", "user_location": {**place, "street": "Brivibas"}, "e": 1}, hologram],
        text={"format": {**schema, "j": 1}, "f": 1},
    )
    assert familiar(strange) == familiar(plain) == plain
    assert list(strange_fields(familiar(strange))) == ["g"]


def test_what_is_carried_whole_is_not_looked_into() -> None:
    carried = [{"type": "web_search_call", "action": {}, "results": []}, {"type": "hologram", "a": 1}]
    assert found(items=carried) == []


def test_of_a_long_name_the_beginning_is_told() -> None:
    message = {"type": "message", "role": "user", "content": [], "a" * 100: 1}
    assert found(extra={"b" * 100: 1}, items=[message]) == ["b" * 64, f"input[0].{'a' * 64}"]


def test_no_field_that_is_known_is_a_stranger() -> None:
    for case in cases():
        if UNKNOWN not in case.name and not case.name.startswith("prompt_cache_options."):
            assert strangers_in(case.given) == [], case.name


def strangers_in(body: JSON) -> list[str]:
    request = create_response(dict(body), Limits())
    options = {name: getattr(request, name) for name in ("reasoning", "text", "moderation")}
    return found(items=normalised(request.input), tools=request.tools, extra=request.extra, **options)
