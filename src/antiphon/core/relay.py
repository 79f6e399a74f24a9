"""Relaying an upstream that speaks Responses itself, without inheriting its mistakes.

What is relayed keeps every field, known or not; what the grammar needs is ours. Upstream indexes have
gaps and upstream ids change within one item, so an item is recognised by its upstream `output_index`
(by its id where there is none) and gets an index and an id of our own. Lifecycle events that an
upstream leaves out are said in its place, those it says twice are said once:

    delta for an unknown item       the item is added first
    delta for an unknown part       the part is added first
    `done` with more than was said  the missing text is said first
    item in the final output only   the item is said whole
    `done` with torn arguments      the call, and with it the answer, is incomplete
    events of its own invention     carried if they belong to an open item, else left out

Torn arguments are mended so only for an upstream whose response object has no `incomplete_details`: it
calls everything completed, and half a call must never run.

The sealed blob of a reasoning item is taken from `output_item.done` alone: in `added` it differs
(recordings, quirk R4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from antiphon.core import whole
from antiphon.core.open_items import OpenItem
from antiphon.protocol.errors import ProtocolViolation
from antiphon.protocol.events import (
    FIELD_DELTAS,
    FIELD_DONES,
    LIFECYCLE,
    OUTPUT_TEXT,
    PART_DELTAS,
    PART_DONES,
    TERMINAL,
    Event,
    PartFamily,
)
from antiphon.protocol.json import JSON, MalformedJSON, decode

_DEFAULTS: dict[str, JSON] = {
    "message": {"role": "assistant", "content": [], "status": "in_progress"},
    "reasoning": {"summary": []},
    "function_call": {"call_id": "", "name": "", "arguments": "", "status": "in_progress"},
    "custom_tool_call": {"call_id": "", "name": "", "input": ""},
}
_NEVER_NULL = ("phase", "encrypted_content", "content", "namespace", "caller")
_PART_EVENTS = frozenset(
    {
        "response.content_part.added",
        "response.content_part.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_part.added",
        "response.reasoning_part.done",
    }
)


class Relay:
    """The items of one turn of such an upstream. `place`, `close` and `seal` are the assembler's."""

    def __init__(
        self,
        place: Callable[[JSON], OpenItem],
        close: Callable[[OpenItem, str | None], Iterable[Event]],
        seal: Callable[[OpenItem, str], None],
    ) -> None:
        self._place = place
        self._close = close
        self._seal = seal
        self._open: dict[Any, OpenItem] = {}
        self._part_index: dict[Any, Any] = {}  # item key → which upstream part is open in it
        self._seen: set[Any] = set()  # the keys of all items said so far
        self._keys: dict[Any, Any] = {}  # upstream id → key
        self._count = 0
        self._last: Any = None
        self.absorbed: JSON = {}  # what the upstream's response object says beyond ours
        self.torn = False  # a call was cut, and the upstream did not say so

    def feed(self, event: Event) -> Iterator[Event]:
        """The event as the grammar allows it, with what must come before it. Raises ProtocolViolation."""
        try:
            yield from self._feed(_checked(event))
        except (LookupError, TypeError, AttributeError, ValueError) as stumble:
            raise ProtocolViolation(
                f"The provider sent an event that is not its protocol ({type(stumble).__name__})."
            ) from None

    def _feed(self, event: Event) -> Iterator[Event]:
        kind: str = event.get("type") or ""
        if (family := PART_DELTAS.get(kind)) is not None:
            yield from self._part_delta(event, family)
        elif kind in FIELD_DELTAS:
            yield from self._field_delta(event, FIELD_DELTAS[kind].item_type)
        elif kind == "response.output_item.added":
            yield from self._added(event)
        elif kind == "response.output_item.done":
            yield from self._done(event)
        elif (family := PART_DONES.get(kind)) is not None:
            yield from self._part_done(event, family)
        elif kind in FIELD_DONES:
            family_of_field = FIELD_DONES[kind]
            yield from self._field_done(event, family_of_field.item_type, event.get(family_of_field.field))
        elif kind in _PART_EVENTS:
            yield from self._part_event(event)
        else:
            yield from self._other(event)

    def finish(self) -> list[OpenItem]:
        """The items left open, for the assembler to close."""
        left = list(self._open.values())
        self._open.clear()
        return left

    @property
    def opened(self) -> list[OpenItem]:
        """The items that are open."""
        return list(self._open.values())

    # Which item

    def _key(self, event: Event) -> Any:
        item = event.get("item")
        index = event.get("output_index")
        name = item.get("id") if isinstance(item, dict) else event.get("item_id")
        if not isinstance(index, int | None) or not isinstance(name, str | None):
            raise ProtocolViolation("The provider sent an event whose item cannot be told.")
        if index is not None:
            return index
        return self._last if name is None else self._keys.get(name, name)

    def _item(self, event: Event, kind: str) -> tuple[Any, OpenItem, list[Event]]:
        """The open item that the event belongs to; added first if the upstream forgot."""
        key = self._key(event)
        if (opened := self._open.get(key)) is not None:
            return key, opened, []
        if key in self._seen:
            raise ProtocolViolation("The provider went on with an output item that it had finished.")
        events = list(self._open_item(key, {"type": kind, "id": event.get("item_id")}))
        return key, self._open[key], events

    def _open_item(self, key: Any, item: JSON) -> Iterator[Event]:
        opened = self._place(whole.blank(self._complete(item)))
        self._open[key] = opened
        self._seen.add(key)
        if isinstance(name := item.get("id"), str):
            self._keys[name] = key
        self._count += 1
        self._last = key
        yield opened.open()

    def _complete(self, item: JSON) -> JSON:
        """With what the grammar needs and without what it forbids; the sealed blob is taken out."""
        completed = {**_DEFAULTS.get(item["type"], {}), **item}
        for name in _NEVER_NULL:
            if name in completed and completed[name] is None:
                del completed[name]
        if completed["type"] == "reasoning":
            completed.pop("encrypted_content", None)
        for name in whole.SPOKEN_LISTS:
            if name in _DEFAULTS.get(item["type"], {}) and not isinstance(completed.get(name), list):
                completed[name] = []
        for part in completed["content"] if isinstance(completed.get("content"), list) else ():
            if isinstance(part, dict) and part.get("type") == "output_text":
                part["annotations"] = part.get("annotations") or []
                part["logprobs"] = part.get("logprobs") or []
        return completed

    # Items

    def _added(self, event: Event) -> Iterator[Event]:
        key = self._key(event)
        if key in self._open:
            return
        if key in self._seen:
            raise ProtocolViolation("The provider added the same output item twice.")
        yield from self._open_item(key, _item_of(event))

    def _done(self, event: Event) -> Iterator[Event]:
        key, item = self._key(event), _item_of(event)
        opened = self._open.pop(key, None)
        if opened is None:
            if key not in self._seen:
                yield from self._whole(key, item)
            return
        yield from self._complete_from(opened, item)

    def _whole(self, key: Any, item: JSON) -> Iterator[Event]:
        yield from self._open_item(key, item)
        yield from self._complete_from(self._open.pop(key), item)

    def _complete_from(self, opened: OpenItem, item: JSON) -> Iterator[Event]:
        """Say what the final item has and the stream did not; then close it as the upstream left it."""
        blob = item.get("encrypted_content")
        if isinstance(blob, str) and blob and item["type"] == "reasoning":
            self._seal(opened, blob)
        final = self._complete(item)
        yield from whole.say_rest(opened, final)
        yield from opened.close_part()
        spoken = {
            name: opened.item[name] for name in whole.SPOKEN_LISTS if whole.is_spoken(opened.item.get(name))
        }
        for name, parts in spoken.items():
            final[name] = whole.merge_parts(parts, final.get(name))
        opened.item = {**final, "id": opened.item["id"]}
        status = final.get("status")
        if status == "completed" and "incomplete_details" not in self.absorbed and _is_torn(final):
            self.torn, status = True, "incomplete"
        yield from self._close(opened, "completed" if status == "in_progress" else status)

    # Parts

    def _part(self, event: Event, family: PartFamily) -> tuple[OpenItem, list[Event]]:
        kind = "message" if family.list == "content" and family.added else "reasoning"
        key, opened, events = self._item(event, kind)
        index = (family.type, event.get(family.index))
        if opened.part is None or self._part_index.get(key) != index:
            events.extend(opened.close_part())
            events.extend(opened.open_part(family))
            self._part_index[key] = index
        return opened, events

    def _part_delta(self, event: Event, family: PartFamily) -> Iterator[Event]:
        text = _delta_of(event)
        opened, events = self._part(event, family)
        yield from events
        assert opened.part is not None
        event.pop("obfuscation", None)
        yield {**event, **opened.part.say(text, whole.list_in(event, "logprobs"))}

    def _part_done(self, event: Event, family: PartFamily) -> Iterator[Event]:
        opened, events = self._part(event, family)
        yield from events
        text, part = event.get(family.text), opened.part
        assert part is not None
        if isinstance(text, str) and (rest := _rest(part.text, text)):
            yield part.say(rest, [])

    def _part_event(self, event: Event) -> Iterator[Event]:
        part = event.get("part")
        if not isinstance(part, dict) or (family := whole.family_of(part)) is None:
            return
        if event["type"].endswith(".added"):
            yield from self._part(event, family)[1]
            return
        opened = self._open.get(self._key(event))
        if opened is not None and opened.part is not None and opened.part.family is family:
            extra = {key: value for key, value in part.items() if key not in opened.part.part}
            opened.part.part.update(extra)
            yield from whole.finish_part(opened, part)
            self._part_index.pop(self._key(event), None)

    # Streamed fields and the rest

    def _field_delta(self, event: Event, item_type: str) -> Iterator[Event]:
        text = _delta_of(event)
        _, opened, events = self._item(event, item_type)
        yield from events
        event.pop("obfuscation", None)
        for said in opened.stream(text):
            yield {**event, **said}

    def _field_done(self, event: Event, item_type: str, text: Any) -> Iterator[Event]:
        _, opened, events = self._item(event, item_type)
        yield from events
        if isinstance(text, str):
            yield from opened.stream(_rest(opened.field_text, text))
        yield from opened.end_field()

    def _other(self, event: Event) -> Iterator[Event]:
        kind = event.get("type") or ""
        if isinstance(response := event.get("response"), dict):
            yield from self._response(kind, response)
        elif kind in LIFECYCLE:
            return  # it came without its response, and belongs to no item
        elif kind == "response.output_text.annotation.added":
            opened, events = self._part(event, OUTPUT_TEXT)
            yield from events
            if opened.part is not None and isinstance(event.get("annotation"), dict):
                yield {**event, **opened.part.annotate(event["annotation"])}
        elif kind.startswith("response.") and (opened_item := self._open.get(self._key(event))) is not None:
            stage = kind.rpartition(".")[2]
            if kind == f"response.{opened_item.item['type']}.{stage}":
                for said in opened_item.progress(stage):
                    yield {**event, **said}
            else:
                event.pop("obfuscation", None)
                address = opened_item.address
                if "item_id" not in event:  # events of shell calls have none (R17)
                    del address["item_id"]
                yield {**event, **address}

    def _response(self, kind: str, response: JSON) -> Iterator[Event]:
        self.absorbed.update(response)
        output = response.get("output")
        if kind in TERMINAL and isinstance(output, list):
            for index, item in enumerate(output):
                if isinstance(item, dict) and isinstance(item.get("type"), str):
                    yield from self._final(index, item, missing=len(output) > self._count)

    def _final(self, index: int, item: JSON, *, missing: bool) -> Iterator[Event]:
        """An item of the finished response: still open, not said at all, or (mostly) known already."""
        name = item.get("id")
        key = self._keys.get(name, index) if isinstance(name, str) else index
        if (opened := self._open.get(key)) is not None and opened.item["type"] == item["type"]:
            del self._open[key]
            yield from self._complete_from(opened, item)
        elif missing and key not in self._seen:
            yield from self._whole(key, item)


