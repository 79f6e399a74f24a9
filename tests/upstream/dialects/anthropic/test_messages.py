"""Items, as system prompt and messages: who says what, in which order, in which blocks."""

from __future__ import annotations

from base64 import b64encode
from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from antiphon.protocol.errors import AntiphonError, InvalidRequest
from antiphon.upstream.dialects.anthropic import Anthropic
from tests.upstream.dialects.anthropic.official import judge
from tests.upstream.dialects.anthropic.speaking import call, message, output, say, user

LATE = "claude-opus-4-8"  # takes system messages in the middle
PNG = "data:image/png;base64,iVBORw0KGgo="


def spoken(items: list[dict[str, Any]], **fields: Any) -> list[tuple[str, list[Any]]]:
    """Role and content of each message; text blocks as their text alone."""
    body = say(items=items, **fields).body
    return [
        (said["role"], [block["text"] if block["type"] == "text" else block for block in said["content"]])
        for said in body["messages"]
    ]


def kinds(items: list[dict[str, Any]], **fields: Any) -> list[str]:
    return [
        f"{role}: {' '.join(block if isinstance(block, str) else block['type'] for block in content)}"
        for role, content in spoken(items, **fields)
    ]


def content_of(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return say(items=[message("user", *parts)]).body["messages"][0]["content"]


# Who speaks


def test_instructions_and_leading_system_messages_are_the_system_prompt() -> None:
    items = [message("system", "b"), message("developer", "c"), user("d")]
    body = say(items=items, instructions="a").body
    assert [block["text"] for block in body["system"]] == ["a", "b", "c"]
    assert kinds(items) == ["user: d"]


def test_consecutive_messages_of_one_speaker_are_one() -> None:
    items = [user("a"), user("b"), message("assistant", "c"), message("assistant", "d", "e"), user("f")]
    assert kinds(items) == ["user: a b", "assistant: c d e", "user: f"]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([user("a"), message("system", "s")], ["user: a", "system: s"]),
        (
            [user("a"), message("system", "s"), message("assistant", "b"), user("c")],
            ["user: a", "system: s", "assistant: b", "user: c"],
        ),
        ([user("a"), message("system", "s"), user("b")], ["user: a <system>\ns\n</system> b"]),
        (
            [user("a"), message("assistant", "b"), message("developer", "s"), user("c")],
            ["user: a", "assistant: b", "user: <system>\ns\n</system> c"],
        ),
    ],
)
def test_a_later_system_message_stands_where_it_is_allowed(items: list[Any], expected: list[str]) -> None:
    request = say(items=items, model=LATE)
    assert kinds(items, model=LATE) == expected
    assert bool(request.adaptations) is any("<system>" in said for said in expected)


def test_for_a_model_without_later_system_messages_the_user_says_them() -> None:
    items = [user("a"), message("system", "s")]
    assert kinds(items) == ["user: a <system>\ns\n</system>"]
    assert say(items=items).adaptations


@pytest.mark.parametrize("empty", ["", " ", "\n\t"])
def test_empty_text_is_never_sent(empty: str) -> None:
    items = [
        message("system", empty),
        user(empty),
        message("assistant", empty, "b"),
        user("c"),
        message("user"),
    ]
    assert kinds(items) == ["user: Begin.", "assistant: b", "user: c"]


def test_a_conversation_begins_and_ends_with_the_user() -> None:
    assert kinds([]) == ["user: Begin."]
    assert kinds([message("assistant", "a")]) == ["user: Begin.", "assistant: a", "user: Continue."]


def test_a_refusal_is_said_again_as_text() -> None:
    refused = message("assistant", {"type": "refusal", "refusal": "No."})
    assert kinds([user("a"), refused, user("b")])[1] == "assistant: No."


# Calls and results


def test_parallel_calls_are_one_message_and_their_results_the_next_in_order() -> None:
    items = [user("a"), call("1"), call("2"), call("3"), output("3", "c"), output("1", "a"), output("2", "b")]
    (_, (role, uses), (_, results)) = spoken(items)
    assert role == "assistant"
    assert [use["id"] for use in uses] == ["1", "2", "3"]
    assert [(result["tool_use_id"], result["content"][0]["text"]) for result in results] == [
        ("1", "a"),
        ("2", "b"),
        ("3", "c"),
    ]


