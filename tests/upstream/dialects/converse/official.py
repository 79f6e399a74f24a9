"""Whether AWS would take a request: its own service model, and the rules that only its documents tell.

The model is botocore's: fields, types, bounds, required members, unions. The rest was learned from the API
reference and from 400s: alternation, pairs of calls and results, tools wherever there were calls, names of
documents, words beside documents, no blank text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from antiphon.upstream.base import WireRequest

_DOCUMENT_NAME = re.compile(r"[a-zA-Z0-9\s()\[\]-]+")
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
_OPERATIONS = {"converse": "Converse", "converse-stream": "ConverseStream", "count-tokens": "CountTokens"}


@lru_cache(maxsize=1)
def _service() -> Any:
    return botocore.session.get_session().get_service_model("bedrock-runtime")


def problems(request: WireRequest) -> list[str]:
    """What AWS would refuse in the request; empty if nothing."""
    _, _, model, operation = request.path.split("/")
    shape = _service().operation_model(_OPERATIONS[operation]).input_shape
    report = ParamValidator().validate({"modelId": model, **request.body}, shape)
    found = [report.generate_report()] if report.has_errors() else []
    body = request.body["input"]["converse"] if operation == "count-tokens" else request.body
    return [*found, *_patterns(shape, {"modelId": "m", **request.body}, ""), *_rules(body)]


def _patterns(shape: Any, value: Any, path: str) -> list[str]:
    """Patterns and enumerations, which botocore leaves to the server."""
    if value is None or shape.metadata.get("document"):
        return []
    match shape.type_name:
        case "structure":
            return [
                problem
                for name, inner in value.items()
                if name in shape.members
                for problem in _patterns(shape.members[name], inner, f"{path}.{name}")
            ]
        case "list":
            return [
                p for i, inner in enumerate(value) for p in _patterns(shape.member, inner, f"{path}[{i}]")
            ]
        case "string":
            pattern, allowed = shape.metadata.get("pattern"), shape.enum
            if (allowed and value not in allowed) or (
                pattern and path != ".modelId" and not re.fullmatch(pattern, value)
            ):
                return [f"{path}: {value!r}"]
            limit = shape.metadata.get("max")
            return [f"{path}: too long"] if limit and len(value) > limit else []
        case "float" | "integer":
            low, high = shape.metadata.get("min", value), shape.metadata.get("max", value)
            return [] if low <= value <= high else [f"{path}: {value}"]
        case _:
            return []


def _rules(body: dict[str, Any]) -> list[str]:
    messages = body["messages"]
    roles = [message["role"] for message in messages]
    content = [block for message in messages for block in message["content"]]
    found = []
    if roles != (["user", "assistant"] * len(roles))[: len(roles)] or roles[-1] != "user":
        found.append(f"roles do not alternate from user to user: {roles}")
    if any(not message["content"] or "cachePoint" in message["content"][0] for message in messages):
        found.append("a message is empty, or begins with a cache point")
    if "system" in body and (not body["system"] or "cachePoint" in body["system"][0]):
        found.append("the system prompt is empty, or begins with a cache point")
    if any("text" in block and not block["text"].strip() for block in [*content, *body.get("system", [])]):
        found.append("a text is blank")
    if any("toolUse" in block or "toolResult" in block for block in content) and "toolConfig" not in body:
        found.append("the toolConfig field must be defined when using toolUse and toolResult content blocks")
    points = [block for block in [*content, *body.get("system", [])] if "cachePoint" in block]
    if len(points) > 4:
        found.append("more than four cache points")
    return [*found, *_pairs(messages), *_documents(messages), *_names(body)]


def _pairs(messages: list[dict[str, Any]]) -> list[str]:
    found = []
    seen: set[str] = set()
    owed: list[str] = []
    for message in messages:
        results = [b["toolResult"]["toolUseId"] for b in message["content"] if "toolResult" in b]
        if sorted(results) != sorted(owed):
            found.append(f"results {results} for calls {owed}")
        kinds = [next(iter(b)) for b in message["content"] if "cachePoint" not in b]
        if kinds != sorted(kinds, key=lambda kind: kind != "toolResult"):
            found.append("results do not come first")
        owed = [b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b]
        if seen & set(owed) or len(set(owed)) < len(owed):
            found.append(f"ids come twice: {owed}")
        seen |= set(owed)
    return found + (["calls without results"] if owed else [])


def _documents(messages: list[dict[str, Any]]) -> list[str]:
    found, names = [], []
    for message in messages:
        documents = [b["document"] for b in message["content"] if "document" in b]
        inner = [c for b in message["content"] for c in b.get("toolResult", {}).get("content", ())]
        names += [d["name"] for d in (*documents, *(c["document"] for c in inner if "document" in c))]
        if documents and not any("text" in block for block in message["content"]):
            found.append("a document without words")
        if message["role"] != "user" and any("image" in b or "document" in b for b in message["content"]):
            found.append("only users send images and documents")
    found += [n for n in names if not _DOCUMENT_NAME.fullmatch(n) or re.search(r"\s\s", n) or len(n) > 200]
    return found + (["documents share a name"] if len(set(names)) < len(names) else [])


def _names(body: dict[str, Any]) -> list[str]:
    found = [
        f"{key}: {value}"
        for key, value in body.get("requestMetadata", {}).items()
        if not (key and _METADATA.fullmatch(key) and _METADATA.fullmatch(value))
    ]
    tools = body.get("toolConfig", {}).get("tools", ())
    names = [next(iter(tool.values()))["name"] for tool in tools]
    return found + (["tools share a name"] if len(set(names)) < len(names) else [])
