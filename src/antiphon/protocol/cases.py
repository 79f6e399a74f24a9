"""Cases: for every field of a request one request that has it, and the same request without.

The fields are those of the types that requests are checked against, objects within objects included, so
that a new field is a new case as soon as it has an example. Whoever sends requests on can be asked of each
case what became of the field.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from msgspec import Struct, inspect

from antiphon.protocol.content import PARTS
from antiphon.protocol.examples import CARRIED, FUNCTION, INSTEAD, TEXT, UNKNOWN, least, values
from antiphon.protocol.items import ITEMS
from antiphon.protocol.json import JSON
from antiphon.protocol.options import OPTIONS
from antiphon.protocol.request import ROUTING, CreateResponse, Include
from antiphon.protocol.tool_choice import MODES
from antiphon.protocol.tools import TOOLS


class Case(Struct, frozen=True):
    """One field. `name` says which for people, `param` is its path in `given`, as errors write it."""

    name: str
    param: str
    without: JSON
    given: JSON


class _Change(Struct, frozen=True):
    """An object without a field of it (or of one inside it), and with it."""

    name: str
    path: str
    without: JSON
    given: JSON


ELSEWHERE = frozenset(
    {
        "model",
        "previous_response_id",
        "stream_options",
        "adaptation",
        "background",
        "generate",
        "conversation",
        "prompt",
        "multi_agent",
        "context_management",
        *("fallbacks", "models", "router_candidates", "route", "provider", "providers", "max_cost"),
        "continuation",
        "session_id",
    }
)
"""Fields that no target is told: they say which model, and how this gateway is to answer."""

_USER: JSON = {"type": "message", "role": "user", "content": [TEXT]}
_ANSWER: JSON = {"type": "message", "role": "assistant", "content": [least("output_text", "")]}
_ASKED: JSON = {"model": "provider/model", "input": [_USER]}
_FOLDED = {"reasoning_effort": "reasoning.effort"}
_NEEDS: dict[str, JSON] = {"parallel_tool_calls": {"tools": [FUNCTION]}}

_OUTPUT_OF = {
    f"{kind}_output": kind
    for kind in (
        "function_call",
        "custom_tool_call",
        "tool_search_call",
        "computer_call",
        "shell_call",
        "apply_patch_call",
        "local_shell_call",
        "program",
    )
} | {"tool_search_output": "tool_search_call"}
_ANSWER_TO = {call: output for output, call in _OUTPUT_OF.items() if output in ITEMS}

_INPUT_PARTS = ("input_text", "input_image", "input_file")
_PLACES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("message:user", "content", (*_INPUT_PARTS, "input_audio", UNKNOWN)),
    ("message:developer", "content", (*_INPUT_PARTS, UNKNOWN)),
    ("message:assistant", "content", ("output_text", "refusal", *_INPUT_PARTS, UNKNOWN)),
    ("function_call_output", "output", (*_INPUT_PARTS, UNKNOWN)),
    ("custom_tool_call_output", "output", (*_INPUT_PARTS, UNKNOWN)),
    ("reasoning", "summary", ("summary_text",)),
    ("reasoning", "content", ("reasoning_text",)),
)
"""Where parts may stand: the item, its field, and the kinds of parts."""


def cases() -> Iterator[Case]:
    """All of them. Raises LookupError for a field that has no example."""
    yield from _of_the_request()
    yield from _of_tools()
    yield from _of_tool_choice()
    yield from _of_items()
    yield from _of_parts()


def _of_the_request() -> Iterator[Case]:
    for name, value in values("CreateResponse").items():
        base = {**_ASKED, **_NEEDS.get(name, {})}
        yield Case(name, _FOLDED.get(name, name), base, {**base, name: value})
    searching = {**_ASKED, "tools": [least("web_search", "WebSearchTool")]}
    yield Case(
        "max_tool_calls (of a search)", "max_tool_calls", searching, {**searching, "max_tool_calls": 3}
    )
    with_tools = {**_ASKED, "tools": [FUNCTION]}
    yield Case(
        "parallel_tool_calls: true",
        "parallel_tool_calls",
        with_tools,
        {**with_tools, "parallel_tool_calls": True},
    )
    yield Case("truncation: disabled", "truncation", _ASKED, {**_ASKED, "truncation": "disabled"})
    for wish in (wish for wish in get_args(Include) if wish != ROUTING):  # which is no target's to tell
        yield Case(f"include: {wish}", "include", _ASKED, {**_ASKED, "include": [wish]})
    for name in CreateResponse.__struct_fields__:
        kind = OPTIONS.get(name)
        if isinstance(kind, type) and issubclass(kind, Struct) and name not in ELSEWHERE:
            for change in _changes(kind, least("", kind.__name__)):
                param = f"{name}.{change.path}"
                yield Case(
                    f"{name}.{change.name}",
                    param,
                    {**_ASKED, name: change.without},
                    {**_ASKED, name: change.given},
                )


def _of_tools() -> Iterator[Case]:
    def asked(tool: JSON) -> JSON:
        return {**_ASKED, "tools": [tool]}

    yield Case(f"tools[{UNKNOWN}]", "tools[0]", _ASKED, asked({"type": UNKNOWN}))
    for kind, struct in TOOLS.items():
        plainest = least(kind, struct.__name__)
        yield Case(f"tools[{kind}]", "tools[0]", _ASKED, asked(plainest))
        for change in _changes(struct, plainest):
            yield Case(
                f"tools[{kind}].{change.name}",
                f"tools[0].{change.path}",
                asked(change.without),
                asked(change.given),
            )


def _of_tool_choice() -> Iterator[Case]:
    other = {**FUNCTION, "name": "lose"}
    forms: list[tuple[str, Any, list[JSON]]] = [(mode, mode, [FUNCTION]) for mode in MODES]
    for kind in ("function", "custom"):
        tool = least(kind, "")
        forms.append((kind, {"type": kind, "name": tool["name"]}, [tool, other]))
    in_namespace = {"type": "function", "name": "find", "namespace": "crm"}
    forms.append(("function in a namespace", in_namespace, [least("namespace", "")]))
    for mode in ("auto", "required"):
        allowed = {"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": "find"}]}
        forms.append((f"allowed_tools, {mode}", allowed, [FUNCTION, other]))
    server = {"type": "mcp", "server_label": "dice"}
    forms += [
        (name, choice, [least("mcp", "")])
        for name, choice in (("mcp", server), ("mcp, one tool", {**server, "name": "roll"}))
    ]
    for kind, struct in TOOLS.items():
        if kind not in ("function", "custom", "namespace", "mcp"):
            forms.append((kind, {"type": kind}, [least(kind, struct.__name__)]))
    for name, choice, tools in forms:
        asked = {**_ASKED, "tools": tools}
        yield Case(f"tool_choice: {name}", "tool_choice", asked, {**asked, "tool_choice": choice})


def _of_items() -> Iterator[Case]:
    two = {**_ASKED, "input": [_USER, _USER]}
    yield Case(f"input[{UNKNOWN}]", "input[1]", two, _around({"type": UNKNOWN})[0])
    for kind, struct in ITEMS.items():
        if kind == "item_reference":
            continue  # the gateway puts the item in its place
        for name, plainest in _plainest_items(kind, struct):
            asked, at = _around(plainest)
            paired = kind in _OUTPUT_OF or kind in _ANSWER_TO
            others = [_USER] if paired else [item for place, item in enumerate(asked["input"]) if place != at]
            yield Case(f"input[{name}]", f"input[{at}]", {**asked, "input": others}, asked)
            carried = CARRIED.get(kind, {}).keys() - set(struct.__struct_fields__)
            changes = [
                *_changes(struct, plainest),
                *(
                    _Change(key, key, {n: v for n, v in plainest.items() if n != key}, plainest)
                    for key in sorted(carried)
                ),
            ]
            for change in changes:
                (without, _), (given, at) = _around(change.without), _around(change.given)
                yield Case(f"input[{name}].{change.name}", f"input[{at}].{change.path}", without, given)


def _plainest_items(kind: str, struct: type[Struct]) -> Iterator[tuple[str, JSON]]:
    plainest = least(kind, struct.__name__)
    if kind != "message":
        yield kind, plainest
        return
    for role in ("user", "developer", "system", "assistant"):
        part = least("output_text", "") if role == "assistant" else TEXT
        yield f"message:{role}", {**plainest, "role": role, "content": [part]}


def _of_parts() -> Iterator[Case]:
    for place, field, kinds in _PLACES:
        kind, _, role = place.partition(":")
        item = {**least(kind, ""), **({"role": role} if role else {})}
        first = least("output_text", "") if role == "assistant" else TEXT
        before = [] if kind == "reasoning" else [first]
        for part in kinds:
            yield from _of_part(part, f"input[{place}].{field}[{part}]", item, field, before)


def _of_part(kind: str, name: str, item: JSON, field: str, before: list[JSON]) -> Iterator[Case]:
    def asked(*parts: JSON) -> tuple[JSON, int]:
        return _around({**item, field: [*before, *parts]})

    plainest, spot = least(kind, ""), f"{field}[{len(before)}]"
    given, at = asked(plainest)
    yield Case(name, f"input[{at}].{spot}", asked()[0], given)
    for change in _changes(PARTS[kind], plainest) if kind in PARTS else ():
        (without, _), (given, at) = asked(change.without), asked(change.given)
        yield Case(f"{name}.{change.name}", f"input[{at}].{spot}.{change.path}", without, given)


def _around(item: JSON) -> tuple[JSON, int]:
    """A request with a conversation in which the item makes sense, and its index there."""
    kind, role = item["type"], item.get("role")
    call_id = {"call_id": item["call_id"]} if "call_id" in item else {}
    if (call := _OUTPUT_OF.get(kind)) is not None:
        items, at = [_USER, {**least(call, ""), **call_id}, item], 2
    elif (output := _ANSWER_TO.get(kind)) is not None:
        named = {"id": item["call_id"]} if output == "local_shell_call_output" else call_id
        items, at = [_USER, item, {**least(output, ""), **named}], 1
    elif role in ("system", "developer"):
        items, at = [item, _USER], 0
    elif kind == "reasoning":
        items, at = [_USER, item, _ANSWER, _USER], 1
    else:
        items, at = [_USER, item, _USER], 1
    return {**_ASKED, "input": items}, at


def _changes(struct: type[Struct], plainest: JSON) -> Iterator[_Change]:
    """Each field of the type, with and without, on the ground of the plainest object that is valid."""
    own = values(struct.__name__)
    for field in _fields_of(struct):
        name = field.encode_name
        if name in ("type", "role"):
            continue
        inner = list(_structs_of(field.type))
        if name in own:
            replaced = INSTEAD.get((struct.__name__, name))
            given = {key: value for key, value in plainest.items() if key != replaced}
            yield _Change(name, name, plainest, {**given, name: own[name]})
        elif not inner:
            raise LookupError(f"{struct.__name__}.{name} has no example")
        for kind in inner:
            yield from _changes_inside(name, kind, plainest, alone=len(inner) == 1, given=name in own)
    if struct.__name__ not in _CARRIED_WHOLE:
        yield _Change(UNKNOWN, UNKNOWN, plainest, {**plainest, UNKNOWN: 1})


_CARRIED_WHOLE = frozenset({"HostedCall", "ClientCall", "ClientCallOutput"})


def _changes_inside(
    name: str, kind: inspect.StructType, plainest: JSON, *, alone: bool, given: bool
) -> Iterator[_Change]:
    tag = str(kind.tag) if kind.tag_field is not None else ""
    held = plainest.get(name)
    inner_plainest = held if held and isinstance(held, dict) else least(tag, kind.cls.__name__)
    label = name if alone else f"{name}[{tag or kind.cls.__name__}]"
    if inner_plainest and not given and name not in plainest:
        yield _Change(label, name, plainest, {**plainest, name: inner_plainest})
    for change in _changes(kind.cls, inner_plainest):
        yield _Change(
            f"{label}.{change.name}",
            f"{name}.{change.path}",
            {**plainest, name: change.without},
            {**plainest, name: change.given},
        )


def _fields_of(struct: type[Struct]) -> tuple[inspect.Field, ...]:
    kind = inspect.type_info(struct)
    assert isinstance(kind, inspect.StructType)
    return kind.fields


def _structs_of(kind: inspect.Type) -> Iterator[inspect.StructType]:
    match kind:
        case inspect.StructType():
            yield kind
        case inspect.UnionType(types=types):
            for each in types:
                yield from _structs_of(each)
        case _:
            pass
