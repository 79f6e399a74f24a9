"""Chunks of thoughts, as Mistral has them in the content of a message; signed ones come back as they were.

    {"type": "thinking", "thinking": [text | reference …], "signature": …, "closed": …}

A stream sends a chunk in pieces, of which the last has the signature (C10). We keep a signed one in a sealed
blob: `chat-content:` and its JSON, with the texts of neighbouring pieces in one.
"""

from __future__ import annotations

from typing import Any

from antiphon.protocol.json import JSON, MalformedJSON, decode, encode

SEAL = "chat-content:"
KIND = "thinking"


def gather(chunk: JSON, piece: JSON) -> None:
    """Add a piece to a chunk, in place."""
    inner: list[Any] = chunk.get(KIND, [])
    for part in piece[KIND]:
        last: Any = inner[-1] if inner else None
        if _is_text(last) and _is_text(part):
            inner[-1] = {**last, **part, "text": last["text"] + part["text"]}
        else:
            inner.append(part)
    chunk.update({name: value for name, value in piece.items() if value is not None})
    chunk[KIND] = inner


def is_signed(chunk: JSON) -> bool:
    return isinstance(chunk.get("signature"), str) and bool(chunk["signature"])


def seal(chunk: JSON) -> str:
    """Raises MalformedJSON for what has no JSON form (nothing that was read from JSON)."""
    return SEAL + encode(chunk).decode()


def unseal(blob: Any) -> JSON | None:
    """None if it is not ours, or was made up."""
    if not isinstance(blob, str) or not blob.startswith(SEAL):
        return None
    try:
        chunk = decode(blob[len(SEAL) :].encode("utf-8", "replace"))
    except MalformedJSON:
        return None
    is_chunk = isinstance(chunk, dict) and chunk.get("type") == KIND and isinstance(chunk.get(KIND), list)
    return chunk if is_chunk else None


def of_text(thought: str) -> JSON:
    """An unsigned chunk."""
    return {"type": KIND, KIND: [{"type": "text", "text": thought}]}


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
