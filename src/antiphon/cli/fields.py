"""`antiphon fields`: what becomes of every field of a request, in every dialect.

Nobody wrote it down: the gateway is asked.

Each case of `protocol/cases.py` is prepared with the field and without it. The field has an effect if what
would be sent differs; else it is told in an adaptation, or refused, or stands below among what is met
without being sent. Anything else is lost, and that is a defect; so it is if the field is told to be dropped
and is sent (`belied`).
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeAlias, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from antiphon.core.adaptations import Action, Adaptation
from antiphon.core.deltas import Delta
from antiphon.core.records import Target
from antiphon.engine.plan import Plan, plan
from antiphon.protocol.cases import Case, cases
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.examples import UNKNOWN
from antiphon.protocol.items import normalised
from antiphon.protocol.json import JSON, encode
from antiphon.protocol.request import CreateResponse, Limits, create_response
from antiphon.settings.providers import DIALECTS
from antiphon.upstream.base import Dialect, Provider
from antiphon.upstream.client import Call, Client
from antiphon.upstream.media.kinds import Kind, Media
from antiphon.upstream.media.parts import Missing
from antiphon.upstream.simulated import Simulated
from antiphon.upstream.speaker import Upstreams

Found = TypeVar("Found")
Fate: TypeAlias = Action | Literal["sent", "refused", "by the gateway", "lost", "belied"]

MODELS: Mapping[str, str] = {
    "responses": "gpt-5.2",
    "anthropic": "claude-opus-4-6",
    "converse": "anthropic.claude-opus-4-6-v1:0",
    "gemini": "gemini-3-pro",
}
"""A usual model, for dialects in which much depends on its name."""

_EXAMPLES: dict[Kind, Media] = {
    "image": Media("image/png", b"\x89PNG\r\n\x1a\n"),
    "file": Media("application/pdf", b"%PDF-1.4\n"),
}
_ITEM = re.compile(r"input\[\d+\]")
_KIND = re.compile(r"(?:tools|input)\[([a-z_]+?)(?:_tool)?(?:_call)?(?:_output)?\]")
"""The type of tool that a case is about, by its name."""
_INTRODUCTION = """\
# Fields

Made from the code by `make docs`; do not edit. What becomes of each field of a request in each dialect, with
the dialect's default [quirks](settings.md) and a usual model. Other models and quirks may take more, or less.

| word | meaning |
|---|---|
| sent | it is part of what the provider is asked |
| translated | it is said in another form that means nearly the same |
| emulated | its effect is brought about by other means, which may hold less firmly |
| clamped | its value is moved into the range that is taken |
| dropped | it has no effect |
| refused | the answer is 400, and `param` names the field |
| by the gateway | nothing has to be sent: the gateway sees to it, or nothing else could happen |

