"""What all fakes have in common: a request is checked, refused in the provider's words, or answered.

    check   the rules, stateless and not: raises Refused (or what a checker raises)
    say     the script's answer in the provider's wire, and what the client is to get of it

What a fake sealed it wants back as it was: `sealed` has each blob with what it was put on, `returned` those
that the last request brought.
"""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from antiphon.upstream.base import WireRequest
from tests.matrix.conversation import Answer, Call

Body: TypeAlias = dict[str, Any]
Heard: TypeAlias = tuple[str, ...]
"""One item as a client hears it: its kind, and what it says."""


class Refused(ValueError):
    """What the provider would answer with a 400; the text is its own."""


# Refused, and what the dialects' own checkers raise (pydantic's ValidationError is a ValueError).
REFUSALS = (AssertionError, ValueError, LookupError, TypeError)


def require(holds: Any, message: str) -> None:
    if not holds:
        raise Refused(message)


@dataclass(frozen=True)
class Offered:
    """A tool that the model may call. `parameters`: its JSON Schema; None: it takes text."""

    name: str
    parameters: Any = None
    namespace: str | None = None


@dataclass(frozen=True)
class Reply:
    status: int
    content_type: str
    body: bytes


@dataclass
class Said:
    """The items that the client should get of an answer, and how its response ends."""

    items: list[Heard] = field(default_factory=list)
    incomplete: str | None = None


class Fake(ABC):
    """A provider of this dialect, for one conversation. `model` is what its models are called."""

    dialect: ClassVar[str]
    model: ClassVar[str]
    base: ClassVar[str] = ""
    """The end of the base URL."""
    shows_thoughts: ClassVar[bool] = True
    seals: ClassVar[bool] = True
    """Its thoughts come with a signature, or sealed."""
    kin: ClassVar[str | None] = None
    """Whose signatures it reads besides its own: providers with the same word here share them."""
    settings: ClassVar[dict[str, Any]] = {}
    """Of the provider, beside those of the built-in one."""
    stream_type: ClassVar[str] = "text/event-stream"
    too_long: ClassVar[str]
    """Its words for a conversation that is longer than the model's context."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known_as = {self.model}  # the names by which its model may be called
        self.answer = Answer(())
        self.asked: list[WireRequest] = []
        self.refused: list[str] = []
        self.said = Said()
        self.sealed: dict[str, Any] = {}
        self.returned: set[str] = set()
        self._count = 0

    @property
    def family(self) -> str:
        return self.kin or self.name

    def serve(self, request: WireRequest) -> Reply:
        self.asked.append(request)
        self.returned = set()
        try:
            self.check(request)
        except REFUSALS as refusal:
            self.refused.append(f"{type(refusal).__name__}: {refusal}")
            return self.failure(400, str(refusal))
        self.said = Said(incomplete="max_output_tokens" if self.answer.cut else None)
        streamed = self.is_streamed(request)
        return Reply(200, self.stream_type if streamed else "application/json", self.say(request, streamed))

    @abstractmethod
    def check(self, request: WireRequest) -> None:
        """Raises one of REFUSALS."""

    @abstractmethod
    def say(self, request: WireRequest, streamed: bool) -> bytes: ...

    def is_streamed(self, request: WireRequest) -> bool:
        return bool(request.body.get("stream"))

    @abstractmethod
    def error(self, message: str, status: int) -> Any:
        """The body of a failure with this status."""

    def failure(self, status: int, message: str) -> Reply:
        return Reply(status, "application/json", _json(self.error(message, status)))

    @abstractmethod
    def tools(self, body: Body) -> list[Offered]:
        """What the request lets the model call."""

    # Ids, seals, names

    def new(self, prefix: str, length: int = 24) -> str:
        """An id that no other fake gives out."""
        self._count += 1
        return f"{prefix}{self.name}{self._count:0{max(1, length - len(self.name))}d}"

    def seal(self, on: Any, prefix: str = "") -> str:
        """Base64 with all of its alphabet's odd letters; `prefix` is as long as a multiple of four."""
        blob = prefix + base64.b64encode(b"\xfb\xef\xff\xff" + self.new("", 60).encode()).decode()
        self.sealed[blob] = on
        return blob

    def recognise(self, blob: str, on: Any, message: str) -> None:
        """What comes back must be this fake's own, on what it was put on."""
        require(blob in self.sealed and self.sealed[blob] == on, message)
        self.returned.add(blob)

    def hear(self, *items: Heard) -> None:
        self.said.items.extend(items)

    def heard_call(self, call: Call) -> Heard:
        if isinstance(call.given, str):
            return ("custom_tool_call", call.name, call.given)
        return ("function_call", call.namespace or "", call.name, json.dumps(call.given))


def function_of(call: Call) -> tuple[str, dict[str, Any]]:
    """A call as it is made by a model that was offered functions alone: the name, and the arguments."""
    if isinstance(call.given, str):
        return call.name, {"input": call.given}
    return f"{call.namespace}__{call.name}" if call.namespace else call.name, call.given


ANSWER_TOOL = "antiphon_answer"
"""The tool through which the dialect lets a model answer in a shape, where nothing else holds it to one."""


def offered(call: str, tools: Iterable[Offered]) -> str:
    """The name, which must be one that was offered: a model calls no other."""
    require(call in {tool.name for tool in tools}, f"the script wants to call {call}, which was not offered")
    return call


def pieces(text: str, size: int = 7) -> Iterator[str]:
    """The text as it comes in a stream."""
    return (text[at : at + size] for at in range(0, len(text), size))


def sse(events: Iterable[tuple[str | None, Any]]) -> bytes:
    """Server-sent events; those without a name have data alone."""
    return b"".join(
        (f"event: {name}\n" if name else "").encode() + b"data: " + _json(data) + b"\n\n"
        for name, data in events
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
