"""The output of a call, as a functionResponse.

    response   {"output": text} or {"error": text}
    parts      images and PDFs, on models that take them there

What a response cannot hold follows after it, in the user's words, under a line that says whose it is.
"""

from __future__ import annotations

from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.protocol.json import JSON, encode
from antiphon.upstream.dialects.gemini.models import Abilities, Resolution
from antiphon.upstream.dialects.gemini.parts import parts_of

_NO_OUTPUT = "There is no output of this call."
_IN_RESPONSES = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})


def response_of(
    call: JSON, output: JSON | None, where: str, abilities: Abilities, adapted: Adaptations
) -> tuple[JSON, list[JSON]]:
    """The response to `call`, and the parts that must follow it. `output`: its item, if there is one."""
    answer: JSON = {name: call[name] for name in ("id", "name") if name in call}
    if output is None:
        return {**answer, "response": {"error": _NO_OUTPUT}}, []
    said = output.get("output")
    if not isinstance(said, list):
        return {**answer, "response": {"output": _text(said)}}, []
    resolution: Resolution = "none" if abilities.modern_calls else abilities.resolution
    parts = list(
        parts_of(
            said,
            where,
            adapted,
            fetches=abilities.fetches,
            files=abilities.files,
            resolution=resolution,
        )
    )
    texts = [part["text"] for part in parts if "text" in part]
    held = [part for part in parts if abilities.modern_calls and _fits(part)]
    lifted = [part for part in parts if "text" not in part and part not in held]
    answer["response"] = {"output": "\n".join(texts)}
    if held:
        answer["parts"] = held
    if lifted:
        adapted.translated(where, "images and files of an output follow it, in the user's words")
        lifted.insert(0, {"text": f"Output of the call of {call['name']}:"})
    return answer, lifted


def _fits(part: JSON) -> bool:
    return part.get("inlineData", {}).get("mimeType") in _IN_RESPONSES


def _text(output: Any) -> str:
    return output if isinstance(output, str) else "" if output is None else encode(output).decode()
