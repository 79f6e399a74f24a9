"""The dialects: which one a request is in, and how an answer is streamed in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from antiphon.fake_upstream.answers import JSON, Answer
from antiphon.fake_upstream.faults import AnswerFault
from antiphon.fake_upstream.wires.anthropic import Anthropic
from antiphon.fake_upstream.wires.base import Event, Wire
from antiphon.fake_upstream.wires.chat import Chat
from antiphon.fake_upstream.wires.cohere import Cohere
from antiphon.fake_upstream.wires.converse import Converse
from antiphon.fake_upstream.wires.gemini import Gemini
from antiphon.fake_upstream.wires.ollama import Ollama
from antiphon.fake_upstream.wires.responses import Responses

WIRES: Mapping[str, Callable[[], Wire]] = MappingProxyType(
    {
        "responses": Responses,
        "chat": Chat,
        "anthropic": Anthropic,
        "gemini": Gemini,
        "converse": Converse,
        "cohere": Cohere,
        "ollama": Ollama,
    }
)

PATHS: Mapping[str, str] = MappingProxyType(
    {
        "responses": "/v1/responses",
        "chat": "/v1/chat/completions",
        "anthropic": "/v1/messages",
        "gemini": "/v1beta/models/MODEL:generateContent, …:streamGenerateContent",
        "converse": "/model/MODEL/converse, …/converse-stream",
        "cohere": "/v2/chat",
        "ollama": "/api/chat",
    }
)
"""Where each dialect is spoken; whatever stands before these paths does not matter."""

_IN_PATH = (
    ("gemini", re.compile(r"/models/([^/]+):(generate|streamGenerate)Content$")),
    ("converse", re.compile(r"/model/([^/]+)/(converse|converse-stream)$")),
)
_IN_BODY = (
    ("responses", "/responses"),
    ("chat", "/chat/completions"),
    ("anthropic", "/messages"),
    ("cohere", "/v2/chat"),
    ("ollama", "/api/chat"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants. `tool`: the first that it offers; `reused`: others came before it."""

    dialect: str
    model: str
    streamed: bool
    tool: str | None = None
    reused: bool = False
    key: str = ""

    @property
    def wire(self) -> Wire:
        return WIRES[self.dialect]()


def understood(path: str, body: JSON, *, reused: bool, key: str) -> Asked | None:
    """None for a path that no dialect has."""
    tool = _named(body.get("tools") or body.get("toolConfig"))
    for dialect, pattern in _IN_PATH:
        if found := pattern.search(path):
            streamed = found[2] in ("streamGenerate", "converse-stream")
            return Asked(dialect, unquote(found[1]), streamed, tool, reused, key)
    for dialect, end in _IN_BODY:
        if path.endswith(end):
            streamed = body.get("stream", dialect == "ollama") is True
            return Asked(dialect, str(body.get("model") or ""), streamed, tool, reused, key)
    return None


def _named(tools: Any) -> str | None:
    """The first name of a tool, wherever the dialect keeps it."""
    if isinstance(tools, dict):
        name = tools.get("name")
        return name if isinstance(name, str) else _named(list(tools.values()))
    for tool in tools if isinstance(tools, list) else ():
        if name := _named(tool):
            return name
    return None


def stream(wire: Wire, answer: Answer, odd: AnswerFault | None = None) -> Iterator[Event]:
    """All events of the answer, with what is odd about them."""
    end = list(wire.end(answer))
    if odd == "two-ends":
        end.insert(1, end[0])
    if odd == "late-usage" and wire.usage_apart and answer.usage is not None:
        end[-2:] = reversed(end[-2:])
    events = chain(wire.begin(answer), _said(wire, answer, odd), end)
    match odd:
        case "empty-events":
            return (each for event in events for each in (event, *wire.nothing(answer)))
        case "changing-names":
            return (_renamed(event, number) for number, event in enumerate(events))
        case "null-times":
            return map(_timeless, events)
        case _:
            return events


def _said(wire: Wire, answer: Answer, odd: AnswerFault | None) -> Iterable[Event]:
    parts = (
        wire.say(part, 0 if odd == "same-index" else index, answer) for index, part in enumerate(answer.parts)
    )
    if odd != "interleaved":
        return chain.from_iterable(parts)
    rounds = zip_longest(*parts)
    return (event for together in rounds for event in together if event is not None)


_NAMES = ("id", "model", "modelVersion", "responseId")
_TIMES = ("created", "created_at")


def _renamed(event: Event, number: int) -> Event:
    return _changed(event, _NAMES, lambda value: f"{value}-{number}")


def _timeless(event: Event) -> Event:
    return _changed(event, _TIMES, lambda value: None)


def _changed(event: Event, names: tuple[str, ...], change: Callable[[Any], Any]) -> Event:
    """In the event, and in the message or response that it is about."""
    if isinstance(event.data, bytes):
        return event
    return event._replace(data=changed(event.data, names, change))


def changed(data: JSON, names: tuple[str, ...], change: Callable[[Any], Any]) -> JSON:
    """A copy in which these fields are changed."""
    new = {name: change(value) if name in names else value for name, value in data.items()}
    for name in ("response", "message"):
        if isinstance(inner := new.get(name), dict):
            new[name] = changed(inner, names, change)
    return new


def whole(wire: Wire, answer: Answer, odd: AnswerFault | None = None) -> JSON:
    """The answer in one body. Of the oddities only that of times has a place there."""
    body = wire.whole(answer)
    return changed(body, _TIMES, lambda value: None) if odd == "null-times" else body
