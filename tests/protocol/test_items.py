"""Items and parts: what is checked, what is carried, and the one shape they are brought to."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.protocol.items import ITEMS, normalised, split
from antiphon.protocol.json import JSON
from tests.protocol.asking import ask, complaint, user

IMAGE = "data:image/png;base64,AAAA"


@pytest.mark.parametrize(
    ("item", "param", "code"),
    [
        ({}, "input[0].type", "missing_required_parameter"),
        ({"type": 7}, "input[0].type", "invalid_type"),
        ({"id": "a", "text": "b"}, "input[0].type", "missing_required_parameter"),
        ({"role": "user"}, "input[0].content", "missing_required_parameter"),
        ({"role": "user", "content": None}, "input[0].content", "invalid_type"),
        ({"role": "critic", "content": ""}, "input[0].role", "invalid_value"),
        ({"type": "message", "content": ""}, "input[0].role", "missing_required_parameter"),
        ({"role": "user", "content": ["a"]}, "input[0].content[0]", "invalid_type"),
        ({"type": "item_reference"}, "input[0].id", "missing_required_parameter"),
        (
            {"type": "function_call", "call_id": "c", "name": "f"},
            "input[0].arguments",
            "missing_required_parameter",
        ),
        (
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": {}},
            "input[0].arguments",
            "invalid_type",
        ),
        ({"type": "function_call_output", "output": ""}, "input[0].call_id", "missing_required_parameter"),
        (
            {"type": "function_call_output", "call_id": None, "output": ""},
            "input[0].call_id",
            "invalid_type",
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image"}]},
            "input[0].output[0].image_url",
            "missing_required_parameter",
        ),
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "f"},
            "input[0].input",
            "missing_required_parameter",
        ),
        ({"type": "reasoning", "summary": "thoughts"}, "input[0].summary", "invalid_type"),
        ({"type": "reasoning", "encrypted_content": 5}, "input[0].encrypted_content", "invalid_type"),
        (
            {"type": "additional_tools", "tools": [{"type": "function"}]},
            "input[0].tools[0].name",
            "missing_required_parameter",
        ),
        (
            {"type": "mcp_approval_response", "approval_request_id": "a"},
            "input[0].approve",
            "missing_required_parameter",
        ),
        ({"type": "compaction"}, "input[0].encrypted_content", "missing_required_parameter"),
    ],
)
def test_known_items_are_checked(item: JSON, param: str, code: str) -> None:
    error = complaint(input=[item])
    assert (error.param, error.code) == (param, code)


@pytest.mark.parametrize(
    ("part", "param", "code"),
    [
        ({}, "type", "missing_required_parameter"),
        ({"type": None}, "type", "missing_required_parameter"),
        ({"type": "input_text"}, "text", "missing_required_parameter"),
        ({"type": "input_text", "text": 5}, "text", "invalid_type"),
        (
            {"type": "input_text", "text": "", "cache_control": {"type": "eternal"}},
            "cache_control.type",
            "invalid_value",
        ),
        (
            {"type": "input_text", "text": "", "prompt_cache_breakpoint": {"mode": 1}},
            "prompt_cache_breakpoint.mode",
            "invalid_type",
        ),
        ({"type": "input_image", "image_url": "ftp://a"}, "image_url", "invalid_value"),
        ({"type": "input_image", "image_url": {"url": IMAGE}}, "image_url", "invalid_type"),
        (
            {"type": "input_image", "image_url": IMAGE, "file_id": "f"},
            "file_id",
            "mutually_exclusive_parameters",
        ),
        ({"type": "input_image", "image_url": IMAGE, "detail": "huge"}, "detail", "invalid_value"),
        ({"type": "input_file", "filename": "a.pdf"}, "file_data", "missing_required_parameter"),
        ({"type": "input_file", "file_url": "file:///etc/passwd"}, "file_url", "invalid_value"),
        ({"type": "input_audio"}, "input_audio", "missing_required_parameter"),
        ({"type": "output_text"}, "text", "missing_required_parameter"),
        ({"type": "refusal"}, "refusal", "missing_required_parameter"),
    ],
)
def test_known_parts_are_checked(part: JSON, param: str, code: str) -> None:
    error = complaint(input=[*user(), *user({"type": "input_text", "text": "a"}, part)])
    assert (error.param, error.code) == (f"input[1].content[1].{param}", code)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "whatever_is_next", "payload": [1, 2]},
        {"type": "acme:trace", "id": None},
        {"role": "user", "content": [{"type": "input_smell", "odour": "rose"}]},
        {
            "type": "reasoning",
            "id": None,
            "summary": [],
            "content": None,
            "encrypted_content": "x",
            "status": None,
        },
        {
            "type": "reasoning",
            "id": "made_up_by_a_client",
            "content": [{"type": "reasoning_text", "text": "a"}],
        },
        {"type": "message", "id": "__fake_id__", "role": "assistant", "content": [], "phase": None},
        {
            "type": "function_call",
            "id": None,
            "call_id": "c" * 2000,
            "name": "f",
            "arguments": "",
            "status": None,
        },
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        {"id": "msg_1"},
        {"id": "msg_1", "type": None},
    ],
)
def test_what_real_agents_send_and_what_nobody_knows_is_carried(item: JSON) -> None:
    assert ask(input=[item]).input == [item]


def test_a_wish_for_compaction_stands_at_the_end() -> None:
    wish = {"type": "compaction_trigger"}
    assert ask(input=[*user(), wish]).input == [*user(), wish]
    assert complaint(input=[wish, *user()]).param == "input[0]"


def test_every_item_of_the_surface_is_known() -> None:
    """26 items, references, programs and their outputs; `compaction_trigger` is known too, and no item."""
    assert len(ITEMS) == 29


def shaped(given: Any) -> list[JSON]:
    return normalised(ask(input=given).input)


def test_a_string_is_a_message_of_the_user() -> None:
    assert shaped("hello") == [
        {"role": "user", "content": [{"type": "input_text", "text": "hello"}], "type": "message"}
    ]


def test_content_that_is_a_string_becomes_a_part() -> None:
    first, second = shaped(
        [{"role": "developer", "content": "a"}, {"role": "assistant", "content": "b", "id": "x"}]
    )
    assert first == {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "a"}]}
    assert second == {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "b", "annotations": []}],
        "id": "x",
    }


def test_a_bare_id_is_a_reference() -> None:
    assert shaped([{"id": "msg_1"}]) == [{"id": "msg_1", "type": "item_reference"}]


def test_items_in_shape_are_passed_on_as_they_are() -> None:
    items = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a", "new": 1}]},
        {"type": "function_call_output", "call_id": "c", "output": "text"},
        {"type": "unheard_of"},
    ]
    assert normalised(items) == items


def test_tools_that_came_as_an_item_are_offered_after_the_others() -> None:
    one, two, three = ({"type": "function", "name": name} for name in ("one", "two", "three"))
    request = ask(
        tools=[one],
        input=[{"type": "additional_tools", "role": "developer", "tools": [two, three]}, *user()],
    )
    items, tools = split(normalised(request.input))
    assert [item["type"] for item in items] == ["message"]
    assert tools == [two, three]
    assert request.tools == [one]