def test_calls_one_after_the_other_stay_one_after_the_other() -> None:
    items = [user("a"), call("1"), output("1"), call("2"), output("2")]
    turn = ["assistant: tool_use", "user: tool_result"]
    assert kinds(items) == ["user: a", *turn, *turn]


def test_results_come_first_in_the_users_message() -> None:
    items = [user("a"), call("1"), user("b"), output("1"), user("c")]
    assert kinds(items) == ["user: a", "assistant: tool_use", "user: tool_result b c"]


def test_a_result_that_comes_late_stands_after_its_call() -> None:
    items = [user("a"), call("1"), call("2"), output("1"), call("3"), output("2"), output("3")]
    assert kinds(items)[1:] == [
        "assistant: tool_use tool_use",
        "user: tool_result tool_result",
        "assistant: tool_use",
        "user: tool_result",
    ]


def test_a_call_without_a_result_gets_one_that_says_so() -> None:
    request = say(items=[user("a"), call("1"), user("b")])
    (result, _) = request.body["messages"][2]["content"]
    assert (result["tool_use_id"], result["is_error"]) == ("1", True)
    assert request.adaptations


def test_a_result_without_a_call_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest) as raised:
        say(items=[user("a"), output("1")])
    assert raised.value.param == "input[1].call_id"


def test_ids_that_anthropic_refuses_are_changed_alike_on_both_sides() -> None:
    odd = ["call:1", "call/1", "", "ok_1", "ok_1"]
    items = [user("a"), *map(call, odd), *map(output, odd)]
    (_, (_, uses), (_, results)) = spoken(items)
    ids = [use["id"] for use in uses]
    assert ids == [result["tool_use_id"] for result in results]
    assert len(set(ids)) == len(ids)
    assert all(part and part.replace("_", "").replace("-", "").isalnum() for part in ids)
    assert ids[3] == "ok_1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"a": [1]}', {"a": [1]}),
        ("", {}),
        ("[1]", {"arguments": [1]}),
        ('{"a": ', {"arguments": '{"a": '}),
        ("\ud800", {"arguments": "\ud800"}),
    ],
)
def test_arguments_are_always_an_object(arguments: str, said: dict[str, Any]) -> None:
    assert spoken([user("a"), call("1", arguments=arguments), output("1")])[1][1][0]["input"] == said


# Thoughts and the provider's own tools


@pytest.mark.parametrize("sealed", [None, "gAAAA", "responses:abc", "chat:abc", "anthropic:blocks:[", 5])
def test_thoughts_of_others_are_left_out(sealed: Any) -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "x"}], "content": None}
    items = [user("a"), {**thought, "encrypted_content": sealed}, message("assistant", "b"), user("c")]
    assert kinds(items) == ["user: a", "assistant: b", "user: c"]


@pytest.mark.parametrize("sealed", ["gAAAA", "anthropic:sig", "anthropic:blocks:[", "anthropic:blocks:[]"])
def test_a_compaction_of_another_is_refused_by_its_place(sealed: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        say(items=[user("a"), {"type": "compaction", "encrypted_content": sealed}, user("b")])
    assert (raised.value.param, raised.value.code) == ("input[1]", "unsupported_value")


def test_thoughts_that_came_to_nothing_are_left_out_and_noted() -> None:
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "anthropic:sig"}
    assert kinds([user("a"), thought, user("b")]) == ["user: a b"]
    (left_out,) = say(items=[user("a"), thought, user("b")]).adaptations
    assert (left_out.param, left_out.action) == ("input", "dropped")


BLOCKS = 'anthropic:blocks:[{"type":"server_tool_use","id":"s","name":"web_search","input":{}}]'
SEARCHED = {"type": "reasoning", "summary": [], "encrypted_content": BLOCKS}


def test_a_search_goes_back_only_while_searching_is_offered() -> None:
    tools = [{"type": "web_search"}]
    assert kinds([user("a"), SEARCHED], tools=tools) == ["user: a", "assistant: server_tool_use"]
    assert kinds([user("a"), SEARCHED]) == ["user: a"]


def test_a_search_that_was_never_answered_is_not_left_open() -> None:
    items = [user("a"), SEARCHED, message("assistant", "b"), user("c"), message("assistant", "d"), user("e")]
    assert kinds(items, tools=[{"type": "web_search"}])[1] == "assistant: b"


