"""Citations, as annotations of the Responses API (B8).

    web, searchResultLocation                       url_citation
    documentChar, documentPage, documentChunk       file_citation

A citation covers the whole text of its block, and `start` and `end` count in the document: they are carried
under their own names. What the document says there is `cited_text`.
"""

from __future__ import annotations

from typing import Any

from antiphon.protocol.json import JSON


def annotation_of(citation: Any) -> JSON | None:
    """None for a citation of a place that we have not met."""
    if not isinstance(citation, dict) or not isinstance(location := citation.get("location"), dict):
        return None
    cited = _cited_text(citation.get("sourceContent"))
    further = {"cited_text": cited} if cited else {}
    for kind, place in location.items():
        if not isinstance(place, dict):
            continue
        if kind in ("web", "searchResultLocation"):
            return _url_citation(citation, place) | further
        if kind.startswith("document"):
            return _file_citation(citation, kind, place) | further
    return None


def _url_citation(citation: JSON, place: JSON) -> JSON:
    carried = {key: value for key, value in place.items() if key != "url"}
    url = _text(place, "url") or _text(citation, "source")
    return {"type": "url_citation", "url": url, "title": _text(citation, "title"), **carried}


def _file_citation(citation: JSON, kind: str, place: JSON) -> JSON:
    index = place.get("documentIndex")
    carried = {key: value for key, value in place.items() if key != "documentIndex"}
    return {
        "type": "file_citation",
        "index": index if isinstance(index, int) else 0,
        "file_id": "",
        "filename": _text(citation, "title"),
        "location": kind,
        **carried,
    }


def _cited_text(source: Any) -> str:
    parts = source if isinstance(source, list) else ()
    return "".join(_text(part, "text") for part in parts if isinstance(part, dict))


def _text(value: JSON, field: str) -> str:
    text = value.get(field)
    return text if isinstance(text, str) else ""
