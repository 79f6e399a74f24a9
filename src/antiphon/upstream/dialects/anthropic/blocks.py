"""The blocks of an answer: one small object per open block.

    start    what the block brings with it (in a whole answer: everything)
    take     a delta of it
    end      what is known only when it is whole

Deltas of types we have not met say nothing; of blocks it is said that they were left out. The calls of the
tool `antiphon_answer` are the answer itself (see `encode`) and are given out as text. A compaction becomes an
item that only this dialect reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from antiphon.core import deltas as d
from antiphon.protocol.json import JSON, MalformedJSON, decode_leniently, encode
from antiphon.upstream.dialects.anthropic.citations import annotation_of
from antiphon.upstream.dialects.anthropic.hosted import (
    NO_ITEM,
    RESULT_OF,
    SEALED_BLOCKS,
    USES,
    StreamedField,
    begun,
    hosted_item,
    listing,
    sealed_blocks,
)
from antiphon.upstream.dialects.anthropic.messages import SEALED, SEALED_REDACTED
from antiphon.upstream.dialects.anthropic.tools import ANSWER_TOOL

_LONGEST_NAME = 64  # characters of a name of Anthropic's that are passed on


class Block:
    """A block of which nothing comes."""

    __slots__ = ("part",)

    def __init__(self, part: str) -> None:
        self.part = part

    def start(self, content: JSON) -> Iterable[d.Delta]:
        return ()

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        return ()

    def end(self) -> Iterable[d.Delta]:
        return ()


class Unknown(Block):
    """A block of a type that we have not met."""

    __slots__ = ()

    def start(self, content: JSON) -> Iterable[d.Delta]:
        kind = _text(content, "type")[:_LONGEST_NAME]
        return (d.Untold(f"a block of a kind that is not known here: {kind}", "dropped"),)


class Text(Block):
    """Text; its citations come before it (A9)."""

    __slots__ = ()

    def start(self, content: JSON) -> Iterator[d.Delta]:
        citations = content.get("citations")
        for citation in citations if isinstance(citations, list) else ():
            yield from self._cite(citation)
        if text := _text(content, "text"):
            yield d.Text(self.part, text)

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        kind = delta.get("type")
        if kind == "text_delta":
            text = _text(delta, "text")
            return (d.Text(self.part, text),) if text else ()
        return self._cite(delta.get("citation")) if kind == "citations_delta" else ()

    def end(self) -> Iterable[d.Delta]:
        return (d.End(self.part),)

    def _cite(self, citation: Any) -> Iterable[d.Delta]:
        annotation = annotation_of(citation)
        return () if annotation is None else (d.Citation(self.part, annotation),)


class Thoughts(Block):
    """Thoughts and their signature. Both are needed to send them back."""

    __slots__ = ()

    def start(self, content: JSON) -> Iterator[d.Delta]:
        if text := _text(content, "thinking"):
            yield d.Reasoning(self.part, text)
        if signature := _text(content, "signature"):
            yield d.Sealed(self.part, SEALED + signature)

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        return self.start(delta) if delta.get("type") in ("thinking_delta", "signature_delta") else ()

    def end(self) -> Iterable[d.Delta]:
        return (d.End(self.part),)


class RedactedThoughts(Block):
    """Thoughts that came sealed, whole, and without a word (A7)."""

    __slots__ = ()

    def start(self, content: JSON) -> Iterable[d.Delta]:
        data = _text(content, "data")
        return (d.Sealed(self.part, SEALED_REDACTED + data),) if data else ()


class Call(Block):
    """A call of one of the request's tools. Its arguments are "" when there are none (A2)."""

    __slots__ = ()

    def start(self, content: JSON) -> Iterator[d.Delta]:
        toolset = _text(content, "toolset_name") or None
        yield d.Call(self.part, _text(content, "id"), _text(content, "name"), namespace=toolset)
        if asked := content.get("input"):
            yield d.Arguments(self.part, encode(asked).decode())

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        json = _partial_json(delta)
        return (d.Arguments(self.part, json),) if json else ()

    def end(self) -> Iterable[d.Delta]:
        return (d.End(self.part),)


class Answer(Block):
    """A call that is the answer: its arguments are the text."""

    __slots__ = ()

    def start(self, content: JSON) -> Iterable[d.Delta]:
        asked = content.get("input")
        return (d.Text(self.part, encode(asked).decode()),) if asked else ()

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        json = _partial_json(delta)
        return (d.Text(self.part, json),) if json else ()

    def end(self) -> Iterable[d.Delta]:
        return (d.End(self.part),)


