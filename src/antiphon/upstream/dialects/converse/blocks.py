"""The blocks of an answer: one small object per open block.

    take     a delta of it
    end      what is known only when it is whole

Only calls, server tools and images have a start; what a block of text or thoughts is shows in its first
delta (B2). A whole answer's block is taken apart into the start and the deltas that it would have been.

    text             text; its citations come before it, or alone after it (B8)
    reasoning        text, signature, redacted content (B9)
    toolUse          a call: id and name at the start, then pieces of JSON text
    toolUse, toolResult of a server tool     see `hosted`
    image            an image that the model made

The calls of the tool `antiphon_answer` are the answer itself (see `encode`) and are given out as text.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from typing import Any

from antiphon.core import deltas as d
from antiphon.protocol.errors import ProtocolViolation
from antiphon.protocol.json import JSON, encode
from antiphon.upstream.dialects.converse.citations import annotation_of
from antiphon.upstream.dialects.converse.hosted import ServerTools
from antiphon.upstream.dialects.converse.messages import SEALED, SEALED_REDACTED


class Block:
    """A block of a kind that we have not met: nothing comes of it."""

    __slots__ = ("part",)

    def __init__(self, part: str) -> None:
        self.part = part

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        return ()

    def end(self) -> Iterable[d.Delta]:
        return (d.End(self.part),)


class Text(Block):
    """Text. Citations wait for the end: only then is it known whether the block has a text that they cover.

    If it has none, they cover the text block before it, `before`.
    """

    __slots__ = ("_before", "_citations", "spoken")

    def __init__(self, part: str, before: str) -> None:
        super().__init__(part)
        self._before = before
        self._citations: list[JSON] = []
        self.spoken = False

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        text = delta.get("text")
        if isinstance(text, str) and text:
            self.spoken = True
            return (d.Text(self.part, text),)
        annotation = annotation_of(delta.get("citation"))
        if annotation is not None:
            self._citations.append(annotation)
        return ()

    def end(self) -> Iterator[d.Delta]:
        covered = self.part if self.spoken else self._before
        for annotation in self._citations:
            yield d.Citation(covered, annotation)
        yield d.End(self.part)


class Thoughts(Block):
    """Thoughts and their signature, or thoughts that came sealed. Both may come in pieces."""

    __slots__ = ("_redacted", "_signature")

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self._signature = ""
        self._redacted = ""

    def take(self, delta: JSON) -> Iterator[d.Delta]:
        said = delta.get("reasoningContent")
        if not isinstance(said, dict):
            return
        if text := _text(said, "text"):
            yield d.Reasoning(self.part, text)
        if signature := _text(said, "signature"):
            self._signature += signature
            yield d.Sealed(self.part, SEALED + self._signature)
        if redacted := _text(said, "redactedContent"):
            self._redacted = _joined(self._redacted, redacted)
            yield d.Sealed(self.part, SEALED_REDACTED + self._redacted)


class Call(Block):
    """A call of one of the request's tools."""

    __slots__ = ()

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        json = _input(delta)
        return (d.Arguments(self.part, json),) if json else ()


class Answer(Block):
    """A call that is the answer: its arguments are the text."""

    __slots__ = ()

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        json = _input(delta)
        return (d.Text(self.part, json),) if json else ()


class ServerUse(Block):
    """The model uses a tool of the provider's."""

    __slots__ = ("_asked", "_tools", "_use")

    def __init__(self, part: str, use: JSON, tools: ServerTools) -> None:
        super().__init__(part)
        self._use = use
        self._tools = tools
        self._asked: list[str] = []

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        self._asked.append(_input(delta))
        return ()

    def end(self) -> Iterable[d.Delta]:
        self._tools.wait(self.part, self._use, "".join(self._asked))
        return ()


class ServerResult(Block):
    """The result of a use."""

    __slots__ = ("_content", "_result", "_tools")

    def __init__(self, part: str, result: JSON, tools: ServerTools) -> None:
        super().__init__(part)
        self._result = result
        self._tools = tools
        self._content: list[Any] = []

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        said = delta.get("toolResult")
        self._content.extend(said if isinstance(said, list) else ())
        return ()

    def end(self) -> Iterable[d.Delta]:
        return self._tools.resolve(self.part, {**self._result, "content": self._content})


class Image(Block):
    """An image that the model made. It may come in pieces."""

    __slots__ = ("_bytes", "_format")

    def __init__(self, part: str, format: str) -> None:
        super().__init__(part)
        self._format = format
        self._bytes = ""

    def take(self, delta: JSON) -> Iterable[d.Delta]:
        said = delta.get("image")
        source = said.get("source") if isinstance(said, dict) else None
        self._bytes = _joined(self._bytes, _text(source, "bytes") if isinstance(source, dict) else "")
        return ()

    def end(self) -> Iterator[d.Delta]:
        item: JSON = {"type": "image_generation_call", "status": "completed", "result": self._bytes}
        if self._format:
            item["output_format"] = self._format
        if self._bytes:
            yield d.Hosted(self.part, item)


def taken_apart(block: JSON) -> tuple[JSON, list[JSON]]:
    """The start and the deltas that a whole block would have been in a stream."""
    for kind, said in block.items():
        if not isinstance(said, dict):
            continue
        match kind:
            case "toolUse":
                return {kind: said}, [{kind: {"input": encode(said.get("input") or {}).decode()}}]
            case "toolResult":
                return {kind: said}, [{kind: said.get("content")}]
            case "image":
                return {kind: said}, [block]
            case "reasoningContent":
                return {}, [{kind: said.get("reasoningText") or said}]
            case "citationsContent":
                cited = [{"citation": citation} for citation in _list(said.get("citations"))]
                return {}, [*cited, *(part for part in _list(said.get("content")) if isinstance(part, dict))]
    return {}, [block] if "text" in block else []


def _input(delta: JSON) -> str:
    use = delta.get("toolUse")
    return _text(use, "input") if isinstance(use, dict) else ""


def _joined(before: str, more: str) -> str:
    """Two pieces of base64 as one. A single piece stays as it came."""
    if not before or not more:
        return before or more
    try:
        return b64encode(b64decode(before) + b64decode(more)).decode()
    except (binascii.Error, ValueError):
        raise ProtocolViolation("The provider sent bytes that are not base64.") from None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: JSON, field: str) -> str:
    text = value.get(field)
    return text if isinstance(text, str) else ""
