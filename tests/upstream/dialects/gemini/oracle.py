"""What a recorded answer says, read without the dialect.

Deliberately naive: it takes the raw text apart, puts the parts of all chunks in one row, and adds up by
Google's own arithmetic.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from tests.recordings import Recording


class Said(NamedTuple):
    """Everything that must not be lost."""

    text: str
    thoughts: str
    calls: list[tuple[str, Any, str]]  # name, arguments, id
    signatures: list[str]
    images: list[str]  # base64
    code: list[str]
    cited: list[tuple[str, str]]  # the cited text, and the source
    queries: list[str]  # of web searches
    usage: tuple[int, int, int, int]  # input with what tools brought, output with thoughts, cached, thoughts
    logprobs: int
    refused: str
    stop: str


STOPS = {"STOP": "stop", 1: "stop", "MAX_TOKENS": "length", "MODEL_ARMOR": "content_filter"}
"""The reasons that occur in the recordings."""


def chunks(recording: Recording) -> list[dict[str, Any]]:
    if recording.kind == "json":
        body = recording.exchange["response"]["body"]
        return body if isinstance(body, list) else [body]
    lines = re.split(r"\r?\n", recording.exchange["response"]["sse"])
    return [json.loads(line[5:]) for line in lines if line.startswith("data:")]


def read(recording: Recording) -> Said:
    answer = chunks(recording)
    candidates = [each["candidates"][0] for each in answer if each.get("candidates")]
    parts = [part for each in candidates for part in each.get("content", {}).get("parts", [])]
    said = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
    made = [part["functionCall"] for part in parts if "functionCall" in part]
    usage: dict[str, Any] = {}
    for each in answer:
        usage |= each.get("usageMetadata", {})
    thoughts = usage.get("thoughtsTokenCount", 0)
    metadata = next((each["groundingMetadata"] for each in candidates if "groundingMetadata" in each), {})
    stop = STOPS[candidates[-1]["finishReason"]]
    return Said(
        text=said,
        thoughts="".join(part["text"] for part in parts if part.get("thought")),
        calls=[(call["name"], call.get("args", {}), call.get("id", "")) for call in made],
        signatures=[part["thoughtSignature"] for part in parts if "thoughtSignature" in part],
        images=[part["inlineData"]["data"] for part in parts if "inlineData" in part],
        code=[part["executableCode"]["code"] for part in parts if "executableCode" in part],
        cited=sorted(_cited(metadata, said, exact=recording.exchange["fidelity"] == "wire")),
        queries=metadata.get("webSearchQueries", []),
        usage=(
            usage.get("promptTokenCount", 0) + usage.get("toolUsePromptTokenCount", 0),
            usage.get("candidatesTokenCount", 0) + thoughts,
            usage.get("cachedContentTokenCount", 0),
            thoughts,
        ),
        logprobs=sum(len(each.get("logprobsResult", {}).get("chosenCandidates", [])) for each in candidates),
        refused=candidates[-1].get("finishMessage", "") if stop == "content_filter" else "",
        stop="tool_calls" if made and stop == "stop" else stop,
    )


def _cited(metadata: dict[str, Any], said: str, exact: bool) -> list[tuple[str, str]]:
    """The segments, cut out of the text as bytes; Google sends their text, too, to compare.

    Recordings whose text was normalised (quotes, dashes) after they were made have other bytes by now.
    """
    found = []
    for support in metadata.get("groundingSupports", []):
        segment = support["segment"]
        cut = said.encode()[segment.get("startIndex", 0) : segment["endIndex"]].decode()
        assert cut == segment["text"] or not exact
        cut = segment["text"]
        assert cut in said
        for index in support["groundingChunkIndices"]:
            source = metadata["groundingChunks"][index]
            kind = next(iter(source.values()))
            found.append((cut, kind.get("uri") or kind["fileSearchStore"]))
    return found