def test_items_that_anthropic_has_no_word_for_are_noted() -> None:
    request = say(items=[user("a"), {"type": "image_generation_call", "result": "x"}])
    (left_out,) = request.adaptations
    assert (left_out.param, left_out.action) == ("input[1]", "dropped")
    assert "image_generation_call" in left_out.detail


def test_what_does_not_go_back_is_noted_and_what_does_is_not() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "action": {}}
    foreign = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
    items = [
        user("a"),
        SEARCHED,
        search,
        search,
        foreign,
        {"type": "mcp_list_tools"},
        message("assistant", "b"),
    ]
    request = say(items=[*items, user("c")], tools=[{"type": "web_search"}])
    assert [told.param for told in request.adaptations] == ["input[3]", "input[4]", "input[5]"]
    request = say(items=[*items, user("c")])
    assert [told.param for told in request.adaptations] == [f"input[{index}]" for index in range(1, 6)]


# Parts


def test_images_are_said_by_url_or_in_base64() -> None:
    assert content_of(
        {"type": "input_image", "image_url": "https://e.com/a.png"},
        {"type": "input_image", "image_url": PNG},
        {"type": "input_image", "image_url": "data:image/jpg,%ff"},
    ) == [
        {"type": "image", "source": {"type": "url", "url": "https://e.com/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/w=="}},
    ]


def test_files_are_documents() -> None:
    text = b64encode(b"a,b").decode()
    pdf, other, bare, table, picture = content_of(
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"},
        {"type": "input_file", "file_url": "https://e.com/b.pdf"},
        {"type": "input_file", "file_data": "JVBERi0x"},
        {"type": "input_file", "file_data": text, "filename": "t.csv"},
        {"type": "input_file", "file_data": PNG, "filename": "p.png"},
    )
    source = {"type": "base64", "media_type": "application/pdf"}
    assert pdf == {"type": "document", "source": {**source, "data": "JVBERi0="}, "title": "a.pdf"}
    assert other == {"type": "document", "source": {"type": "url", "url": "https://e.com/b.pdf"}}
    assert bare["source"] == {**source, "data": "JVBERi0x"}
    assert table["source"] == {"type": "text", "media_type": "text/plain", "data": "a,b"}
    assert picture["type"] == "image"


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"type": "input_image", "file_id": "file-1"}, "file_id"),
        ({"type": "input_image", "image_url": "data:image/bmp;base64,xx"}, "image_url"),
        ({"type": "input_image", "image_url": "data:image"}, "image_url"),
        ({"type": "input_file", "file_id": "files/1"}, "file_id"),
        ({"type": "input_file", "file_data": "AAAA", "filename": "a.docx"}, "file_data"),
        ({"type": "input_file", "file_data": "a", "filename": "a.txt"}, "file_data"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(part: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        say(items=[user("a"), message("user", part)])
    assert raised.value.param == f"input[1].content[0].{field}"


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        ("data:application/json;base64,eyJhIjoxfQ==", "a.json"),
        ("data:application/vnd.api+json;base64,eyJhIjoxfQ==", None),
        ("eyJhIjoxfQ==", "a.py"),
    ],
)
def test_a_file_that_is_text_is_said_as_such(data: str, filename: str | None) -> None:
    (block,) = content_of({"type": "input_file", "file_data": data, "filename": filename})
    assert block["source"] == {"type": "text", "media_type": "text/plain", "data": '{"a":1}'}


# Files that Anthropic keeps


KEPT: list[dict[str, Any]] = [
    {"type": "input_image", "file_id": "file_011CN"},
    {"type": "input_file", "file_id": "file_012", "filename": "a.pdf"},
]


def test_a_file_that_anthropic_keeps_is_named_behind_the_beta() -> None:
    request = say(items=[message("user", *KEPT)])
    judge(request.body)
    image, paper = request.body["messages"][0]["content"]
    assert image == {"type": "image", "source": {"type": "file", "file_id": "file_011CN"}}
    source = {"type": "file", "file_id": "file_012"}
    assert paper == {"type": "document", "source": source, "title": "a.pdf"}
    assert request.headers["anthropic-beta"] == "files-api-2025-04-14"


def test_so_is_one_in_an_output() -> None:
    request = say(items=[user("a"), call("1"), output("1", KEPT[:1])])
    assert request.headers["anthropic-beta"] == "files-api-2025-04-14"


