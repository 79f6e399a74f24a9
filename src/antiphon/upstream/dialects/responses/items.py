"""Items, as an upstream that speaks Responses takes them back.

    messages, calls, outputs    without id and status: the ids are ours, and nobody needs either
    hosted calls, unknown ones  as they are, null or not: their schemas demand an id and a status
    reasoning                   to whom sealed it, byte for byte; to others only raw, where it is taken
    content parts               without log probabilities; cache marks where they are understood; citations as
                                OpenAI has them; sound and files that a model answered with are left out

Thoughts go back without an id. What OpenAI seals is bound to the id that it gave, and is refused with
another (`invalid_encrypted_content`); without any there is nothing to compare. Thoughts of which nothing
came, because the limit of the output cut them, are left out: OpenAI refuses them, too ("provided without its
required following item").

Who sealed a thought stands before the blob, up to a colon: a dialect (`anthropic:`) or an upstream of this
one (`openai:`). A blob without a colon is as the provider made it (they are base64): that of a compaction, or
one from our own store that a client brought before there were envelopes. It is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON

if TYPE_CHECKING:
    from antiphon.upstream.dialects.responses import Responses

# Items that the API takes without id and status.
_PLAIN = frozenset(
    {
        "message",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "tool_search_call",
        "tool_search_output",
        "computer_call_output",
        "shell_call",
        "shell_call_output",
        "apply_patch_call",
        "apply_patch_call_output",
        "mcp_approval_response",
        "compaction",
    }
)
# Those of them whose status says what came of it.
_TELLING_STATUS = frozenset({"apply_patch_call", "apply_patch_call_output"})
_OURS = ("id", "status")
# Parts that models of other providers answered with, and OpenAI's schema refuses.
_ANSWERED = frozenset({"output_audio", "output_file"})
# What annotations have, all of it demanded; any other field is refused.
_ANNOTATIONS = {
    "url_citation": {"type", "url", "title", "start_index", "end_index"},
    "file_citation": {"type", "file_id", "filename", "index"},
    "container_file_citation": {"type", "container_id", "file_id", "filename", "start_index", "end_index"},
    "file_path": {"type", "file_id", "index"},
}
_LONGEST_NAME = 64  # characters; OpenAI refuses longer ones, and all but letters, digits, _ and -
_BAD_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_FITTING_NAME = re.compile(rf"[a-zA-Z0-9_-]{{1,{_LONGEST_NAME}}}")
_LONGEST_CALL_ID = 64  # characters; OpenAI's schema of function_call_output
_MARKABLE = frozenset({"input_text", "input_image", "input_file"})
_VERSION = re.compile(r"gpt-(\d{1,2})(?:\.(\d{1,2}))?(?!\d)")
CACHES_BY_ITSELF = "this provider caches prompts by itself"


def input_from(turn: Turn, dialect: Responses, adapted: Adaptations) -> list[JSON]:
    """The turn's items; `adapted` get what had to be left out of them."""
    fruitless = _fruitless(turn.items)
    said: list[JSON] = []
    for at, item in enumerate(turn.items):
        if at in fruitless:
            adapted.dropped(f"input[{at}]", "nothing came of these thoughts, so they are not said")
        elif (told := _item(item, f"input[{at}]", turn, dialect, adapted)) is not None:
            said.append(told)
    return said


def _fruitless(items: list[JSON]) -> set[int]:
    """The indexes of thoughts after which somebody else speaks."""
    found: set[int] = set()
    others = False  # whether what follows is not the model's
    for at, item in reversed(list(enumerate(items))):
        if item["type"] != "reasoning":
            others = item.get("role", "assistant") != "assistant" or item["type"].endswith("_output")
        elif others:
            found.add(at)
    return found


