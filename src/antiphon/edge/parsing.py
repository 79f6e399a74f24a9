"""Bytes and query strings from outside, made into requests; anything else is an InvalidRequest.

What the JSON of a body must be, beyond JSON: an object, in UTF-8 without a byte order mark, no deeper than
`Limits.depth`, no string with U+0000 in it (databases and C libraries end a text there), no lone surrogate,
no NaN, no integer of thousands of digits. The last three the parser refuses by itself.

A query parameter that is a list is written `include=a&include=b` or, as OpenAI's libraries do,
`include[]=a&include[]=b`. Parameters that we do not know are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast, get_args

from msgspec import Struct

from antiphon.protocol import request as wire
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON, MalformedJSON, decode, deeper, may_be_deeper
from antiphon.protocol.request import CreateResponse, Include, Limits
from antiphon.protocol.schema import join, out_of_range, type_name, wrong_choice, wrong_length, wrong_type

__all__ = [
    "InputItemsQuery",
    "Limits",
    "RetrieveQuery",
    "include_query",
    "json_object",
    "list_query",
    "model_query",
    "retrieve_query",
    "session_header",
]

Query = Mapping[str, Sequence[str]]

_INCLUDES: tuple[str, ...] = get_args(Include)


class InputItemsQuery(Struct, frozen=True, kw_only=True):
    """Which input items of a response, and in which order."""

    limit: int = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    include: tuple[str, ...] = ()


class RetrieveQuery(Struct, frozen=True, kw_only=True):
    """What to show of a response: the object, or its events behind the number `starting_after`."""

    include: tuple[str, ...] = ()
    stream: bool = False
    starting_after: int = -1
    padded: bool = True


def session_header(value: bytes | None) -> str | None:
    """The session that the header `x-session-id` names. Raises InvalidRequest."""
    if not value:
        return None
    session = value.decode("latin-1")
    if len(session) > wire.LONGEST_IDENTIFIER:
        raise wrong_length("x-session-id", "str", "<=", wire.LONGEST_IDENTIFIER, len(session))
    return session


def model_query(query: Query, limits: Limits) -> CreateResponse:
    """The least request for the `model` of the query. Raises InvalidRequest."""
    return wire.create_response({"model": _last(query, "model"), "input": "?"}, limits)


def list_query(query: Query) -> InputItemsQuery:
    """The query of a list of items: a response's input, a conversation's. Raises InvalidRequest."""
    if "before" in query:
        raise UnsupportedParameter("Pages are only followed by 'after': leave 'before' out.", param="before")
    return InputItemsQuery(
        limit=_integer(query, "limit", 20, 1, 100),
        order=cast('Literal["asc", "desc"]', _choice(query, "order", "desc", ("asc", "desc"))),
        after=_last(query, "after"),
        include=include_query(query),
    )


def retrieve_query(query: Query) -> RetrieveQuery:
    """The query of `GET /v1/responses/{id}`. Raises InvalidRequest naming `param`."""
    return RetrieveQuery(
        include=include_query(query),
        stream=_choice(query, "stream", "false", ("true", "false")) == "true",
        starting_after=_integer(query, "starting_after", -1, 0, wire.LARGEST),
        padded=_choice(query, "include_obfuscation", "true", ("true", "false")) == "true",
    )


# Bodies


def json_object(body: bytes, limits: Limits) -> JSON:
    """The object that a body is, or a message over a WebSocket. Raises InvalidRequest."""
    try:
        value = decode(body)
    except MalformedJSON as error:
        raise InvalidRequest(f"The request body is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise wrong_type("", ("object",), type_name(value))
    if may_be_deeper(body, limits.depth) and deeper(value, limits.depth):
        raise InvalidRequest(
            f"The request body is nested deeper than {limits.depth} levels.", code="invalid_json"
        )
    if b"\\u0000" in body:
        for place in _nul(value, ""):
            shown = place[:256]
            raise InvalidRequest(
                f"Invalid '{shown or 'request body'}': strings must not contain the character U+0000.",
                code="invalid_value",
                param=shown or None,
            )
    return value


def _nul(value: Any, place: str) -> Iterator[str]:
    """Where strings hold a U+0000; for keys, where their object is. `value` is not too deep to recurse."""
    if isinstance(value, str):
        if "\0" in value:
            yield place
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nul(inner, f"{place}[{index}]")
    elif isinstance(value, dict):
        for key, inner in value.items():
            if "\0" in key:
                yield place
            yield from _nul(inner, join(place, key))


# Queries


def _last(query: Query, name: str) -> str | None:
    values = query.get(name)
    return values[-1] if values and values[-1] else None


def _choice(query: Query, name: str, default: str, choices: tuple[str, ...]) -> str:
    value = _last(query, name) or default
    if value not in choices:
        raise wrong_choice(name, value, choices)
    return value


def _integer(query: Query, name: str, default: int, least: int, most: int) -> int:
    text = _last(query, name)
    if text is None:
        return default
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 20):
        raise InvalidRequest(
            f"Invalid type for '{name}': expected an integer, but got a string instead.",
            code="invalid_type",
            param=name,
        )
    value = int(text)
    if value < least:
        raise out_of_range(name, "int", ">=", least, value)
    if value > most:
        raise out_of_range(name, "int", "<=", most, value)
    return value


def include_query(query: Query) -> tuple[str, ...]:
    """What else to show. Raises InvalidRequest naming `param`."""
    values = [*query.get("include", ()), *query.get("include[]", ())]
    for index, value in enumerate(values):
        if value not in _INCLUDES:
            raise wrong_choice(f"include[{index}]", value, _INCLUDES)
    return tuple(values)
