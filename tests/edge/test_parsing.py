"""Bytes and query strings: whatever comes, a request or an InvalidRequest that says what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.edge.parsing import (
    InputItemsQuery,
    Limits,
    json_object,
    list_query,
    retrieve_query,
)
from antiphon.protocol import request as wire
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.items import normalised
from antiphon.protocol.json import encode
from antiphon.protocol.request import FIELDS, CreateResponse

LIMITS = Limits()


def create_response(data: bytes, limits: Limits = LIMITS) -> CreateResponse:
    return wire.create_response(json_object(data, limits), limits)


def input_tokens_request(data: bytes, limits: Limits = LIMITS) -> CreateResponse:
    return wire.input_tokens_request(json_object(data, limits), limits)


def body(**fields: Any) -> bytes:
    return encode({"model": "sim/echo", "input": "hello", **fields})


def refusal(data: bytes, limits: Limits = LIMITS) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        create_response(data, limits)
    return caught.value


def nested(levels: int) -> bytes:
    """A body whose metadata is `levels` deep; with the body itself one more."""
    return b'{"model": "sim/echo", "metadata": ' + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"model": "a"}}',
        b"nonsense",
        b'{"temperature": NaN}',
        b'{"temperature": Infinity}',
        b'{"temperature": 1e999}',
        b'\xef\xbb\xbf{"model": "a"}',
        b'{"model": "\xff\xfe"}',
        b'{"model": "\xed\xa0\x80"}',
        b'{"model": "\\ud800"}',
        b'{"model": "\\udc00 low first"}',
        b'{"seed": ' + b"7" * 5000 + b"}",
        b'{"model": "raw \x00 byte"}',
        b"[" * 100_000 + b"]" * 100_000,
        nested(128),
        nested(5000),
    ],
)
def test_a_body_that_is_not_json_as_we_take_it_is_refused(data: bytes) -> None:
    error = refusal(data)
    assert error.code == "invalid_json"
    assert len(error.message) < 300


@pytest.mark.parametrize("data", [b"[]", b'"hello"', b"5", b"null", b"[[[[]]]]"])
def test_a_body_is_an_object(data: bytes) -> None:
    error = refusal(data)
    assert (error.code, error.param) == ("invalid_type", None)
    assert error.message.startswith("Invalid type for the request body: expected an object")


def test_depth_is_counted_from_the_body() -> None:
    assert refusal(nested(127)).param == "metadata"
    assert refusal(nested(8), Limits(depth=8)).code == "invalid_json"
    many_but_flat = body(input=[{"role": "user", "content": "a"}] * 1000)
    assert len(create_response(many_but_flat, LIMITS).input) == 1000


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": "a\0"}, "model"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": "\0"}]}]},
            "input[0].content[0].text",
        ),
        ({"metadata": {"a\0": ""}}, "metadata"),
        ({"unknown\0": ""}, None),
        ({"unknown": [{"a": ["\0"]}]}, "unknown[0].a[0]"),
    ],
)
def test_no_string_holds_the_character_that_ends_texts(fields: dict[str, Any], param: str | None) -> None:
    error = refusal(body(**fields))
    assert (error.param, error.code) == (param, "invalid_value")


def test_an_escaped_backslash_before_u0000_is_no_such_character() -> None:
    assert create_response(rb'{"model": "a", "input": "\\u0000"}', LIMITS).input == "\\u0000"


def test_large_integers_survive_exactly_where_they_are_only_carried() -> None:
    assert create_response(body(seed=10**30), LIMITS).extra == {"seed": 10**30}


def test_counting_tokens_reads_the_same_body() -> None:
    assert input_tokens_request(body(personality="friendly"), LIMITS).model == "sim/echo"
    with pytest.raises(InvalidRequest):
        input_tokens_request(b"[]", LIMITS)


NAMES = st.sampled_from(
    [*sorted(FIELDS), "type", "role", "content", "name", "tools", "call_id", "output", "id"]
)
KINDS = st.sampled_from(
    ["message", "function", "user", "input_text", "input_image", "reasoning", "namespace", "mcp"]
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | KINDS
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, ANYTHING, max_size=5), st.booleans())
def test_any_json_gives_a_request_or_our_own_error(fields: dict[str, Any], well_begun: bool) -> None:
    begin = {"model": "sim/echo", "input": "hello"} if well_begun else {}
    try:
        request = create_response(json.dumps({**begin, **fields}).encode(), LIMITS)
    except InvalidRequest as error:
        assert error.message
        return
    items = normalised(request.input)
    assert all("type" in item for item in items)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=64), st.integers(0, 200), st.integers(0, 200))
def test_any_damage_gives_a_request_or_our_own_error(damage: bytes, start: int, length: int) -> None:
    whole = body(tools=[{"type": "function", "name": "look"}], tool_choice="auto", metadata={"a": "b"})
    try:
        create_response(whole[:start] + damage + whole[start + length :], LIMITS)
    except InvalidRequest as error:
        assert error.message


def test_a_page_is_asked_for() -> None:
    assert list_query({}) == InputItemsQuery(limit=20, order="desc", after=None, include=())
    asked = list_query(
        {"limit": ["2"], "order": ["asc"], "after": ["msg_1"], "include[]": ["reasoning.encrypted_content"]}
    )
    assert asked == InputItemsQuery(
        limit=2, order="asc", after="msg_1", include=("reasoning.encrypted_content",)
    )


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ({"limit": ["0"]}, "limit", "integer_below_min_value"),
        ({"limit": ["101"]}, "limit", "integer_above_max_value"),
        ({"limit": ["many"]}, "limit", "invalid_type"),
        ({"limit": ["1.5"]}, "limit", "invalid_type"),
        ({"limit": ["²"]}, "limit", "invalid_type"),
        ({"limit": ["-"]}, "limit", "invalid_type"),
        ({"limit": ["9" * 5000]}, "limit", "invalid_type"),
        ({"order": ["random"]}, "order", "invalid_value"),
        ({"include": ["everything"]}, "include[0]", "invalid_value"),
        ({"before": ["msg_1"]}, "before", "unsupported_parameter"),
    ],
)
def test_a_page_that_cannot_be_is_refused(query: dict[str, list[str]], param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        list_query(query)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_a_response_is_read_with_more_of_it_shown() -> None:
    several = {
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "stream": ["false"],
    }
    assert len(retrieve_query(several).include) == 2
    assert retrieve_query({"beta": ["true"]}).include == ()
    asked = retrieve_query({"stream": ["true"], "starting_after": ["41"], "include_obfuscation": ["false"]})
    assert (asked.stream, asked.starting_after, asked.padded) == (True, 41, False)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"stream": ["maybe"]}, "stream"),
        ({"stream": ["true"], "starting_after": ["-1"]}, "starting_after"),
        ({"starting_after": ["last"]}, "starting_after"),
        ({"include_obfuscation": ["some"]}, "include_obfuscation"),
        ({"include": [""]}, "include[0]"),
    ],
)
def test_a_wrong_wish_is_refused_by_name(query: dict[str, list[str]], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        retrieve_query(query)
    assert caught.value.param == param
    assert not isinstance(caught.value, UnsupportedParameter)
