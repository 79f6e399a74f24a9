"""Why Gemini stopped (https://ai.google.dev/api/generate-content#FinishReason).

The reason is STOP for function calls too. Clients that ask for enums as integers get numbers, and the two
services number their reasons differently.
"""

from __future__ import annotations

from typing import Any

from antiphon.core.deltas import StopReason

STOP_REASONS: dict[str, StopReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
"""Whatever is not here is taken for "stop"."""

BROKEN_OFF = frozenset(
    {
        *("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
        *("MISSING_THOUGHT_SIGNATURE", "OTHER", "NO_IMAGE", "IMAGE_OTHER"),
    }
)
"""Reasons that say the answer failed."""

_FIRST = ("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER")
_NUMBERED = (
    *_FIRST,
    *("LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY"),
    *("UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
)
_NUMBERED_BY_VERTEX = (
    *_FIRST,
    *("BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "MODEL_ARMOR", "IMAGE_SAFETY"),
    *("IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER", "UNEXPECTED_TOOL_CALL", "NO_IMAGE"),
)


def reason_of(finish: Any, vertex: bool) -> str | None:
    """The reason by its name; None: it has not stopped."""
    if type(finish) is int:
        names = _NUMBERED_BY_VERTEX if vertex else _NUMBERED
        finish = names[finish] if 0 <= finish < len(names) else str(finish)
    if not isinstance(finish, str) or finish in ("", "FINISH_REASON_UNSPECIFIED"):
        return None
    return finish