What is translated, emulated, clamped or dropped is listed in the response, under `adaptations`; with
`adaptation: strict` it is refused before anything is sent. A field that is not in these tables is sent to
providers of the dialect `responses`, and dropped elsewhere. `tools[mcp]` stands for any tool of this type,
`input[message:user]` for any message of the user, and so on.
"""
_SECTIONS = {
    "The request": r"(?!tools\[|tool_choice|input\[).*",
    "Tools": r"tools\[.*",
    "Tool choice": r"tool_choice.*",
    "Input items": r"input\[[^\]]*\](?!\.(content|output|summary)\[).*",
    "Content parts": r"input\[[^\]]*\]\.(content|output|summary)\[.*",
}


class Met(Struct, frozen=True):
    """Fields that rightly have no effect on what is sent; the pattern matches the whole name of a case.

    `not_by`: dialects in which they must have one; `only_by`: those in which they need not.
    """

    pattern: str
    reason: str
    not_by: tuple[str, ...] = ("responses",)
    only_by: tuple[str, ...] = ()

    def holds(self, name: str, dialect: str) -> bool:
        """Whether the field need not be sent in this dialect."""
        known = dialect not in self.not_by and (not self.only_by or dialect in self.only_by)
        return known and re.fullmatch(self.pattern, name) is not None


MET = (
    Met(r"store", "the gateway keeps the response; a provider is asked to keep nothing", ()),
    Met(r"metadata", "the gateway keeps it"),
    Met(r"include: reasoning\.encrypted_content", "sealed thoughts are always asked for", ()),
    Met(r"include: (?!message\.output_text).*", "what there is of it is shown"),
    Met(r"truncation: disabled", "nobody truncates unasked"),
    Met(r"parallel_tool_calls: true|tool_choice: auto", "it is so by default"),
    Met(r"(text|tools\[custom\])\.format\[text\]", "it is so by default"),
    Met(r"max_tool_calls.*", "it counts hosted tools, and none is offered"),
    Met(r"reasoning\.(generate_)?summary", "thoughts are told in the form in which they come"),
    Met(r"text\.format\[json_schema\]\.name", "the schema needs no name"),
    Met(r"text\.format\[json_schema\]\.strict", "where a provider does not enforce it, the gateway does"),
    Met(r"tools\[(function|custom)\]\.defer_loading", "what is offered is loaded"),
    Met(r"(tools\[|tool_choice: )web_search\w*\]?", "a model that always searches does", (), ("chat",)),
    Met(r"tools\[code_interpreter\]\.container", "where code is run, a container is made"),
    Met(r"tools\[tool_search\]\.(description|parameters)", "there is no search: all tools are offered"),
    Met(r"input\[.*\]\.id", "ids of items are the gateway's own", ()),
    Met(
        r"input\[(?!apply_patch_call_output).*\]\.status",
        "what is in the past is over, and the output says how",
        (),
    ),
    Met(r"input\[.*\]\.call_id", "what it joins is joined by the order of the items"),
    Met(r"input\[tool_search_\w+\]\.execution", "what counts of a search is what it found"),
    Met(r"input\[mcp_call\]\.server_label", "a call of the past is told by its name"),
    Met(r"input\[code_interpreter_call\]\.container_id", "where code ran does not matter afterwards"),
    Met(
        r"tools\[computer_use_preview\]\.(environment|display_\w+)",
        "the model sees the screen; what else must be known of it is needed on the way back",
        only_by=("anthropic", "gemini"),
    ),
    Met(r"input\[computer_call\]\.pending_safety_checks", "they are for the client"),
    Met(r"input\[.*\]\.content\[output_text\]\.(annotations|logprobs)", "they are for the client", ()),
    Met(r"input\[.*\]\.prompt_cache_breakpoint\.mode", "there is only one"),
    Met(r"input\[additional_tools\]\..*", "the tools in it are offered, and the item is not sent", ()),
)


def met(name: str, dialect: str) -> str | None:
    """Why the field need not be sent, if it need not."""
    return next((entry.reason for entry in MET if entry.holds(name, dialect)), None)


def fate(case: Case, dialect: Dialect, model: str) -> Fate:
    """What becomes of the field."""
    return next(fates([case], dialect, model))


def fates(asked: Iterable[Case], dialect: Dialect, model: str) -> Iterator[Fate]:
    """What becomes of each field; what is the same request without them is prepared once."""
    known: dict[bytes, _Prepared | InvalidRequest] = {}
    for case in asked:
        key = encode(case.without)
        if key not in known:
            known[key] = _prepared(case.without, dialect, model)
        yield _fate(case, dialect, _prepared(case.given, dialect, model), known[key])


def _fate(
    case: Case, dialect: Dialect, given: _Prepared | InvalidRequest, without: _Prepared | InvalidRequest
) -> Fate:
    if isinstance(given, InvalidRequest):
        named = isinstance(without, InvalidRequest) or _is_about(given.param or "", case.param)
        return "refused" if named else "lost"
    if isinstance(without, InvalidRequest):
        return "sent"  # it makes the request one that can be asked
    told = [each for each in given.adaptations if _concerns(each.param, case.param)]
    if new := [each for each in told if each not in without.adaptations]:
        is_dropped = any((each.param, each.action) == (case.param, "dropped") for each in new)
        return "belied" if is_dropped and given.wire != without.wire else new[0].action
    if given.wire != without.wire:
        return "sent"
    if any(each.action == "dropped" and _covers(each.param, case.param) for each in told):
        return "dropped"
    return "by the gateway" if met(case.name, _speech(case, dialect)) or _is_moot(case, given) else "lost"


def _speech(case: Case, dialect: Dialect) -> str:
    """The dialect whose exceptions hold: a tool that this one's provider lacks is told as in any other."""
    found = _KIND.match(case.name)
    kind = "" if found is None else found[1]
    if case.name.endswith(".defer_loading"):
        kind = "tool_search"
    return "another" if kind in getattr(dialect, "lacks", ()) else dialect.name


def _is_moot(case: Case, given: _Prepared) -> bool:
    """How tools are to be called does not matter where the one that there is cannot be offered."""
    about_calls = case.param in ("tool_choice", "parallel_tool_calls", "max_tool_calls")
    return about_calls and any(
        (each.param, each.action) == ("tools[0]", "dropped") for each in given.adaptations
    )


