"""A marked prefix of the prompt, as a `cachedContents` resource (https://ai.google.dev/gemini-api/docs/caching).

Gemini caches by itself, without a promise. A mark that says how long asks for more: what stands before it is
kept for that time, and paid for by the hour. One prefix of a request can be kept: that of the latest mark
which has a time to live and after which something follows. The system instruction, tools and tool choice
belong to it, and must not be in the request that names it. On Vertex AI it stands beside the publisher's
models, in the project.

What stands before a mark is found by encoding the items up to it: if that is no prefix of the contents of the
whole turn (results of one step, say, of which half come before the mark), the mark cannot be met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from antiphon.core.adaptations import Adaptations
from antiphon.core.caching import Mark, mark_of
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON, MalformedJSON, encode
from antiphon.upstream.base import Prefix

_PUBLISHER = "/publishers/google"
_LEAST_BYTES = 4 * 1024  # about 1,024 tokens: no model keeps less, and most want more
_SHORTEST, _LONGEST = 60, 86_400  # seconds
_IN_THE_PREFIX = ("systemInstruction", "tools", "toolConfig")

BY_ITSELF = "this model caches prompts by itself"
UNTIMED = f"{BY_ITSELF}, and keeps a prefix for sure where the mark has a ttl"
_TOO_SHORT = "what stands before it is too short to be kept"
_NOTHING_FOLLOWS = "only a prefix after which something follows is kept"
_ANOTHER = "only one prefix is kept, that of the latest mark"


class Place(NamedTuple):
    """A marked part: the index of its item, the field, its own index."""

    item: int
    field: str
    at: int
    mark: Mark

    @property
    def path(self) -> str:
        return f"input[{self.item}].{self.field}[{self.at}].{self.mark.field}"


def marked_prefix(
    turn: Turn,
    body: JSON,
    contents_of: Callable[[list[JSON]], list[JSON]],
    adapted: Adaptations,
    *,
    kept: bool,
    vertex: bool,
) -> Prefix | None:
    """What is to be kept of this request; every other mark is noted.

    `contents_of`: how items are encoded; `kept`: whether anything is to be kept at all.
    """
    prefix: Prefix | None = None
    notes: list[tuple[str, str]] = []
    for place in reversed(list(_marks(turn))):
        seconds = _seconds(turn, place) if kept else None
        if seconds is None:
            notes.append((place.path, UNTIMED if kept else BY_ITSELF))
        elif prefix is not None:
            notes.append((place.path, _ANOTHER))
        elif (cut := _cut(turn.items, place, body["contents"], contents_of)) is None:
            notes.append((place.path, _NOTHING_FOLLOWS))
        elif (prefix := _prefix(turn.model, body, cut, seconds, place, adapted)) is None:
            notes.append((place.path, _TOO_SHORT))
        elif vertex:
            prefix = replace(prefix, beside=_PUBLISHER)
    for path, why in reversed(notes):
        adapted.dropped(path, why)
    options = turn.prompt_cache_options
    if options is not None and (prefix is None or options.get("mode") != "explicit"):
        adapted.dropped("prompt_cache_options", BY_ITSELF)
    if turn.cache_control is not None:
        adapted.dropped("cache_control", BY_ITSELF)
    return prefix


def _marks(turn: Turn) -> Iterator[Place]:
    for index, item in enumerate(turn.items):
        for field in ("content", "output"):
            parts = item.get(field)
            for at, part in enumerate(parts if isinstance(parts, list) else ()):
                if isinstance(part, dict) and (mark := mark_of(part)) is not None:
                    yield Place(index, field, at, mark)


def _seconds(turn: Turn, place: Place) -> int | None:
    """The mark's own time to live, or what the request says for all marks."""
    options = turn.prompt_cache_options or {}
    ttl = options.get("ttl") if options.get("mode") == "explicit" else None
    return place.mark.seconds if place.mark.ttl is not None else Mark("", ttl).seconds


def _cut(
    items: list[JSON], place: Place, whole: list[JSON], contents_of: Callable[[list[JSON]], list[JSON]]
) -> tuple[list[JSON], list[JSON]] | None:
    """The contents up to the mark and those after it; None if it cannot be cut there."""
    *before, last = items[: place.item + 1]
    if all(item.get("role") in ("system", "developer") for item in (*before, last)):
        return [], whole
    beginning = contents_of([*before, {**last, place.field: last[place.field][: place.at + 1]}])
    complete, end = beginning[:-1], beginning[-1]
    there = len(complete)
    if whole[:there] != complete or len(whole) <= there or whole[there]["role"] != end["role"]:
        return None
    size, parts = len(end["parts"]), whole[there]["parts"]
    if parts[:size] != end["parts"] or any("functionResponse" in part for part in parts[size:]):
        return None
    rest = [{**whole[there], "parts": parts[size:]}] if parts[size:] else []
    rest += whole[there + 1 :]
    return (beginning, rest) if rest else None


def _prefix(
    model: str,
    body: JSON,
    cut: tuple[list[JSON], list[JSON]],
    seconds: int,
    place: Place,
    adapted: Adaptations,
) -> Prefix | None:
    """None: it is too short."""
    beginning, rest = cut
    held = {field: body[field] for field in _IN_THE_PREFIX if field in body}
    if beginning:
        held["contents"] = beginning
    try:
        size = len(encode(held))
    except MalformedJSON:  # nothing of it can be sent
        return None
    if size < _LEAST_BYTES:
        return None
    lives = min(max(seconds, _SHORTEST), _LONGEST)
    if lives != seconds:
        adapted.clamped(f"{place.path}.ttl", f"kept for {_SHORTEST} seconds to a day, here {lives} seconds")
    asked: JSON = {"model": f"models/{model.removeprefix('models/')}", **held, "ttl": f"{lives}s"}
    left: dict[str, Any] = {field: value for field, value in body.items() if field not in held}
    named = {**left, "contents": rest}
    return Prefix("/cachedContents", asked, lives, named, "cachedContent", wish=place.path)