@pytest.mark.parametrize("platform", ["bedrock", "vertex"])
@pytest.mark.parametrize("part", KEPT)
def test_other_platforms_keep_no_files(platform: Any, part: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as raised:
        say(Anthropic(platform=platform), items=[user("a"), message("user", "b", part)])
    assert raised.value.param == "input[1].content[1].file_id"


def test_other_platforms_keep_no_screenshots() -> None:
    shown = {"type": "computer_screenshot", "file_id": "file_1"}
    with pytest.raises(InvalidRequest) as raised:
        say(
            Anthropic(platform="bedrock"),
            items=[user("a"), {"type": "computer_call_output", "output": shown}],
        )
    assert raised.value.param == "input[1].output.file_id"


def test_images_in_results_stay_in_results() -> None:
    items = [user("a"), call("1"), output("1", [{"type": "input_image", "image_url": PNG}])]
    (result,) = spoken(items)[2][1]
    assert result["content"][0]["type"] == "image"


def test_details_are_noted_and_so_is_what_the_model_said_in_another_way() -> None:
    image = {"type": "input_image", "image_url": PNG, "detail": "high"}
    file = {"type": "input_file", "file_data": "JVBERi0x", "detail": "low"}
    request = say(items=[message("user", image, file), message("assistant", "a", {"type": "odd"}), user("b")])
    assert [adaptation.param for adaptation in request.adaptations] == [
        "input[0].content[0].detail",
        "input[0].content[1].detail",
        "input[1].content[1]",
    ]


@pytest.mark.parametrize("role", ["user", "system", "developer"])
@pytest.mark.parametrize("kind", ["input_audio", "odd"])
def test_what_the_client_says_is_said_or_refused_by_its_place(role: str, kind: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        say(items=[user("a"), message(role, "b", {"type": kind})])
    assert (raised.value.param, raised.value.code) == ("input[1].content[1]", "unsupported_value")


def test_a_system_message_with_an_image_is_said_in_two() -> None:
    items = [message("system", "s", {"type": "input_image", "image_url": PNG}), user("a")]
    request = say(items=items)
    assert request.body["system"] == [{"type": "text", "text": "s"}]
    assert kinds(items) == ["user: image a"]
    assert request.adaptations


# Cache markers


def marked(ttl: Any = None, **fields: Any) -> dict[str, Any]:
    control = {"type": "ephemeral"} if ttl is None else {"type": "ephemeral", "ttl": ttl}
    return {"type": "input_text", "text": "x", "cache_control": control, **fields}


@pytest.mark.parametrize(
    ("ttl", "sent"),
    [("3600s", "1h"), ("1h", "1h"), ("7200", "1h"), ("300s", "5m"), ("5m", "5m"), ("soon", "5m")],
)
def test_times_to_live_become_anthropics_two(ttl: str, sent: str) -> None:
    assert content_of(marked(ttl))[0]["cache_control"] == {"type": "ephemeral", "ttl": sent}


def test_a_breakpoint_is_a_marker() -> None:
    part = {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert content_of(part)[0]["cache_control"] == {"type": "ephemeral"}


def test_of_more_than_four_markers_the_latest_are_kept() -> None:
    items = [message("system", marked()), message("user", *[marked() for _ in range(4)]), call("1")]
    request = say(items=[*items, output("1", [marked()])])
    blocks = [
        *request.body["system"],
        *request.body["messages"][0]["content"],
        *request.body["messages"][2]["content"],
    ]
    assert ["cache_control" in block for block in blocks] == [False, False, True, True, True, True]
    assert {(told.param, told.action) for told in request.adaptations} == {("cache_control", "dropped")}


def test_a_marker_in_an_output_is_one_of_the_result() -> None:
    said = output("1", [marked("5m"), marked("1h"), marked("5m"), {"type": "input_text", "text": "y"}])
    (result,) = say(items=[user("?"), call("1"), said]).body["messages"][2]["content"]
    assert result["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert not any("cache_control" in block for block in result["content"])


def test_a_marker_on_nothing_is_told() -> None:
    request = say(items=[message("user", "Hi.", marked(text=" "))])
    assert [str(told) for told in request.adaptations] == [
        "input[0].content[1].cache_control: dropped, there is nothing to keep"
    ]


def test_a_time_to_live_that_has_no_form_here_is_told() -> None:
    assert say(items=[message("user", marked("3600s"))]).adaptations == ()
    (told,) = say(items=[message("user", marked("30m"))]).adaptations
    assert (told.param, told.action) == ("input[0].content[0].cache_control.ttl", "clamped")


AUTOMATIC: list[dict[str, Any]] = [
    {"prompt_cache_options": {"mode": "implicit"}},
    {"prompt_cache_options": {"mode": None}},
    {"cache_control": {"type": "ephemeral"}},
    {"cache_control": {"type": "ephemeral"}, "prompt_cache_options": {"mode": "explicit"}},
]


@pytest.mark.parametrize("asked", AUTOMATIC)
def test_automatic_caching_takes_one_of_the_four(asked: dict[str, Any]) -> None:
    items = [message("user", *[marked() for _ in range(5)], "End.")]
    body = say(items=items, **asked).body
    assert body["cache_control"] == {"type": "ephemeral"}
    assert sum("cache_control" in block for block in body["messages"][0]["content"]) == 3


@pytest.mark.parametrize("asked", [{}, {"prompt_cache_options": {"mode": "explicit"}}])
def test_without_the_wish_nothing_is_cached_automatically(asked: dict[str, Any]) -> None:
    assert "cache_control" not in say(**asked).body


def test_the_end_is_marked_once_and_as_the_part_says() -> None:
    items = [message("user", *[marked() for _ in range(4)], marked("1h"))]
    request = say(items=items, cache_control={"type": "ephemeral"})
    assert "cache_control" not in request.body
    said = [block.get("cache_control") for block in request.body["messages"][0]["content"]]
    assert said == [None, *[{"type": "ephemeral", "ttl": "1h"}] * 4]
    first = str(request.adaptations[0])
    assert first == "cache_control.ttl: clamped, the mark of the last part says how long"


def test_the_ttl_of_the_request_is_sent() -> None:
    wish = {"type": "ephemeral", "ttl": "3600s"}
    assert say(cache_control=wish).body["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    request = say(cache_control={"type": "ephemeral"}, prompt_cache_options={"ttl": "12h"})
    assert request.body["cache_control"] == {"type": "ephemeral"}
    assert [told.param for told in request.adaptations] == ["prompt_cache_options.ttl"]


def test_before_a_marker_of_an_hour_all_live_an_hour() -> None:
    first, second, third = content_of(marked(), marked("1h"), marked("5m"))
    assert [block["cache_control"].get("ttl") for block in (first, second, third)] == ["1h", "1h", "5m"]


# All of it together

PARTS = some.sampled_from(["a", "", marked(), {"type": "input_image", "image_url": PNG}])
THOUGHT = {"type": "reasoning", "summary": []}
ITEMS = some.one_of(
    some.builds(message, some.sampled_from(["user", "assistant", "system", "developer"]), PARTS, PARTS),
    some.just(message("assistant", {"type": "odd"})),
    some.builds(call, some.sampled_from(["1", "2", "?"])),
    some.builds(output, some.sampled_from(["1", "2", "?"]), some.sampled_from(["", "done", [marked()]])),
    some.sampled_from(
        [{**THOUGHT, "encrypted_content": f"anthropic{seal}"} for seal in (":sig", "-redacted:x")]
    ),
    some.just(SEARCHED),
    some.just({"type": "web_search_call"}),
)


@settings(max_examples=300, deadline=None)
@given(some.lists(ITEMS, max_size=9), some.sampled_from([LATE, "claude-sonnet-4-5"]), some.booleans())
def test_every_history_keeps_anthropics_rules(items: list[Any], model: str, search: bool) -> None:
    before = deepcopy(items)
    try:
        body = say(items=items, model=model, tools=[{"type": "web_search"}] if search else []).body
    except AntiphonError as error:
        assert error.param
        return
    assert items == before
    judge(body)
    roles = [said["role"] for said in body["messages"] if said["role"] != "system"]
    assert roles[0] == "user"
    assert all(one != other for one, other in pairwise(roles))
    for said, following in zip(body["messages"], [*body["messages"][1:], {"content": []}], strict=True):
        uses = [block["id"] for block in said["content"] if block["type"] == "tool_use"]
        results = [block.get("tool_use_id") for block in following["content"][: len(uses)]]
        assert uses == results
        assert said["content"][-1]["type"] not in ("thinking", "redacted_thinking")
