"""Sealing: what models thought goes out in envelopes and comes back in them.

    out   a provider's blob ─▶ envelope, for this project
    in    envelope ─▶ the blob, byte for byte        this target can read it
                   ─▶ nothing, or its summary        another family's, or too old: noted as an adaptation
                   ─▶ 400                            changed, another project's, or not ours at all

A compaction is a whole conversation: it is never too old, and where it cannot be read the request is refused.
What stands in our own store is trusted: it may hold blobs from before there were envelopes, and one whose key
is gone is left out, because the client could do nothing about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from antiphon.core.adaptations import Adaptation, Adaptations
from antiphon.core.compaction import WORD
from antiphon.core.envelopes import (
    NONCE_BYTES,
    BadEnvelope,
    Envelope,
    SealKeys,
    family_of,
    is_envelope,
    word_of,
)
from antiphon.core.records import Target
from antiphon.core.seals import SEALED
from antiphon.core.turn import Turn
from antiphon.core.unsaid import foreign_compaction
from antiphon.engine.places import HISTORIES, Places
from antiphon.observe.clock import Now
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.items import kind_of
from antiphon.protocol.json import JSON
from antiphon.protocol.request import CreateResponse

Foreign: TypeAlias = Literal["drop", "summary"]

_UNREADABLE = "sealed by a model of {}, which this one cannot read"
_TOO_OLD = "sealed too long ago"
_KEY_GONE = "sealed with a key that is gone"
_STALE = "the provider no longer takes back what it sealed"
_SUMMARY = "<thinking>\n{}\n</thinking>"


class Told(Struct, frozen=True):
    """What a model is told: the turn, where its items stand in the request, what became of the sealed."""

    turn: Turn
    places: Places
    adaptations: tuple[Adaptation, ...] = ()


class Reader(Struct, frozen=True):
    """For whom envelopes are opened: whose project, and a target that reads blobs with these words.

    `stored`: the paths of items that come from our own store.
    """

    project_id: str
    target: Target
    reads: frozenset[str]
    stored: frozenset[str]

    def can_read(self, envelope: Envelope) -> bool:
        word = word_of(envelope.blob)
        named = not word or word in self.reads or word == WORD
        return named and family_of(envelope.blob, self.target) == envelope.family


class Sealing:
    """The seals of one gateway. `lifetime`: seconds; `foreign`: what becomes of thoughts nobody there can
    read; `random_bytes`: for nonces."""

    def __init__(
        self,
        keys: SealKeys,
        *,
        lifetime: int,
        foreign: Foreign,
        now: Now,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._keys = keys
        self._lifetime = lifetime
        self._foreign = foreign
        self._now = now
        self._random_bytes = random_bytes

    def seal(self, blob: str, project_id: str, target: Target) -> str:
        """The envelope for a blob that came from `target`."""
        envelope = Envelope(
            provider=target.provider,
            family=family_of(blob, target),
            expires=self._now() + self._lifetime,
            blob=blob,
        )
        return self._keys.seal(envelope, project_id, self._random_bytes(NONCE_BYTES))

    def sealed_by(self, items: Sequence[JSON], project_id: str) -> str | None:
        """The provider of the latest thing that is sealed, if any is and can be opened."""
        for item in reversed(items):
            if _is_sealed(item) and is_envelope(item[SEALED]):
                try:
                    return self._keys.open(item[SEALED], project_id).provider
                except BadEnvelope:
                    return None
        return None

    def open(self, told: Told, reader: Reader) -> Told:
        """With the blobs as this reader gets them. Raises InvalidRequest `invalid_encrypted_content`."""
        adapted = Adaptations()
        items: list[JSON] = []
        paths: list[str] = []
        for item, path in zip(told.turn.items, told.places.items, strict=True):
            opened = self._opened(item, path, reader, adapted) if _is_sealed(item) else item
            if opened is not None:
                items.append(opened)
                paths.append(path)
        return _told(told, items, paths, adapted)

    def _opened(self, item: JSON, path: str, reader: Reader, adapted: Adaptations) -> JSON | None:
        """None: it is left out."""
        trusted, text = path in reader.stored, item[SEALED]
        if trusted and not is_envelope(text):
            return item
        is_history = item["type"] == "compaction"
        try:
            envelope = self._keys.open(text, reader.project_id)
        except BadEnvelope:
            if not trusted or is_history:
                raise _refused(path) from None
            return self._instead(item, path, _KEY_GONE, adapted)
        if not reader.can_read(envelope):
            if is_history:
                raise foreign_compaction(path)
            return self._instead(item, path, _UNREADABLE.format(envelope.provider), adapted)
        if envelope.expires <= self._now() and not is_history:
            return self._instead(item, path, _TOO_OLD, adapted)
        return {**item, SEALED: envelope.blob}

    def _instead(self, item: JSON, path: str, why: str, adapted: Adaptations) -> JSON | None:
        texts = (part.get("text") for part in item.get("summary") or ())
        text = "\n".join(each for each in texts if isinstance(each, str))
        if self._foreign == "drop" or not text:
            adapted.dropped(path, why)
            return None
        adapted.translated(path, f"{why}: its summary is sent as text")
        said = {"type": "output_text", "text": _SUMMARY.format(text), "annotations": []}
        return {"type": "message", "role": "assistant", "content": [said]}


def is_sealed(turn: Turn) -> bool:
    """Whether there is anything to open in it."""
    return any(SEALED in item and _is_sealed(item) for item in turn.items)


def stored_paths(request: CreateResponse) -> frozenset[str]:
    """The paths of what comes from the store: the history, and items that the request refers to."""
    given = request.input if isinstance(request.input, list) else []
    referred = (f"input[{at}]" for at, item in enumerate(given) if kind_of(item) == "item_reference")
    return frozenset((*HISTORIES, *referred))


def without_thoughts(told: Told) -> Told | None:
    """Without all that is sealed and can be done without; None if there is nothing."""
    adapted = Adaptations()
    kept = []
    for item, path in zip(told.turn.items, told.places.items, strict=True):
        if item["type"] == "reasoning" and _is_sealed(item):
            adapted.dropped(path, _STALE)
        else:
            kept.append((item, path))
    if not adapted.noted:
        return None
    return _told(told, [item for item, _ in kept], [path for _, path in kept], adapted)


def _told(told: Told, items: list[JSON], paths: list[str], adapted: Adaptations) -> Told:
    return Told(
        replace(told.turn, items=items),
        Places.known(items=tuple(paths), tools=told.places.tools),
        (*told.adaptations, *adapted.noted),
    )


def _is_sealed(item: JSON) -> bool:
    return item["type"] in ("reasoning", "compaction") and bool(item.get(SEALED))


def _refused(path: str) -> InvalidRequest:
    at = path if path in HISTORIES else f"{path}.{SEALED}"
    return InvalidRequest(
        f"Invalid '{at}': this gateway did not seal it for this project, or it was changed since. Send it "
        "back exactly as it came; if another service sealed it, only that can read it: leave the item out.",
        code="invalid_encrypted_content",
        param=at,
    )
