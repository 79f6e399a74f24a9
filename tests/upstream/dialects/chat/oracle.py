"""What a recorded chat answer says, read without any code of the dialect.

Deliberately naive: it knows the recordings, not the protocol. In all of them indexes are right and calls
do not interleave (R29), so that pieces of calls are simply put together by their index.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.recordings import Recording
from tests.upstream.dialects.recorded import sent


@dataclass
class Said:
    """An answer, put together. `usage`: input, output, cached, cache-write, reasoning."""

    text: str = ""
    refusal: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)  # name, id, arguments
    usage: tuple[int, int, int, int, int] | None = None
    logprobs: int = 0
    urls: list[str] = field(default_factory=list)


def read(recording: Recording) -> Said:
    said = Said()
    calls: dict[Any, dict[str, str]] = defaultdict(lambda: {"name": "", "id": "", "arguments": ""})
    for chunk in sent(recording):
        usage = chunk.get("usage") or chunk.get("x_groq", {}).get("usage")
        said.usage = _usage(usage) if usage else said.usage
        said.urls = chunk.get("citations") or said.urls
        for choice in chunk.get("choices", []):
            message = choice.get("delta") or choice.get("message") or {}
            if choice.get("index") == 0:
                _read_message(said, message, calls)
                if (choice.get("logprobs") or {}).get("content") and message.get("content"):
                    tokens = [entry["token"] for entry in choice["logprobs"]["content"]]
                    thought = "<think>" in tokens and "<think>" not in message["content"]  # C28
                    said.logprobs += sum(not thought or token in message["content"] for token in tokens)
    said.calls = [(call["name"], call["id"], call["arguments"]) for call in calls.values()]
    return said


def details(recording: Recording) -> list[dict[str, Any]]:
    """All reasoning details of the first candidate, in pieces as they came."""
    messages = [
        choice.get("delta") or choice.get("message") or {}
        for chunk in sent(recording)
        for choice in chunk.get("choices", [])
        if choice.get("index") == 0
    ]
    return [detail for message in messages for detail in message.get("reasoning_details") or []]


def joined(pieces: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Details by type and index: texts one after the other, of anything else what was said last."""
    found: dict[Any, dict[str, Any]] = defaultdict(dict)
    for piece in pieces:
        detail = found[piece["type"], piece.get("index")]
        for name, value in piece.items():
            grown = name in ("text", "summary", "data") and isinstance(detail.get(name), str) and value
            detail[name] = detail[name] + value if grown else value if value is not None else detail.get(name)
    return dict(found)


def _read_message(said: Said, message: dict[str, Any], calls: dict[Any, dict[str, str]]) -> None:
    content = message.get("content") or ""
    if isinstance(content, str):
        said.text += content
    else:
        said.text += "".join(part.get("text", "") for part in content)
        said.reasoning += "".join(
            inner["text"] for part in content for inner in part.get("thinking", []) if inner["type"] == "text"
        )
    said.text += (message.get("audio") or {}).get("transcript") or ""
    said.refusal += message.get("refusal") or ""
    details = message.get("reasoning_details") or []
    said.reasoning += (
        message.get("reasoning_content")
        or message.get("reasoning")
        or "".join(detail.get("text") or detail.get("summary") or "" for detail in details)
    )
    said.urls += [note["url_citation"]["url"] for note in message.get("annotations") or []]
    for position, piece in enumerate(message.get("tool_calls") or []):
        call = calls[piece.get("index", position)]
        call["id"] = call["id"] or piece.get("id") or ""
        call["name"] = call["name"] or piece["function"].get("name") or ""
        call["arguments"] += piece["function"].get("arguments") or ""
    if (message.get("function_call") or {}).get("name"):
        calls["legacy"].update(message["function_call"])


def _usage(counts: dict[str, Any]) -> tuple[int, int, int, int, int]:
    prompt, completion = counts.get("prompt_tokens", 0), counts.get("completion_tokens", 0)
    details = counts.get("prompt_tokens_details") or {}
    reasoning = (counts.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    if "cost_in_usd_ticks" in counts and counts["total_tokens"] != prompt + completion:
        completion += reasoning  # C42: xAI, which alone counts ticks
    if (
        details.get("audio_tokens")
        and counts["total_tokens"] == prompt + completion + details["audio_tokens"]
    ):
        prompt += details["audio_tokens"]
    if counts.keys() == {"prompt_tokens", "completion_tokens", "total_tokens"}:
        reasoning = counts["total_tokens"] - prompt - completion  # C23: Gemini, which alone leaves it out
        completion += reasoning
    cached = details.get("cached_tokens") or counts.get("prompt_cache_hit_tokens") or 0
    written = details.get("cache_write_tokens") or counts.get("cache_creation_input_tokens") or 0
    return prompt, completion, cached, written, min(reasoning, completion)