class _Prepared(Struct, frozen=True):
    call: Call
    adaptations: tuple[Adaptation, ...]

    @property
    def wire(self) -> tuple[Any, ...]:
        return self.call.url, self.call.body, self.call.headers


class _Listener:
    """Stands where the client stands, and hears what would be sent."""

    call: Call

    def deltas(self, call: Call) -> AsyncGenerator[list[Delta], None]:
        self.call = call
        return _silence()


async def _silence() -> AsyncGenerator[list[Delta], None]:
    for batch in list[list[Delta]]():
        yield batch


class _Downloads:
    """Stands where the fetcher stands: every URL leads to an example."""

    async def fetch(self, wanted: Sequence[Missing]) -> list[tuple[Missing, Media]]:
        return [(place, _EXAMPLES[place.kind]) for place in wanted]


def _at_once(coroutine: Coroutine[Any, Any, Found]) -> Found:
    """What it returns; it waits for nobody here."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("Found", end.value)
    raise AssertionError("It waits.")


def _prepared(body: JSON, dialect: Dialect, model: str) -> _Prepared | InvalidRequest:
    """The request as it would leave, or why it would not."""
    listener = _Listener()
    provider = Provider("provider", dialect, "https://example.com")
    upstreams = Upstreams({"provider": provider}, Simulated(), cast("Client", listener), fetcher=_Downloads())
    try:
        target = Target("provider", model)
        planned = _planned(create_response(dict(body), Limits()), target)
        try:
            turn, fetched = _at_once(upstreams.fetch(target, planned.turn))
            speech = upstreams.prepare(target, turn)
        except InvalidRequest as refusal:
            refusal.param = planned.places.of_client(refusal.param or "")
            raise
    except InvalidRequest as refusal:
        return refusal
    with suppress(StopAsyncIteration):
        speech.deltas().__anext__().send(None)
    told = (
        replace(each, param=planned.places.of_client(each.param)) for each in (*fetched, *speech.adaptations)
    )
    return _Prepared(listener.call, tuple(told))


def _planned(request: CreateResponse, target: Target) -> Plan:
    return plan(
        request,
        target=target,
        history=(),
        own_input=normalised(request.input),
        new_id=str,
        created_at=0,
    )


def _concerns(told: str, param: str) -> bool:
    """Whether an adaptation is about the field, or about what it is in, or what is in it.

    Of cache marks there may be too many, whichever they are: that is told of `cache_control`.
    """
    if told.startswith("cache_control"):
        return "cache_control" in param or ".prompt_cache_breakpoint" in param
    return _leads(told, param) or _leads(param, told)


def _covers(told: str, param: str) -> bool:
    """Whether what is told of one path is true of the field: not what is told of a field inside it.

    What is told of an element of a list is.
    """
    inside = told.removeprefix(param)
    return told == param or not _leads(param, told) or re.fullmatch(r"\[\d+\]", inside) is not None


def _leads(outer: str, inner: str) -> bool:
    """Whether the one path is the other, or leads to it."""
    return inner.startswith(outer) and inner[len(outer) :][:1] in ("", ".", "[")


def _is_about(told: str, param: str) -> bool:
    """Whether a refusal names the field, or the item or tool that it belongs to.

    An item comes with its call or its output, and that may be what is refused.
    """
    if _ITEM.fullmatch(param) and _ITEM.match(told):
        return True
    return re.split(r"(?<=\])\.", told)[0] == re.split(r"(?<=\])\.", param)[0] or _leads(told, param)


# The page


def fields() -> int:
    """Print it."""
    print(page(), end="")
    return 0


def page() -> str:
    """docs/fields.md, in Markdown."""
    shown = [case for case in cases() if UNKNOWN not in case.name]
    parts = [_INTRODUCTION]
    for title, pattern in _SECTIONS.items():
        parts += [f"## {title}\n", _table(case for case in shown if re.fullmatch(pattern, case.name))]
    return "\n".join(parts)


def _table(rows: Iterable[Case]) -> str:
    return "\n".join(_lines(rows)) + "\n"


def _lines(rows: Iterable[Case]) -> Iterator[str]:
    yield f"| field | {' | '.join(f'`{name}`' for name in DIALECTS)} |"
    yield "|---|" + "---|" * len(DIALECTS)
    dialects = [(dialect(), MODELS.get(name, "model")) for name, dialect in DIALECTS.items()]
    asked = list(rows)
    columns = [fates(asked, dialect, model) for dialect, model in dialects]
    for case, *found in zip(asked, *columns, strict=True):
        yield f"| `{case.name}` | {' | '.join(found)} |"
