"""What an answer is grounded on: `groundingMetadata` and `citationMetadata`, as annotations and searches.

    groundingSupports[].segment {startIndex, endIndex, text}, groundingChunkIndices → groundingChunks
    groundingChunks[].web                   pages, which a search of the web has found
    groundingChunks[].retrievedContext      pieces of files, which a search in them has found
    citationSources[] | citations[] {startIndex, endIndex, uri}

Indexes count bytes of UTF-8, in the text of the whole answer; ours count characters. The text of a segment,
where there is one, says whether its indexes are right. The metadata comes with every chunk, growing, or only
with the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antiphon.core.deltas import Citation
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.gemini.hosted import files_item, search_item
from antiphon.upstream.dialects.gemini.wire import items, mapping, mappings, string, strings

_TOLD = frozenset({"documentName", "title", "text", "customMetadata"})


class Grounding:
    """What is known so far."""

    __slots__ = ("_metadata", "_quoted")

    def __init__(self) -> None:
        self._metadata: JSON = {}
        self._quoted: list[JSON] = []

    def add(self, candidate: JSON) -> None:
        """What one chunk brings: the later value of a field takes the place of the earlier."""
        metadata = candidate.get("groundingMetadata")
        if isinstance(metadata, dict):
            self._metadata.update((name, value) for name, value in metadata.items() if value)
        quoted = candidate.get("citationMetadata")
        if isinstance(quoted, dict):
            found = mappings(quoted.get("citationSources")) or mappings(quoted.get("citations"))
            self._quoted = found or self._quoted

    def citations(self, text: str, start: int, end: int, part: str) -> Iterator[Citation]:
        """The citations in characters `start` to `end` of the answer's text, which are `part`."""
        if not self._metadata and not self._quoted:
            return
        answer = _Text(text)
        for segment, annotation in self._annotations():
            first, last = answer.span(segment)
            if start <= first < last <= end:
                placed = {"start_index": first - start, "end_index": last - start}
                yield Citation(part, {**annotation, **placed})

    def search(self) -> JSON | None:
        """The web search that was made, as an item."""
        queries = strings(self._metadata.get("webSearchQueries"))
        pages = (chunk.get("web") for chunk in mappings(self._metadata.get("groundingChunks")))
        urls = [string(page.get("uri")) for page in pages if isinstance(page, dict)]
        return search_item(queries, list(dict.fromkeys(filter(None, urls)))) if queries or urls else None

    def files(self) -> JSON | None:
        """The search in files that was made, as an item."""
        chunks = (chunk.get("retrievedContext") for chunk in mappings(self._metadata.get("groundingChunks")))
        results = [_result(found) for found in chunks if isinstance(found, dict)]
        queries = strings(self._metadata.get("retrievalQueries"))
        return files_item(queries, results) if results else None

    def _annotations(self) -> Iterator[tuple[JSON, JSON]]:
        """Each with the segment that it is on."""
        chunks = items(self._metadata.get("groundingChunks"))
        for support in mappings(self._metadata.get("groundingSupports")):
            segment = support.get("segment")
            for index in items(support.get("groundingChunkIndices")):
                if isinstance(segment, dict) and type(index) is int and 0 <= index < len(chunks):
                    yield segment, _annotation(chunks[index], index)
        for quote in self._quoted:
            if uri := string(quote.get("uri")):
                yield quote, {"type": "url_citation", "url": uri, "title": string(quote.get("title"))}


class _Text:
    """A text, and where its bytes are."""

    __slots__ = ("_bytes", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._bytes = text.encode("utf-8", "replace")

    def span(self, segment: JSON) -> tuple[int, int]:
        """The characters of the segment, from … to; (0, 0) if it is not in the text."""
        start, end = (
            value if type(value := segment.get(name)) is int and value > 0 else 0
            for name in ("startIndex", "endIndex")
        )
        said = string(segment.get("text"))
        if said and self._bytes[start:end] != said.encode("utf-8", "replace"):
            found = self._text.find(said)
            return (found, found + len(said)) if found >= 0 else (0, 0)
        return self._characters(start), self._characters(end)

    def _characters(self, count: int) -> int:
        return len(self._bytes[:count].decode("utf-8", "ignore"))


def _annotation(chunk: Any, index: int) -> JSON:
    """A chunk is a page, a place or an image with a URI, or a piece of a file."""
    source = next((value for value in mapping(chunk).values() if isinstance(value, dict)), {})
    uri = string(source.get("uri")) or string(source.get("sourceUri"))
    if uri:
        return {"type": "url_citation", "url": uri, "title": string(source.get("title"))}
    return {
        "type": "file_citation",
        "index": index,
        **_file_of(source),
    }


def _result(found: JSON) -> JSON:
    """A piece of a file, as a result of a search; fields of no other name keep their own."""
    further = {name: value for name, value in found.items() if name not in _TOLD}
    attributes = {
        entry["key"]: value
        for entry in mappings(found.get("customMetadata"))
        for name, value in entry.items()
        if name != "key" and isinstance(entry.get("key"), str)
    }
    return {**further, **_file_of(found), "text": string(found.get("text")), "attributes": attributes}


def _file_of(source: JSON) -> JSON:
    return {
        "file_id": string(source.get("documentName")) or string(source.get("fileSearchStore")),
        "filename": string(source.get("title")),
    }
