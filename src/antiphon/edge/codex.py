"""The list of models in the form that Codex asks for, with `client_version` in the query.

Codex calls an entry without instructions an error, and gives the model these in place of its own; so there
are entries only where the operator says what the instructions are. Field by field as Codex 0.169 reads it
(its type `ModelInfo`); what is left out has a default there.
"""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.protocol.json import JSON

_EFFORTS = {
    "low": "Answers soon",
    "medium": "Thinks as long as most work needs",
    "high": "Thinks long, for hard work",
}
_LONGEST_OUTPUT = {"mode": "tokens", "limit": 10_000}  # of a tool, as Codex has it for its own models


def catalogue(entries: Iterable[JSON], instructions: str) -> list[JSON]:
    """Of entries of `GET /v1/models`, the first of which is the one that Codex offers first."""
    return [_model(entry, instructions, place) for place, entry in enumerate(entries)]


def _model(entry: JSON, instructions: str, place: int) -> JSON:
    can = entry["capabilities"]
    thinks = can is not None and "reasoning" in can
    works = can is None or "tools" in can
    window = {} if entry["context_window"] is None else {"context_window": entry["context_window"]}
    return {
        "slug": entry["id"],
        "display_name": entry["id"],
        "description": None,
        "priority": place,
        "visibility": "list" if works else "hide",
        "supported_in_api": True,
        "base_instructions": instructions,
        "supported_reasoning_levels": [
            {"effort": effort, "description": about} for effort, about in _EFFORTS.items() if thinks
        ],
        **({"default_reasoning_level": "medium"} if thinks else {}),
        "supports_reasoning_summaries": thinks,
        "support_verbosity": False,
        "shell_type": "unified_exec",
        "apply_patch_tool_type": "freeform",
        "truncation_policy": _LONGEST_OUTPUT,
        "supports_parallel_tool_calls": True,
        "experimental_supported_tools": [],
        "input_modalities": ["text", *(["image"] if can is None or "image" in can else [])],
        **window,
        **({"max_context_window": entry["context_window"]} if window else {}),
    }
