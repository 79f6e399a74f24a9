"""A search in files: `fileSearch`, over the stores that the Gemini API keeps.

    vector_store_ids    fileSearchStoreNames, those that are `fileSearchStores/…`
    max_num_results     topK
    filters             metadataFilter, in the language of https://google.aip.dev/160

A filter that cannot be said leaves the whole tool out: without it the model would read what it must not.

Reference: https://ai.google.dev/gemini-api/docs/file-search, as of November 2026.
"""

from __future__ import annotations

import re
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.json import JSON, encode
from antiphon.upstream.dialects.gemini.wire import mapping, mappings, strings

_STORE = "fileSearchStores/"
_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_COMPARED = {"eq": "=", "ne": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_LISTED = {"in": ("=", " OR "), "nin": ("!=", " AND ")}
_JOINED = {"and": " AND ", "or": " OR "}


def file_search(tool: JSON, path: str, adapted: Adaptations) -> JSON | None:
    """The `fileSearch`; None: it is left out, and that is noted at `path`."""
    asked = strings(tool.get("vector_store_ids"))
    stores = [name for name in asked if name.startswith(_STORE)]
    if not stores:
        adapted.dropped(path, f"this provider searches in its own stores, whose ids begin with {_STORE}")
        return None
    said: JSON = {"fileSearchStoreNames": stores}
    if filters := tool.get("filters"):
        if (told := _condition(filters)) is None:
            adapted.dropped(path, "its filters cannot be told here, and without them it must not search")
            return None
        said["metadataFilter"] = told
    if len(stores) < len(asked):
        adapted.dropped(f"{path}.vector_store_ids", f"stores whose ids do not begin with {_STORE}")
    if tool.get("max_num_results") is not None:
        said["topK"] = tool["max_num_results"]
    if mapping(tool.get("ranking_options")):
        adapted.dropped(f"{path}.ranking_options", NOT_OFFERED)
    return said


def _condition(asked: Any) -> str | None:
    """A filter as an expression; None: it has no form there."""
    kind, key = mapping(asked).get("type"), mapping(asked).get("key")
    if kind in _JOINED:
        inner = [_condition(each) for each in mappings(asked.get("filters"))]
        said = [f"({each})" for each in inner if each is not None]
        return _JOINED[kind].join(said) if said and len(said) == len(inner) else None
    if not isinstance(key, str) or _KEY.fullmatch(key) is None:
        return None
    if kind in _COMPARED:
        literal = _literal(asked.get("value"))
        return None if literal is None else f"{key} {_COMPARED[kind]} {literal}"
    values = asked.get("value")
    if kind not in _LISTED or not isinstance(values, list):
        return None
    sign, word = _LISTED[kind]
    said = [f"{key} {sign} {literal}" for value in values if (literal := _literal(value)) is not None]
    return word.join(said) if said and len(said) == len(values) else None


def _literal(value: Any) -> str | None:
    """Text in quotes, a number, true or false."""
    return encode(value).decode() if isinstance(value, str | int | float) else None
