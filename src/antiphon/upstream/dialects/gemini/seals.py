"""Thought signatures on their way through a client: which part of the answer each one rode on.

A signature must come back on the very part that brought it (also on an empty text, and of parallel calls
only on the first), and a part of the provider's own tools must come back whole. A seal is `gemini:` and the
JSON of a list, in the order of the parts:

    {"text": [start, end], "signature"}      characters start to end of the message before the seal
    {"thought": [start, end], "signature"}   the same, of the thoughts that the seal is on
    {"call": name, "signature"}              the function call after the seal
    {"image": media type, "signature"}       the image after the seal
    {"computer": [call, …]}                  the calls that the computer_call after the seal is made of
    {"part": {…}}                            a part of one of the provider's tools, or an image that code
                                             made, as it came
"""

from __future__ import annotations

from typing import Any

from antiphon.protocol.json import JSON, MalformedJSON, decode, encode

SEAL = "gemini:"
SERVER_PARTS = ("toolCall", "toolResponse", "executableCode", "codeExecutionResult")
"""The parts of the provider's own tools."""
_WHOLE = (*SERVER_PARTS, "inlineData")  # sealed as they came


def seal(signed: list[JSON]) -> str:
    return SEAL + encode(signed).decode()


def unseal(blob: Any) -> list[JSON] | None:
    """What was sealed; None if it is not ours or was damaged."""
    if not isinstance(blob, str) or not blob.startswith(SEAL):
        return None
    try:
        signed = decode(blob[len(SEAL) :].encode("utf-8", "replace"))
    except MalformedJSON:
        return None
    return signed if isinstance(signed, list) and all(map(_is_sound, signed)) else None


def _is_sound(entry: Any) -> bool:
    match entry:
        case {"part": dict(part), **rest}:
            return not rest and any(isinstance(part.get(kind), dict) for kind in _WHOLE)
        case {"text": [int(start), int(end)], "signature": str()}:
            return 0 <= start <= end
        case {"thought": [int(start), int(end)], "signature": str()}:
            return 0 <= start <= end
        case {"computer": list(), **rest}:
            return not rest
        case {"call": str(), "signature": str()} | {"image": str(), "signature": str()}:
            return True
        case _:
            return False
