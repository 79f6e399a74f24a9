"""Citations, as annotations of the Responses API: one for each source.

    a source with a URL (`document` or `tool_output` has a `url`)     url_citation
    any other                                                         file_citation

Cohere says where in the text of its block a citation stands: `start` and `end`, in characters. A file
citation has no fields for that by OpenAI's schema; they are carried in it as `start_index` and `end_index`,
as is the text that is cited, and the source as it came. `file_id` is Cohere's id of the source:
`doc:0`, or the id of the call and the number of the document in its output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from antiphon.protocol.json import JSON

_URL = re.compile(r"https?://\S+")
_NUMBER = re.compile(r".*:(\d{1,9})", re.DOTALL)


def is_on_text(citation: JSON) -> bool:
    """Others are on a plan or on thoughts; older models do not say."""
    return citation.get("type") in (None, "TEXT_CONTENT")


def annotations_of(citation: JSON) -> Iterator[JSON]:
    found = citation.get("sources")
    sources = [source for source in found if isinstance(source, dict)] if isinstance(found, list) else []
    place: JSON = {"text": _string(citation.get("text"))}
    for name, value in (("start_index", citation.get("start")), ("end_index", citation.get("end"))):
        if type(value) is int and value >= 0:
            place[name] = value
    for source in sources or [{}]:
        yield {**_kind(source), **place, "source": source}


def _kind(source: JSON) -> JSON:
    data = next(
        (value for key in ("document", "tool_output") if isinstance(value := source.get(key), dict)), {}
    )
    title, url, source_id = (_string(data.get("title")), _string(data.get("url")), _string(source.get("id")))
    if _URL.fullmatch(url):
        return {"type": "url_citation", "url": url, "title": title}
    number = _NUMBER.fullmatch(source_id)
    return {
        "type": "file_citation",
        "file_id": source_id,
        "filename": title or source_id,
        "index": int(number[1]) if number else 0,
    }


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
