"""Tokens counted offline, with OpenAI's o200k_base vocabulary.

For providers that cannot count themselves, for budgets, and for truncation. Text is counted exactly as
OpenAI's models from GPT-4o on count it; a whole turn is an estimate, because how a provider writes
messages, tools and images into its prompt is its own affair:

    message, call, output      its text + 4          (the marks around it)
    instructions               as a message
    function, custom tool      its name and description + 7; all tools together + 12
    a property of a schema     its name, type, description and enum + 3
    any other tool             its definition as compact JSON
    `json_schema`              the schema as compact JSON
    image                      85 at `detail: low`, else 765: what OpenAI documents for 1024 × 1024
    file                       its text when it is text, else 1,500: about two pages of a PDF
    the answer's beginning     3

Against OpenAI's own `usage.input_tokens`, text comes out within 2 tokens and function tools within about
a fifth. Tools that OpenAI runs itself bring prompts of their own, which nobody outside can count.

The vocabulary, `o200k_base.tiktoken.gz`, lies beside this module and is never downloaded. It is the file
shipped in the package bpe-openai 0.1.4 (MIT); unpacked, its SHA-256 is the one that tiktoken (MIT) expects
of OpenAI's own publication. The pattern that cuts text into words belongs to the encoding and is
tiktoken's. See NOTICE for the licences.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import unquote

import tiktoken

from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON

PER_MESSAGE = 4
PER_TOOL, TOOLS_END, PER_PROPERTY = 7, 12, 3
ANSWER_BEGINS = 3
IMAGE_LOW, IMAGE_HIGH = 85, 765
FILE = 1_500

_WORDS = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)

# Fields of items that hold what the model reads. Everything else (ids, status, …) is not sent to it.
_READ = ("name", "namespace", "arguments", "input", "output", "content", "summary", "text", "refusal")

_INNER_SCHEMAS = ("items", "prefixItems", "additionalProperties", "anyOf", "oneOf", "allOf")


@cache
def load() -> tiktoken.Encoding:
    """The encoding. The first call takes about 0.3 s and 48 MB: make it in a thread where that hurts."""
    packed = resources.files("antiphon.upstream").joinpath("o200k_base.tiktoken.gz")
    ranks: dict[bytes, int] = {}
    with packed.open("rb") as file, gzip.open(file) as lines:
        for line in lines:
            token, _, rank = line.partition(b" ")
            ranks[binascii.a2b_base64(token)] = int(rank)
    encoding = tiktoken.Encoding("o200k_base", pat_str=_WORDS, mergeable_ranks=ranks, special_tokens={})
    ranks.clear()  # the encoding counts with a copy of its own, and would keep these 24 MB for pickling alone
    return encoding


def count_text(text: str) -> int:
    """Tokens of `text`; marks such as `<|endoftext|>` are text like any other. Linear in its length."""
    return len(load().encode_ordinary(text))


def count_turn(turn: Turn) -> int:
    """An estimate of the input tokens of a turn; the module says how it is made."""
    total = ANSWER_BEGINS
    if turn.instructions:
        total += count_text(turn.instructions) + PER_MESSAGE
    for item in turn.items:
        total += PER_MESSAGE + sum(_count_content(item[name]) for name in _READ if name in item)
    if turn.tools:
        total += TOOLS_END + sum(_count_tool(tool) for tool in turn.tools)
    answer_format = (turn.text or {}).get("format") or {}
    if "schema" in answer_format:
        total += count_text(_compact(answer_format["schema"]))
    return total


def _count_tool(tool: JSON) -> int:
    if tool.get("type") not in ("function", "custom", "namespace"):
        return count_text(_compact(tool))
    own = PER_TOOL + _count_words(tool, "name", "description") + _count_schema(tool.get("parameters"))
    return own + sum(_count_tool(child) for child in tool.get("tools") or ())


def _count_schema(schema: Any) -> int:
    """Providers write schemas much shorter than JSON: names, types and descriptions are what costs."""
    total, waiting = 0, [schema]
    while waiting:
        match waiting.pop():
            case dict() as node:
                total += _count_words(node, "type", "description", "const", "enum")
                properties = node.get("properties")
                if isinstance(properties, dict):
                    total += sum(PER_PROPERTY + count_text(name) for name in properties)
                    waiting.extend(properties.values())
                waiting.extend(value for key, value in node.items() if key in _INNER_SCHEMAS)
                waiting.extend(child for key in ("$defs", "definitions") for child in _values(node.get(key)))
            case list() as nodes:
                waiting.extend(nodes)
            case _:
                pass
    return total


def _values(mapping: Any) -> list[Any]:
    return list(mapping.values()) if isinstance(mapping, dict) else []


def _count_words(mapping: JSON, *names: str) -> int:
    return sum(_count_content(mapping[name]) for name in names if name in mapping)


def _count_content(content: Any) -> int:
    match content:
        case str():
            return count_text(content)
        case list():
            return sum(_count_part(part) for part in content)
        case None:
            return 0
        case _:
            return count_text(_compact(content))


def _count_part(part: Any) -> int:
    match part:
        case {"type": "input_image" | "computer_screenshot"}:
            return IMAGE_LOW if part.get("detail") == "low" else IMAGE_HIGH
        case {"type": "input_file"}:
            return _count_file(part)
        case {"text": str(text)} | {"refusal": str(text)}:
            return count_text(text)
        case _:
            return count_text(_compact(part))


def _count_file(part: JSON) -> int:
    head, comma, data = str(part.get("file_data") or "").partition(",")
    if not comma or not head.startswith(("data:text/", "data:application/json")):
        return FILE
    if not head.endswith(";base64"):
        return count_text(unquote(data))
    try:
        return count_text(base64.b64decode(data).decode("utf-8", "replace"))
    except binascii.Error:
        return FILE


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