def _checked(event: Event) -> Event:
    """Raises ProtocolViolation for an event whose address cannot be one."""
    for name in ("output_index", "content_index", "summary_index"):
        if event.get(name) is not None and not isinstance(event[name], int):
            raise ProtocolViolation(f"The provider sent an event whose {name} is no number.")
    if not isinstance(event.get("type"), str) or not isinstance(event.get("item_id") or "", str):
        raise ProtocolViolation("The provider sent an event without a type, or with an odd item_id.")
    return event


def _rest(said: str, text: str) -> str:
    return text[len(said) :] if text.startswith(said) else ""


def _is_torn(item: JSON) -> bool:
    """Whether it is a call whose arguments break off."""
    text = item.get("arguments")
    if item["type"] != "function_call" or not isinstance(text, str) or not text:
        return False
    try:
        decode(text.encode("utf-8", "replace"))
    except MalformedJSON:
        return True
    return False


def _delta_of(event: Event) -> str:
    """Checked before anything is opened for it: what is said in one go is all said, or nothing of it."""
    text = event.get("delta")
    if not isinstance(text, str):
        raise ProtocolViolation("The provider sent a delta that is not text.")
    return text


def _item_of(event: Event) -> JSON:
    item = event.get("item")
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        raise ProtocolViolation("The provider sent an output item without a type.")
    return item
