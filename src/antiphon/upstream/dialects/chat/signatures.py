"""Signatures of Gemini's thoughts, as its OpenAI-compatible endpoint has them: `extra_content`.

    message.extra_content                    {"google": {"thought_signature": …}}
    message.tool_calls[].extra_content       the same

They must come back where they were: from Gemini 3 on a call without one is refused, but for the word that
leaves it unchecked (https://ai.google.dev/gemini-api/docs/thought-signatures). Of parallel calls only the
first is signed. Each rides in a sealed blob: `chat-google:` and the JSON of {place: extra_content}, where the
place is "next" or "last" (the call after the blob, or before it) or "message".
"""

from __future__ import annotations

import re
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.protocol.json import JSON, MalformedJSON, decode, encode

SEAL = "chat-google:"
UNCHECKED: JSON = {"google": {"thought_signature": "skip_thought_signature_validator"}}

_PLACES = ("next", "last", "message")
_VERSION = re.compile(r"gemini-(\d{1,2})")
_FIRST_TO_CHECK = 3


def seal(place: str, extra: JSON) -> str:
    """Raises MalformedJSON for what has no JSON form (nothing that was read from JSON)."""
    return SEAL + encode({place: extra}).decode()


def unseal(blob: Any) -> tuple[str, JSON] | None:
    """The place and what belongs there; None if it is not ours, or was made up."""
    if not isinstance(blob, str) or not blob.startswith(SEAL):
        return None
    try:
        held = decode(blob[len(SEAL) :].encode("utf-8", "replace"))
    except MalformedJSON:
        return None
    match held:
        case {**places} if len(places) == 1:
            ((place, extra),) = places.items()
            return (place, extra) if place in _PLACES and isinstance(extra, dict) else None
    return None


def leave_unchecked(messages: list[JSON], model: str, adapted: Adaptations) -> None:
    """The first call of each message needs a signature; those that others made get the word for none.

    A model whose name has no version is taken for a new one.
    """
    found = _VERSION.search(model)
    if "gemini" not in model or (found is not None and int(found[1]) < _FIRST_TO_CHECK):
        return
    for message in messages:
        calls = message.get("tool_calls") or ()
        if calls and "extra_content" not in calls[0] and "extra_content" not in message:
            calls[0]["extra_content"] = UNCHECKED
            adapted.emulated("input", "calls that this model did not sign go unchecked")
