"""Values held against their types, and the complaint in OpenAI's words when they do not fit.

A type is a msgspec Struct (or any annotation msgspec knows). `check` is one call into C when the value
fits. When it does not, msgspec says what it expected and where
(``Expected `int` >= 1 - at `$.tools[2].n` ``);
`complaint` turns that into message, `code` and `param` as api.openai.com words them, so that clients which
look at `code` keep working. That path is slow and may be: it runs once per refused request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import inspect

from antiphon.protocol.errors import InvalidRequest

_PLACE = re.compile(r" - at `(?:key` in `)?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"^Object missing required field `(.+)`$")
_TYPE = re.compile(r"^Expected `([^`]+)`, got `([^`]+)`$")
_RANGE = re.compile(r"^Expected `(int|float)` (<=|>=) (.+)$")
_LENGTH = re.compile(r"^Expected `(str|array|object)` of length (<=|>=) (\d+)$")
_PATTERN = re.compile(r"^Expected `str` matching regex '(.+)'$", re.DOTALL)

_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a decimal",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_PYTHON = {"NoneType": "null", "list": "array", "dict": "object"}  # msgspec's names for a union's wrong tag
_COUNTED = {"str": ("string", "characters"), "array": ("array", "items"), "object": ("object", "properties")}


def by_type(*structs: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """The Structs under every value that their field `type` allows."""
    return {kind: struct for struct in structs for kind in _choices(inspect.type_info(struct), ["type"])}


def check(value: Any, kind: Any, at: str, index: int | None = None) -> Any:
    """`value` as a `kind`. Raises InvalidRequest whose `param` begins with `at`, or with `at[index]`.

    "" is the body itself. Names are put together only when there is something to complain of.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise complaint(str(error), value, kind, at if index is None else f"{at}[{index}]") from None


def complaint(message: str, value: Any, kind: Any, at: str) -> InvalidRequest:
    """The error to raise for what msgspec said of `value`, which stands at `at` and should be a `kind`."""
    place = _PLACE.search(message)
    path, _, _ = (place["path"] if place else "").partition("[...]")  # the key of a map is not told
    what = message[: place.start()] if place else message
    steps = [name or int(index) for name, index in _STEP.findall(path)]
    param = join(at, path.removeprefix("."))
    found = _follow(value, steps)
    if match := _MISSING.match(what):
        return missing(join(param, match[1]))
    if match := _UNKNOWN.match(what):
        strange = join(param, match[1][:64])
        return InvalidRequest(f"Unknown parameter: '{strange}'.", code="unknown_parameter", param=strange)
    if match := _TYPE.match(what):
        return wrong_type(param, match[1].split(" | "), _PYTHON.get(match[2], match[2]))
    if match := _RANGE.match(what):
        return out_of_range(param, match[1], match[2], match[3], found)
    if match := _LENGTH.match(what):
        return wrong_length(param, match[1], match[2], int(match[3]), len(found))
    if match := _PATTERN.match(what):
        return InvalidRequest(
            f"Invalid '{param}': string does not match pattern. Expected a string that matches the pattern "
            f"'{match[1]}'.",
            code="invalid_value",
            param=param,
        )
    if what.startswith(("Invalid enum value", "Invalid value")):
        return wrong_choice(param, found, _choices(inspect.type_info(kind), steps))
    return InvalidRequest(f"Invalid '{param}': the value cannot be used.", code="invalid_value", param=param)


def join(at: str, name: str) -> str:
    """The `param` path of what stands under `name` (or at `[n]`) in what stands at `at`."""
    return f"{at}.{name}" if at and name and not name.startswith("[") else at + name


def type_name(value: Any) -> str:
    """msgspec's name of the JSON type of `value`."""
    names = {bool: "bool", int: "int", float: "float", str: "str", list: "array", dict: "object"}
    return names.get(type(value), "null")


def missing(param: str) -> InvalidRequest:
    return InvalidRequest(
        f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param
    )


def wrong_type(param: str, expected: Sequence[str], found: str) -> InvalidRequest:
    """`expected` and `found` are msgspec's names of JSON types: str, int, float, bool, array, object, …"""
    words = [_WORDS[name] for name in expected if name != "null" and name in _WORDS] or ["null"]
    wanted = words[0] if len(words) == 1 else f"one of {', '.join(words[:-1])} or {words[-1]}"
    place = f"Invalid type for '{param}'" if param else "Invalid type for the request body"
    return InvalidRequest(
        f"{place}: expected {wanted}, but got {_WORDS[found]} instead.",
        code="invalid_type",
        param=param or None,
    )


def wrong_choice(param: str, found: Any, choices: Sequence[Any]) -> InvalidRequest:
    supported = [f"'{choice}'" for choice in choices]
    tail = " and ".join([", ".join(supported[:-1]), supported[-1]]) if supported[1:] else "".join(supported)
    sentence = f" Supported values are: {tail}." if supported else ""
    return InvalidRequest(f"Invalid value: '{_shown(found)}'.{sentence}", code="invalid_value", param=param)


def out_of_range(param: str, kind: str, relation: str, bound: Any, found: Any) -> InvalidRequest:
    """`kind` is "int" or "float"; `relation` is the one that did not hold, "<=" or ">="."""
    noun = "integer" if kind == "int" else "decimal"
    side, code = (
        ("above maximum", "above_max_value") if relation == "<=" else ("below minimum", "below_min_value")
    )
    wanted = f"{relation} {_shown(bound).removesuffix('.0')}"
    return InvalidRequest(
        f"Invalid '{param}': {noun} {side} value. Expected a value {wanted}, "
        f"but got {_shown(found)} instead.",
        code=f"{noun}_{code}",
        param=param,
    )


def wrong_length(param: str, kind: str, relation: str, bound: int, length: int) -> InvalidRequest:
    """`length` is what was found: characters, items or properties, as `kind` is str, array or object."""
    noun, unit = _COUNTED[kind]
    if kind == "object":
        fault = f"too {'many' if relation == '<=' else 'few'} {unit}"
        code = f"object_{'above_max' if relation == '<=' else 'below_min'}_properties"
    elif length == 0:
        fault, code = f"empty {noun}", f"empty_{noun}"
    else:
        fault = f"{noun} too {'long' if relation == '<=' else 'short'}"
        code = f"{noun}_{'above_max' if relation == '<=' else 'below_min'}_length"
    limit = "maximum" if relation == "<=" else "minimum"
    return InvalidRequest(
        f"Invalid '{param}': {fault}. Expected {_WORDS[kind]} with {limit} length {bound}, "
        f"but got {_WORDS[kind]} with length {length} instead.",
        code=code,
        param=param,
    )


def _follow(value: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        value = value[step]
    return value


def _shown(found: Any) -> str:
    """What the client sent, as much of it as an error message should repeat."""
    return text if len(text := str(found)) <= 64 else f"{text[:64]}…"


def _choices(kind: inspect.Type, steps: Sequence[str | int]) -> list[Any]:
    """The values that an enumeration, or the tag of a union, at the end of `steps` allows."""
    if isinstance(kind, inspect.UnionType):
        return [choice for option in kind.types for choice in _choices(option, steps)]
    if not steps:
        return list(kind.values) if isinstance(kind, inspect.LiteralType) else []
    if isinstance(kind, inspect.StructType):
        if steps == [kind.tag_field]:
            return [kind.tag]
        fields = {field.encode_name: field.type for field in kind.fields}
        return _choices(fields[str(steps[0])], steps[1:]) if steps[0] in fields else []
    if isinstance(kind, inspect.ListType):
        return _choices(kind.item_type, steps[1:])
    return []