def _item(item: JSON, where: str, turn: Turn, dialect: Responses, adapted: Adaptations) -> JSON | None:
    kind = item["type"]
    if kind == "reasoning":
        return _reasoning(item, where, dialect, adapted)
    if kind in _PLAIN:
        said = dict(_without(item, *_OURS))
        if kind in _TELLING_STATUS:
            said["status"] = item.get("status") or "completed"
    else:
        said = {name: value for name, value in item.items() if value is not None or name not in _OURS}
    breaks = dialect.cache_breakpoints and _takes_breakpoints(turn.model)
    for name in ("content", "output"):
        if isinstance(parts := said.get(name), list):
            told = (
                _part(part, f"{where}.{name}[{index}]", breaks, dialect, adapted)
                for index, part in enumerate(parts)
            )
            said[name] = [part for part in told if part is not None]
    if kind == "message" and item.get("content") and not said["content"]:
        return None
    if kind == "function_call":
        said["name"] = _name(said.get("name"), turn)
    call_id = said.get("call_id")
    if dialect.call_ids == "short" and isinstance(call_id, str) and len(call_id) > _LONGEST_CALL_ID:
        said["call_id"] = f"call_{sha256(call_id.encode('utf-8', 'replace')).hexdigest()[:32]}"
    if kind == "local_shell_call_output" and "call_id" in said:
        said["id"] = said["call_id"]  # which is how OpenAI's schema joins it to its call
    return said


def _reasoning(item: JSON, where: str, dialect: Responses, adapted: Adaptations) -> JSON | None:
    said = {"type": "reasoning", "summary": [], **dict(_without(item, *_OURS))}
    blob, own = said.pop("encrypted_content", ""), f"{dialect.seal}:"
    if blob and (":" not in blob or blob.startswith(own)):
        return {**said, "encrypted_content": blob.removeprefix(own)}
    if dialect.raw_reasoning and not blob and said.get("content"):
        return said
    adapted.dropped(where, "these thoughts cannot go back to this model")
    return None


def _name(name: Any, turn: Turn) -> Any:
    """Models make names up, and other providers let them: one that is not offered is made fit."""
    if not isinstance(name, str) or _FITTING_NAME.fullmatch(name):
        return name
    if any(tool.get("name") == name for tool in turn.tools):
        return name
    return _BAD_IN_NAMES.sub("_", name)[:_LONGEST_NAME]


def _part(part: Any, where: str, breaks: bool, dialect: Responses, adapted: Adaptations) -> Any:
    """`breaks`: this model knows breakpoints of the cache. None: it cannot be said."""
    if not isinstance(part, dict):
        return part
    if part.get("type") in _ANSWERED:
        adapted.dropped(where, "what the model itself said can only be text here")
        return None
    left_out = ["logprobs"] if part.get("type") == "output_text" else []
    marked = part.get("cache_control") is not None and not dialect.cache_control
    if marked:
        left_out.append("cache_control")
    said = dict(_without(part, *left_out))
    if marked:
        _mark(said, where, breaks, adapted)
    if part.get("type") == "output_text":
        given = said.get("annotations")
        found = map(_annotation, given if isinstance(given, list) else ())
        said["annotations"] = [annotation for annotation in found if annotation is not None]
    return said


def _mark(said: JSON, where: str, breaks: bool, adapted: Adaptations) -> None:
    """`cache_control`, in OpenAI's own words where the model and the part have them."""
    if breaks and said.get("type") in _MARKABLE:
        said.setdefault("prompt_cache_breakpoint", {"mode": "explicit"})
        adapted.translated(f"{where}.cache_control", "said as prompt_cache_breakpoint")
    else:
        adapted.dropped(f"{where}.cache_control", CACHES_BY_ITSELF)


def _takes_breakpoints(model: str) -> bool:
    """https://developers.openai.com/api/docs/guides/prompt-caching: from gpt-5.6 on."""
    found = _VERSION.match(model)
    return found is not None and (int(found[1]), int(found[2] or 0)) >= (5, 6)


def _annotation(annotation: Any) -> Any:
    """As OpenAI knows it: those of other providers have more fields, or fewer; None for the latter."""
    fields = _ANNOTATIONS.get(str(annotation.get("type"))) if isinstance(annotation, dict) else None
    if fields is None:
        return annotation
    known = {name: value for name, value in annotation.items() if name in fields}
    return known if len(known) == len(fields) else None


def _without(value: JSON, *names: str) -> Iterator[tuple[str, Any]]:
    """The fields that say something, but for these."""
    return ((name, field) for name, field in value.items() if field is not None and name not in names)
