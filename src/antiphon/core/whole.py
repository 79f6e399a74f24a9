"""Items that come whole: a tool's output, a tool the provider ran, an answer that was not streamed.

They are said with the events of an item that came piece by piece, so that a reader of the stream never
has to know the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antiphon.core.open_items import OpenItem
from antiphon.protocol.events import FIELDS, PARTS, Event, PartFamily
from antiphon.protocol.json import JSON

SPOKEN_LISTS = ("summary", "content")


def blank(item: JSON) -> JSON:
    """The item as it stands when it is added: nothing said yet."""
    opened = dict(item)
    for name in SPOKEN_LISTS:
        if is_spoken(opened.get(name)):
            opened[name] = []
    family = FIELDS.get(item["type"])
    if family is not None and family.read(opened) is not None:
        family.write(opened, "")
    if "status" in opened:
        opened["status"] = "in_progress"
    if item["type"] == "compaction" and "encrypted_content" in opened:
        opened["encrypted_content"] = ""
    return opened


def say_rest(opened: OpenItem, item: JSON) -> Iterator[Event]:
    """What `item` has and `opened` has not said yet: the end of the open part, further parts, the field."""
    for name in SPOKEN_LISTS:
        parts: list[JSON] = item.get(name) or []
        if not is_spoken(parts):
            continue
        said = len(list_in(opened.item, name))
        if opened.part is not None and opened.part.family.list == name and said < len(parts):
            yield from finish_part(opened, parts[said])
            said += 1
        for part in parts[said:]:
            yield from _say_part(opened, part)
    family = FIELDS.get(item["type"])
    if family is not None and (text := family.read(item)) is not None:
        if text.startswith(opened.field_text) and not opened.said_whole:
            yield from opened.stream(text[len(opened.field_text) :])
        family.write(item, opened.field_text)


def merge_parts(said: list[JSON], final: Any) -> list[JSON]:
    """The parts as said, with what only the final item has: fields, and lists of which nothing was said."""
    if not is_spoken(final):
        return said
    merged = []
    for index, part in enumerate(said):
        known = final[index] if index < len(final) and final[index]["type"] == part["type"] else {}
        unsaid = {name: known[name] for name, value in part.items() if value == [] and known.get(name)}
        merged.append({**known, **part, **unsaid})
    return merged


def is_spoken(parts: Any) -> bool:
    """Whether it is a list of parts that have events of their own; others are carried in their item."""
    return isinstance(parts, list) and all(family_of(part) is not None for part in parts)


def family_of(part: Any) -> PartFamily | None:
    """The family of a part, if that is what it is: it has a known type, and text or none."""
    kind = part.get("type") if isinstance(part, dict) else None
    family = PARTS.get(kind) if isinstance(kind, str) else None
    return family if family is not None and isinstance(part.get(family.text), str | None) else None


def list_in(value: JSON, name: str) -> list[Any]:
    """The list in a field; an empty one if there is none."""
    found = value.get(name)
    return found if isinstance(found, list) else []


def finish_part(opened: OpenItem, part: JSON) -> Iterator[Event]:
    """Say what the finished `part` has and the open one has not; close it."""
    spoken = opened.part
    assert spoken is not None
    text = part.get(spoken.family.text)
    if isinstance(text, str) and text.startswith(spoken.text) and len(text) > len(spoken.text):
        yield spoken.say(text[len(spoken.text) :], [])
    for annotation in _annotations(part)[len(_annotations(spoken.part)) :]:
        yield spoken.annotate(annotation)
    yield from opened.close_part()


def _say_part(opened: OpenItem, part: JSON) -> Iterator[Event]:
    family = PARTS[part["type"]]
    yield from opened.close_part()
    yield from opened.open_part(family)
    spoken = opened.part
    assert spoken is not None
    if text := part.get(family.text):
        yield spoken.say(text, list_in(part, "logprobs"))
    for annotation in _annotations(part):
        yield spoken.annotate(annotation)
    yield from opened.close_part()


def _annotations(part: JSON) -> list[JSON]:
    return [annotation for annotation in list_in(part, "annotations") if isinstance(annotation, dict)]