class Compaction(Block):
    """A summary that the provider made of the conversation before (A13)."""

    __slots__ = ("_block",)

    def start(self, content: JSON) -> Iterable[d.Delta]:
        self._block = dict(content)
        return ()

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        if delta.get("type") == "compaction_delta":
            said = {key: value for key, value in delta.items() if value is not None}
            self._block = {**self._block, **said, "type": "compaction"}
        return ()

    def end(self) -> Iterable[d.Delta]:
        blob = SEALED_BLOCKS + encode([self._block]).decode()
        return (d.Hosted(self.part, {"type": "compaction", "encrypted_content": blob}),)


class Listing(Block):
    """The tools of an MCP server, whole when it starts."""

    __slots__ = ()

    def start(self, content: JSON) -> Iterable[d.Delta]:
        return (d.Hosted(self.part, listing(content)),)


class ServerTools:
    """The tools that the provider runs in this answer: uses that wait for their results."""

    __slots__ = ("_container_id", "_waiting")

    def __init__(self) -> None:
        self._container_id = ""
        self._waiting: dict[str, tuple[str, JSON]] = {}

    def enter(self, container: Any) -> None:
        if isinstance(container, dict) and isinstance(container.get("id"), str):
            self._container_id = container["id"]

    def start(self, part: str, use: JSON) -> Iterable[d.Delta]:
        item = hosted_item({**use, "input": {}}, {}, self._container_id)
        if item is None:
            return (d.Untold(NO_ITEM, "dropped"),)
        return (d.HostedStart(part, begun(item), sealed=sealed_blocks(use, {}) is not None),)

    def wait(self, part: str, use: JSON) -> None:
        self._waiting[_text(use, "id")] = (part, use)

    def resolve(self, part: str, result: JSON) -> Iterable[d.Delta]:
        begun_in, use = self._waiting.pop(_text(result, "tool_use_id"), (part, {}))
        return self._say(begun_in, use, result)

    def unfinished(self) -> Iterator[d.Delta]:
        """What still waits when the turn ends; its result comes in another turn, or never."""
        for part, use in self._waiting.values():
            yield from self._say(part, use, {})
        self._waiting.clear()

    def _say(self, part: str, use: JSON, result: JSON) -> Iterator[d.Delta]:
        item = hosted_item(use, result, self._container_id)
        if item is None:
            return
        if blob := sealed_blocks(use, result):
            yield d.Sealed(part, blob)
        yield d.Hosted(part, item)


class ServerUse(Block):
    """The model uses a tool of the provider's; what it asks for comes piece by piece."""

    __slots__ = ("_field", "_pieces", "_tools", "_use")

    def __init__(self, part: str, tools: ServerTools) -> None:
        super().__init__(part)
        self._tools = tools
        self._pieces: list[str] = []

    def start(self, content: JSON) -> Iterator[d.Delta]:
        self._use = content
        self._field = StreamedField(content)
        yield from self._tools.start(self.part, content)
        if asked := content.get("input"):
            yield from self._say(encode(asked).decode())

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        json = _partial_json(delta)
        self._pieces.append(json)
        return self._say(json)

    def end(self) -> Iterator[d.Delta]:
        asked = "".join(self._pieces)
        if asked:
            try:
                self._use = {**self._use, "input": decode_leniently(asked.encode("utf-8", "replace"))}
            except MalformedJSON:
                self._use = {**self._use, "input": {"input": asked}}  # cut: shown as far as it came
        elif not self._use.get("input"):
            yield from self._say("{}")
        self._tools.wait(self.part, self._use)
        yield d.End(self.part)

    def _say(self, json: str) -> Iterator[d.Delta]:
        for text in self._field.said_in(json):
            yield d.Arguments(self.part, text)


class ServerResult(Block):
    """The result of a use, whole when it starts (A5)."""

    __slots__ = ("_tools",)

    def __init__(self, part: str, tools: ServerTools) -> None:
        super().__init__(part)
        self._tools = tools

    def start(self, content: JSON) -> Iterable[d.Delta]:
        return self._tools.resolve(self.part, content)


_BLOCKS: dict[str, type[Block]] = {
    "text": Text,
    "thinking": Thoughts,
    "redacted_thinking": RedactedThoughts,
    "compaction": Compaction,
    "mcp_tool_listing": Listing,
}


def open_block(content: JSON, part: str, tools: ServerTools) -> Block:
    """The object for a block that begins."""
    kind = _text(content, "type")
    if kind == "tool_use":
        return Answer(part) if content.get("name") == ANSWER_TOOL else Call(part)
    if kind in USES:
        return ServerUse(part, tools)
    if kind in RESULT_OF:
        return ServerResult(part, tools)
    return _BLOCKS.get(kind, Unknown)(part)


def _partial_json(delta: JSON) -> str:
    return _text(delta, "partial_json") if delta.get("type") == "input_json_delta" else ""


def _text(value: JSON, field: str) -> str:
    text = value.get(field)
    return text if isinstance(text, str) else ""
