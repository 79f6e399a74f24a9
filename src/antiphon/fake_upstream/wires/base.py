"""What a dialect has to say how it is spoken: one event, one part, one error at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from antiphon.fake_upstream.answers import JSON, Answer, Part, Trouble
from antiphon.fake_upstream.framings import Framing


class Event(NamedTuple):
    """`data` is bytes where it is no JSON; `said` counts the pieces of the answer that it holds."""

    name: str
    data: JSON | bytes
    said: int = 0

    @property
    def payload(self) -> bytes:
        return self.data if isinstance(self.data, bytes) else compact(self.data)


class Wire(Protocol):
    """A dialect, for one answer."""

    @property
    def framing(self) -> Framing: ...

    @property
    def usage_apart(self) -> bool:
        """Whether its usage is an event of its own, before its end marker."""
        ...

    def begin(self, answer: Answer) -> Iterable[Event]: ...

    def say(self, part: Part, index: int, answer: Answer) -> Iterator[Event]:
        """The events of one part; `index` is its place in the answer."""
        ...

    def end(self, answer: Answer) -> Iterable[Event]:
        """Why it stopped comes first."""
        ...

    def nothing(self, answer: Answer) -> Iterable[Event]:
        """Events that say nothing, and may stand anywhere."""
        ...

    def whole(self, answer: Answer) -> JSON:
        """The answer that is not streamed."""
        ...

    def refusal(self, trouble: Trouble) -> JSON:
        """The body of an error's answer."""
        ...

    def failure(self, trouble: Trouble) -> Iterable[Event]:
        """The error within a stream."""
        ...

    def failed(self, trouble: Trouble) -> JSON:
        """The error as a whole answer under status 200."""
        ...


def compact(value: Any) -> bytes:
    """As UTF-8: nothing but what JSON demands is escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def counted(answer: Answer, names: Mapping[str, str]) -> JSON:
    """The told usage under the dialect's names."""
    told = answer.usage or {}
    return {name: told[ours] for ours, name in names.items() if ours in told}


def call_index(answer: Answer, index: int) -> int:
    """Of a call among the calls, where the dialect counts these apart."""
    return sum(part.kind == "call" for part in answer.parts[:index])


def total(answer: Answer) -> Any:
    """The sum, where there is one."""
    counts = [count for count in (answer.usage or {}).values() if type(count) is int]
    return sum(counts)
