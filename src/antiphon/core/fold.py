"""Fold: events to the response they add up to. The law that the assembler is held to.

It knows nothing of the assembler: it reads the stream as a careful client does, and raises `BrokenGrammar`
where a client would be led astray.
"""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.protocol.events import FIELD_DELTAS, FIELD_DONES, PART_DELTAS, PART_DONES, TERMINAL, Event
from antiphon.protocol.json import JSON


class BrokenGrammar(AssertionError):
    """The stream breaks its word; the message says where."""


class _Reading:
    """What a client knows after each event."""

    def __init__(self) -> None:
        self.response: JSON | None = None
        self.items: list[JSON] = []
        self.done: set[int] = set()
        self.texts: dict[tuple[str, int, str, int], str] = {}
        self.open_parts: set[tuple[int, str, int]] = set()
        self.ended = False

    def read(self, event: Event) -> None:
        kind = event["type"]
        _demand(not self.ended, f"{kind} after the terminal event")
        if kind in ("response.created", "response.in_progress", "response.queued"):
            _demand(not self.items, f"{kind} after the first item")
            self.response = event["response"]
        elif kind in TERMINAL:
            self._end(event)
        elif kind == "response.output_item.added":
            _demand(event["output_index"] == len(self.items), "items are added in order, without gaps")
            self.items.append(event["item"])
        elif kind == "response.output_item.done":
            self._item_done(event)
        elif kind != "error" and ":" not in kind:  # extensions have a prefix, and change nothing
            self._inside_item(event)

    def _inside_item(self, event: Event) -> None:
        index = event["output_index"]
        _demand(index < len(self.items), f"{event['type']} for an item not yet added")
        _demand(index not in self.done, f"{event['type']} for an item that is done")
        if "item_id" in event:
            _demand(event["item_id"] == self.items[index]["id"], f"{event['type']} names another item")
        kind = event["type"]
        if kind.endswith("_part.added"):
            self.open_parts.add(_part_key(event))
        elif kind.endswith("_part.done"):
            _demand(_part_key(event) in self.open_parts, "a part is closed that is not open")
            self.open_parts.discard(_part_key(event))
        elif (family := PART_DELTAS.get(kind) or PART_DONES.get(kind)) is not None:
            self._text(event, (family.delta, index, family.index, event[family.index]), family.text)
        elif (field := FIELD_DELTAS.get(kind) or FIELD_DONES.get(kind)) is not None:
            self._text(event, (field.delta, index, field.field, 0), field.field)

    def _text(self, event: Event, key: tuple[str, int, str, int], name: str) -> None:
        if event["type"].endswith(".delta"):
            self.texts[key] = self.texts.get(key, "") + event["delta"]
        else:
            _demand(event[name] == self.texts.get(key, ""), f"{event['type']} is not the sum of its deltas")

    def _item_done(self, event: Event) -> None:
        index = event["output_index"]
        _demand(index < len(self.items), "an item is done before it was added")
        _demand(index not in self.done, "an item is done twice")
        _demand(event["item"]["id"] == self.items[index]["id"], "an item changed its id")
        _demand(not any(part[0] == index for part in self.open_parts), "an item is done with a part open")
        self.items[index] = event["item"]
        self.done.add(index)

    def _end(self, event: Event) -> None:
        _demand(self.response is not None, "a terminal event before response.created")
        _demand(self.done == set(range(len(self.items))), "the stream ends with an item open")
        status = event["response"]["status"]
        said = "failed" if status == "cancelled" else status  # which has no event of its own
        _demand(event["type"] == f"response.{said}", "the status is not the event's")
        self.response = {**event["response"], "output": self.items}
        self.ended = True


def fold(events: Iterable[Event]) -> JSON:
    """The response that the events add up to. Raises BrokenGrammar."""
    reading = _Reading()
    for number, event in enumerate(events):
        _demand(
            event.get("sequence_number") == number,
            f"event {number} is numbered {event.get('sequence_number')}",
        )
        reading.read(event)
    _demand(reading.ended, "the stream ends without a terminal event")
    assert reading.response is not None
    return reading.response


def _part_key(event: Event) -> tuple[int, str, int]:
    name = "summary_index" if "summary_index" in event else "content_index"
    return event["output_index"], name, event[name]


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise BrokenGrammar(message)
