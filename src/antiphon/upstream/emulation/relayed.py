"""Calls of functions that stand for other tools, out of the events of an upstream that speaks Responses.

    output_item.added, …arguments.delta, .done, output_item.done     Call, Arguments, End
    a finished response, or a whole answer                           its items one by one, then the rest of it
    all else                                                         as it came

What is left goes on to be relayed under the same indexes, so that its order stays what it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from antiphon.core.deltas import Arguments, Call, Delta, End, Relayed
from antiphon.protocol.events import TERMINAL, Event
from antiphon.protocol.json import JSON

_DELTA = "response.function_call_arguments.delta"
_DONE = "response.function_call_arguments.done"


class _Taken:
    """A call that was taken out: what was said of it."""

    __slots__ = ("over", "part", "text")

    def __init__(self, part: str) -> None:
        self.part = part
        self.text = ""
        self.over = False

    def say(self, text: Any) -> Iterator[Delta]:
        if isinstance(text, str) and text:
            self.text += text
            yield Arguments(self.part, text)

    def say_rest(self, whole: Any) -> Iterator[Delta]:
        if isinstance(whole, str) and whole.startswith(self.text):
            yield from self.say(whole[len(self.text) :])


class CallsApart:
    """The state of one answer. `names`: of the functions whose calls are taken out."""

    __slots__ = ("_names", "_taken")

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._taken: dict[Any, _Taken] = {}

    def feed(self, delta: Delta) -> Iterable[Delta]:
        if not isinstance(delta, Relayed):
            return (delta,)
        event, kind = delta.event, delta.event.get("type")
        if kind in TERMINAL:
            return self._end(event)
        item = event.get("item")
        if isinstance(item, dict):
            return self._item(_key(event, item), item, event, over=kind == "response.output_item.done")
        taken = self._taken.get(_key(event, {}))
        if taken is None:
            return (delta,)
        return taken.say(event.get("delta")) if kind == _DELTA else taken.say_rest(event.get("arguments"))

    def finish(self) -> Iterable[Delta]:
        return ()

    def _item(self, key: Any, item: JSON, event: Event, *, over: bool) -> Iterator[Delta]:
        if key not in self._taken and not self._is_ours(item):
            yield Relayed(event)
            return
        taken = self._taken.get(key)
        if taken is None:
            taken = self._taken[key] = _Taken(f"relayed:{key}")
            yield Call(taken.part, str(item.get("call_id") or ""), item["name"])
        yield from taken.say_rest(item.get("arguments"))
        if over and not taken.over and item.get("status") != "incomplete":
            taken.over = True
            yield End(taken.part)

    def _end(self, event: Event) -> Iterator[Delta]:
        response = event.get("response")
        output = response.get("output") if isinstance(response, dict) else None
        items = output if isinstance(output, list) else []
        if not self._taken and not any(map(self._is_ours, items)):
            yield Relayed(event)
            return
        for index, item in enumerate(items):
            if isinstance(item, dict):
                done = {"type": "response.output_item.done", "output_index": index, "item": item}
                yield from self._item(index, item, done, over=True)
        yield Relayed({**event, "response": {**(response or {}), "output": []}})

    def _is_ours(self, item: Any) -> bool:
        return (
            isinstance(item, dict) and item.get("type") == "function_call" and item.get("name") in self._names
        )


def _key(event: Event, item: JSON) -> Any:
    """Which item it is about: the index, as ids may change within one item (R6), or the id."""
    index = event.get("output_index")
    return index if isinstance(index, int) else item.get("id", event.get("item_id"))
