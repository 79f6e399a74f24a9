"""The items of tools that a provider runs, from the use to the result.

    start ──say*──▶ working          the field that is streamed (arguments, code), piece by piece
            └─end─▶                  all of it was said: the tool is at work
            └finish▶ closed          the result is there; what was not said before is said first
            └─close▶ closed          it never came: the item is incomplete

An item may come whole, too: then all of that at once. What a provider wants back byte for byte is sealed in a
reasoning item. It stands before its item from the start, and is whole when the result is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from antiphon.core import deltas as d
from antiphon.core import whole
from antiphon.core.open_items import OpenItem
from antiphon.protocol.events import Event
from antiphon.protocol.json import JSON


class HostedItems:
    """Those that are open, by the provider's blocks. `place`, `close` and `seal` are the assembler's."""

    __slots__ = ("_close", "_open", "_place", "_seal", "_sealed")

    def __init__(
        self,
        place: Callable[[JSON], OpenItem],
        close: Callable[[OpenItem, str | None], list[Event]],
        seal: Callable[[OpenItem, str], None],
    ) -> None:
        self._place = place
        self._close = close
        self._seal = seal
        self._open: dict[str, OpenItem] = {}
        self._sealed: dict[str, OpenItem] = {}  # the reasoning items that stand before them

    def __contains__(self, part: str) -> bool:
        return part in self._open

    def start(self, delta: d.HostedStart) -> Iterator[Event]:
        if delta.sealed:
            thoughts = self._sealed[delta.part] = self._place({"type": "reasoning", "summary": []})
            yield thoughts.open()
        opened = self._open[delta.part] = self._place(whole.blank(delta.item))
        yield opened.open()
        yield from opened.set_out()

    def say(self, delta: d.Arguments) -> list[Event]:
        return self._open[delta.part].stream(delta.text)

    def end(self, part: str) -> list[Event]:
        return self._open[part].set_to_work()

    def seal(self, part: str, blob: str) -> list[Event]:
        """What goes back with it. Nothing if no place was kept for it."""
        thoughts = self._sealed.pop(part, None)
        if thoughts is None:
            return []
        self._seal(thoughts, blob)
        return self._close(thoughts, None)

    def finish(self, part: str, item: JSON) -> Iterator[Event]:
        yield from self._close_thoughts(part)
        yield from self._complete(self._open.pop(part), item)

    def whole(self, item: JSON, drafts: Iterable[str] = ()) -> Iterator[Event]:
        """An item that comes at once; `drafts`: what an image was like before it was finished."""
        opened = self._place(whole.blank(item))
        yield opened.open()
        yield from opened.set_out()
        for index, draft in enumerate(drafts):
            yield {
                "type": "response.image_generation_call.partial_image",
                **opened.address,
                "partial_image_index": index,
                "partial_image_b64": draft,
            }
        yield from self._complete(opened, item)

    def close(self) -> Iterator[Event]:
        """The turn is over: what is open has no result."""
        for part in list(self._open):
            yield from self._close_thoughts(part)
            yield from self._close(self._open.pop(part), "incomplete")

    def _close_thoughts(self, part: str) -> list[Event]:
        thoughts = self._sealed.pop(part, None)
        return [] if thoughts is None else self._close(thoughts, None)

    def _complete(self, opened: OpenItem, item: JSON) -> Iterator[Event]:
        yield from whole.say_rest(opened, item)
        yield from opened.close_part()
        opened.item = {**opened.item, **item, "id": opened.item["id"]}
        yield from self._close(opened, item.get("status"))
