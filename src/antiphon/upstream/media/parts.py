"""The parts of a turn whose URLs the gateway fetches, and the turn with their data in place of these.

    input_image, computer_screenshot   image_url: https://…   becomes   image_url: data:image/png;base64,…
    input_file                         file_url: https://…    becomes   file_data: data:…, filename

They stand in the content of messages and in the outputs of tools; models say text, so what stands in their
own messages is left to the dialect. The items are copied where they change: what is stored keeps the URL.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from antiphon.core.adaptations import Adaptation, Adaptations
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.media.kinds import Kind, Media
from antiphon.upstream.media.urls import name_of

_FETCHED = "fetched by the gateway, because this model's provider takes it as data only"
_KINDS: dict[Any, Kind] = {"input_image": "image", "computer_screenshot": "image", "input_file": "file"}
_WEB = ("http://", "https://")


class TakesURLs(Protocol):
    """What of a dialect is asked here."""

    def takes_url(self, part: JSON, model: str) -> bool: ...


class Missing(Struct, frozen=True):
    """A part that is a URL so far. `item` is the index of its item, `at` its own, if it is in a list."""

    item: int
    field: str
    at: int | None
    kind: Kind
    url: str

    @property
    def path(self) -> str:
        """As in `input[2].content[0].image_url`."""
        place = "" if self.at is None else f"[{self.at}]"
        return f"input[{self.item}].{self.field}{place}.{self.kind}_url"


def has_media(turn: Turn) -> bool:
    """Whether there is any image or file. Every turn is asked, so it must take no time: 0.2 µs."""
    for item in turn.items:
        value = item.get("content") or item.get("output")
        if value.__class__ is list:
            for part in value:
                if part.__class__ is dict and part.get("type") in _KINDS:
                    return True
        elif value.__class__ is dict and value.get("type") in _KINDS:
            return True
    return False


def missing(turn: Turn, dialect: TakesURLs) -> list[Missing]:
    """The parts that are web URLs which this dialect does not take."""
    return [
        Missing(item, field, at, kind, url)
        for item, said in enumerate(turn.items)
        if said.get("role") != "assistant"
        for field in ("content", "output")
        for at, part in _parts(said.get(field))
        if (kind := _KINDS.get(part.get("type")))
        and isinstance(url := part.get(f"{kind}_url"), str)
        and url[:8].lower().startswith(_WEB)
        and not dialect.takes_url(part, turn.model)
    ]


def completed(turn: Turn, found: Iterable[tuple[Missing, Media]]) -> tuple[Turn, tuple[Adaptation, ...]]:
    """The turn with the data, and what is to be told of it."""
    adapted = Adaptations()
    items = list(turn.items)
    for place, media in found:
        items[place.item] = _completed(items[place.item], place, media)
        adapted.translated(place.path, _FETCHED)
    return replace(turn, items=items), adapted.noted


def _parts(value: Any) -> Iterator[tuple[int | None, JSON]]:
    if isinstance(value, dict):
        yield None, value
    elif isinstance(value, list):
        yield from ((at, part) for at, part in enumerate(value) if isinstance(part, dict))


def _completed(item: JSON, place: Missing, media: Media) -> JSON:
    if place.at is None:
        return {**item, place.field: _with_data(item[place.field], place, media)}
    parts = list(item[place.field])
    parts[place.at] = _with_data(parts[place.at], place, media)
    return {**item, place.field: parts}


def _with_data(part: JSON, place: Missing, media: Media) -> JSON:
    data = f"data:{media.media_type};base64,{b64encode(media.content).decode()}"
    if place.kind == "image":
        return {**part, "image_url": data}
    told = {key: value for key, value in part.items() if key != "file_url"}
    name = part.get("filename") or name_of(place.url)
    return {**told, "file_data": data, **({"filename": name} if name else {})}
