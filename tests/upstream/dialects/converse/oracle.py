"""What a recorded answer says, read without the dialect and without our reader of the framing.

Streams are cut by botocore and their blocks put together in the simplest way; then stream and whole answer
are the same object: Converse's. What was said is read out of that.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from botocore.eventstream import EventStreamBuffer


class Said(NamedTuple):
    """Everything that must not be lost, in the order in which it was said."""

    text: list[str]  # of each block that has some
    thoughts: list[str]
    seals: list[str]  # signatures and redacted content, prefixed
    calls: list[tuple[str, str, Any]]  # id, name, arguments
    citations: list[tuple[str, str]]  # URL or title of the document, the cited text
    hosted: list[tuple[str, str]]  # uses of the provider's own tools: type, query
    usage: tuple[int, int, int, int]  # input with cached, output, cached, written
    tier: str
    stop: str


def message_of(kind: str, wire: bytes) -> dict[str, Any]:
    """Converse's answer; a stream is put together."""
    if kind == "json":
        return json.loads(wire)
    buffer = EventStreamBuffer()
    buffer.add_data(wire)
    blocks: dict[int, dict[str, Any]] = {}
    answer: dict[str, Any] = {}
    for event in buffer:
        said = json.loads(event.payload)
        match event.headers[":event-type"]:
            case "contentBlockStart":
                blocks[said["contentBlockIndex"]] = said["start"]
            case "contentBlockDelta":
                _grow(blocks.setdefault(said["contentBlockIndex"], {}), said["delta"])
            case "messageStop" | "metadata":
                answer |= said
    content = [_closed(block) for _, block in sorted(blocks.items())]
    return {**answer, "output": {"message": {"content": content}}}


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    ((kind, said),) = delta.items()
    match kind:
        case "text":
            block["text"] = block.get("text", "") + said
        case "citation":
            block.setdefault("citations", []).append(said)
        case "toolUse":
            block["toolUse"]["json"] = block["toolUse"].get("json", "") + said["input"]
        case "toolResult":
            block["toolResult"].setdefault("content", []).extend(said)
        case "reasoningContent":
            for field, text in said.items():
                block.setdefault("reasoning", {}).setdefault(field, "")
                block["reasoning"][field] += text
        case _:
            raise AssertionError(f"a delta that the oracle has not met: {kind}")


def _closed(block: dict[str, Any]) -> dict[str, Any]:
    if use := block.get("toolUse"):
        use["input"] = json.loads(use.pop("json", "") or "{}")
    if said := block.pop("reasoning", None):
        redacted = "redactedContent" in said
        block["reasoningContent"] = said if redacted else {"reasoningText": said}
    if "citations" in block:
        text = [{"text": block["text"]}] if "text" in block else []
        return {"citationsContent": {"content": text, "citations": block["citations"]}}
    return block


def said(answer: dict[str, Any]) -> Said:
    content = answer["output"]["message"]["content"]
    usage = answer["usage"]
    cited = [block["citationsContent"] for block in content if "citationsContent" in block]
    uses = [block["toolUse"] for block in content if "toolUse" in block]
    reasoning = [block["reasoningContent"] for block in content if "reasoningContent" in block]
    cached, written = usage.get("cacheReadInputTokens", 0), usage.get("cacheWriteInputTokens", 0)
    return Said(
        text=[text for block in content if (text := _text(block))],
        thoughts=[one["reasoningText"]["text"] for one in reasoning if "reasoningText" in one],
        seals=[
            f"converse-redacted:{one['redactedContent']}"
            if "redactedContent" in one
            else f"converse:{one['reasoningText']['signature']}"
            for one in reasoning
        ],
        calls=[
            (use["toolUseId"], use["name"], use["input"])
            for use in uses
            if use.get("type") != "server_tool_use"
        ],
        citations=[_cited(citation) for one in cited for citation in one["citations"]],
        hosted=[
            ("web_search_call", use["input"]["query"]) for use in uses if use.get("type") == "server_tool_use"
        ],
        usage=(usage["inputTokens"] + cached + written, usage["outputTokens"], cached, written),
        tier=answer.get("serviceTier", {}).get("type", ""),
        stop=answer["stopReason"],
    )


def _text(block: dict[str, Any]) -> str:
    cited = block.get("citationsContent", {}).get("content", [])
    return block.get("text", "") + "".join(part["text"] for part in cited)


def _cited(citation: dict[str, Any]) -> tuple[str, str]:
    ((_, place),) = citation["location"].items()
    source = "".join(part["text"] for part in citation.get("sourceContent", []))
    return place.get("url") or citation["title"], source
