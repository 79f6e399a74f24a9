"""Which prefix of a turn is kept, and what is said of the marks that are not met."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.upstream.base import WireRequest
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.gemini.prefix import BY_ITSELF, UNTIMED
from tests.upstream.dialects.gemini.speaking import VERTEX, call, function, message, noted, result, say, user

BOOK = "A long book. " * 500


def words(said: str, ttl: str | None = None, **fields: Any) -> dict[str, Any]:
    mark = {} if ttl is None else {"cache_control": {"type": "ephemeral", "ttl": ttl}}
    return {"type": "input_text", "text": said, **mark, **fields}


def kept(request: WireRequest) -> dict[str, Any]:
    assert request.prefix is not None
    assert request.prefix.path == "/cachedContents"
    return request.prefix.body


def rest(request: WireRequest) -> list[dict[str, Any]]:
    assert request.prefix is not None
    contents: list[dict[str, Any]] = request.prefix.rest["contents"]
    return contents


def together(request: WireRequest) -> list[dict[str, Any]]:
    """Every part, of what is kept and of the rest."""
    contents = [*kept(request).get("contents", []), *rest(request)]
    return [part for content in contents for part in content["parts"]]


def test_what_stands_before_the_mark_is_kept_and_the_rest_names_it() -> None:
    request = say(
        items=[
            message("user", words(BOOK, "600s"), words("Who?")),
            message("assistant", "Ada."),
            user("Why?"),
        ],
        instructions="Be brief.",
        tools=[function("look")],
        tool_choice="required",
        max_output_tokens=9,
        service_tier="flex",
    )
    assert kept(request) == {
        "model": "models/gemini-2.5-flash",
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": request.body["tools"],
        "toolConfig": request.body["toolConfig"],
        "contents": [{"role": "user", "parts": [{"text": BOOK}]}],
        "ttl": "600s",
    }
    assert request.prefix is not None
    assert (request.prefix.seconds, request.prefix.field) == (600, "cachedContent")
    assert request.prefix.rest == {
        "contents": [
            {"role": "user", "parts": [{"text": "Who?"}]},
            {"role": "model", "parts": [{"text": "Ada."}]},
            {"role": "user", "parts": [{"text": "Why?"}]},
        ],
        "generationConfig": {"maxOutputTokens": 9},
        "serviceTier": "flex",
    }
    assert request.adaptations == ()


def test_on_vertex_it_stands_beside_the_publishers_models() -> None:
    asked = {"items": [message("user", words(BOOK, "600s"), words("Who?"))], "instructions": "Be brief."}
    here, there = say(**asked), say(VERTEX, **asked)
    assert kept(there) == kept(here)
    assert here.prefix is not None
    assert there.prefix is not None
    assert (here.prefix.beside, there.prefix.beside) == ("", "/publishers/google")
    assert rest(there) == rest(here)
    assert there.adaptations == ()


def test_the_turn_itself_is_whole() -> None:
    items = [message("user", words(BOOK, "600s"), words("Who?"))]
    plain = [message("user", words(BOOK), words("Who?"))]
    assert say(items=items).body == say(items=plain).body
    assert say(items=plain).prefix is None


def test_of_several_marks_the_latest_counts_after_which_something_follows() -> None:
    items = [
        message("user", words(BOOK, "1h"), words("Who?", "600s"), words("Or?")),
        message("assistant", "Ada."),
        message("user", words("Why?", "600s")),
    ]
    request = say(items=items)
    assert kept(request)["contents"] == [{"role": "user", "parts": [{"text": BOOK}, {"text": "Who?"}]}]
    assert noted(request) == {
        "input[0].content[0].cache_control": "dropped",
        "input[2].content[0].cache_control": "dropped",
    }


def test_a_mark_in_an_output_keeps_the_step_together() -> None:
    steps = [user("Look."), call("1"), call("2"), result("1", [words(BOOK, "600s")]), result("2")]
    assert say(items=[*steps, user("And?")]).prefix is None
    last = [user("Look."), call("1"), call("2"), result("1"), result("2", [words(BOOK, "600s")])]
    request = say(items=[*last, user("And?")])
    assert rest(request) == [{"role": "user", "parts": [{"text": "And?"}]}]
    assert [name for part in together(request) for name in part] == [
        *("text", "functionCall", "functionCall", "functionResponse", "functionResponse", "text")
    ]


def test_a_mark_on_what_the_model_said_keeps_it_too() -> None:
    said = {"type": "output_text", "text": "Ada.", "cache_control": {"type": "ephemeral", "ttl": "600s"}}
    request = say(items=[user(BOOK), message("assistant", said), user("Why?")])
    assert (
        request.prefix is None
    )  # it would end with the model's words, after which the user says `Continue.`
    assert noted(request) == {"input[1].content[0].cache_control": "dropped"}


def test_a_mark_on_the_system_prompt_keeps_it_and_the_tools_alone() -> None:
    request = say(items=[message("system", words(BOOK, "600s")), user("Who?")], tools=[function("look")])
    assert "contents" not in kept(request)
    assert kept(request)["systemInstruction"] == {"parts": [{"text": BOOK}]}
    assert rest(request) == request.body["contents"]


def test_what_the_request_says_for_all_marks_counts_where_a_mark_says_nothing() -> None:
    bare = words(BOOK, prompt_cache_breakpoint={"mode": "explicit"})
    items = [message("user", bare, words("Who?"))]
    request = say(items=items, prompt_cache_options={"mode": "explicit", "ttl": "12h"})
    assert kept(request)["ttl"] == "43200s"
    assert request.adaptations == ()
    request = say(items=items, prompt_cache_options={"ttl": "12h"})
    assert request.prefix is None
    assert [each.detail for each in request.adaptations] == [UNTIMED, BY_ITSELF]


@pytest.mark.parametrize(("ttl", "lives"), [("1s", "60s"), ("soon", "60s"), ("1000h", "86400s")])
def test_times_to_live_have_bounds(ttl: str, lives: str) -> None:
    request = say(items=[message("user", words(BOOK, ttl), words("Who?"))])
    assert kept(request)["ttl"] == lives
    assert noted(request) == {"input[0].content[0].cache_control.ttl": "clamped"}


@pytest.mark.parametrize(
    "request_",
    [
        say(items=[message("user", words("A short book.", "600s"), words("Who?"))]),
        say(items=[message("user", words(BOOK, "600s"))]),
        say(items=[message("user", words(BOOK, cache_control={"type": "ephemeral"}), words("Who?"))]),
        say(Gemini(keeps_prefixes=False), items=[message("user", words(BOOK, "600s"), words("Who?"))]),
    ],
    ids=["too short", "nothing follows", "no time to live", "switched off"],
)
def test_a_mark_that_keeps_nothing_is_told(request_: WireRequest) -> None:
    assert request_.prefix is None
    assert noted(request_) == {"input[0].content[0].cache_control": "dropped"}


@pytest.mark.parametrize("wish", [{"cache_control": {"type": "ephemeral", "ttl": "1h"}},
                                  {"prompt_cache_options": {"mode": "implicit"}},
                                  {"prompt_cache_options": {"mode": "explicit", "ttl": "30m"}}])  # fmt: skip
def test_a_wish_for_the_request_as_a_whole_is_told(wish: dict[str, Any]) -> None:
    request = say(items=[user(BOOK)], **wish)
    assert request.prefix is None
    assert noted(request) == {next(iter(wish)): "dropped"}


def test_what_has_no_json_form_is_not_the_prefixes_fault() -> None:
    request = say(items=[message("user", words(BOOK + "\ud800", "600s"), words("Who?"))])
    assert request.prefix is None
