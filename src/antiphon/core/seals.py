"""The sealed blobs of one response: which item each belongs to, and who gets to see it in which form.

    a provider's next turn      the blob as it came
    the store                   its envelope
    the client                  the envelope; that of reasoning only when asked for

A compaction is nothing but its blob, so the client always gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from antiphon.protocol.json import JSON

SEALED = "encrypted_content"


def as_it_is(blob: str) -> str:
    """No envelope at all."""
    return blob


class Seals:
    """Blobs by the ids of their items. `envelope` makes of a blob what others get to see."""

    def __init__(self, envelope: Callable[[str], str], *, reveal: bool) -> None:
        self._envelope = envelope
        self._reveal = reveal
        self._blobs: dict[str, str] = {}

    def add(self, item_id: str, blob: str) -> None:
        """A later blob of the same item takes the place of the earlier."""
        self._blobs[item_id] = blob

    def finish(self, item: JSON) -> JSON:
        """What of the item is stored besides; the part of it that the client sees is put in, in place."""
        is_history = item["type"] == "compaction"
        if is_history and isinstance(blob := item.get(SEALED), str):
            self._blobs[item["id"]] = blob
        if item["id"] not in self._blobs:
            return {}
        sealed: JSON = {SEALED: self._envelope(self._blobs[item["id"]])}
        if self._reveal or is_history:
            item.update(sealed)
        return sealed

    def opened(self, items: Iterable[JSON]) -> list[JSON]:
        """Finished items, with their blobs as they came."""
        blobs = self._blobs
        return [{**item, SEALED: blobs[item["id"]]} if item["id"] in blobs else item for item in items]
