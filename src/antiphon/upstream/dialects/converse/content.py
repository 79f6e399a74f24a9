"""Parts of a message, as Converse's content blocks.

    input_text, output_text, refusal  → text          never blank: that is refused
    input_image                       → image         bytes, or a place in S3
    input_file                        → document      bytes, or a place in S3; an image is one here too
    input_audio                       → audio         bytes, in messages alone

Converse fetches nothing from the web: other URLs are fetched by the gateway, or refused. `cache_control`
and `prompt_cache_breakpoint` on a part become a cache point after its block. The same blocks stand in the
outputs of tools, where there can be no cache points: the caller moves them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.attachments import Attachment, attachment
from antiphon.core.caching import mark_of, minutes_or_hour
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON

CACHE_POINT = "cachePoint"

_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif",
           "image/webp": "webp"}  # fmt: skip
_OFFICE = "application/vnd.openxmlformats-officedocument"
_DOCUMENTS = {
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/markdown": "md",
}
_ENDINGS = {"htm": "html", "jpg": "jpeg", "text": "txt"}
_IMAGE_FORMATS = frozenset(_IMAGES.values())
_DOCUMENT_FORMATS = frozenset({*_DOCUMENTS.values(), "txt"})
_SOUNDS = ("mp3", "opus", "wav", "aac", "flac", "ogg", "m4a", "pcm", "webm")
_PDF = b"%PDF-"
_S3 = "s3://"
_BAD_IN_NAMES = re.compile(r"[^a-zA-Z0-9()\[\]-]+")  # one of white space in a row may stand, too
_LONGEST_NAME = 200


class Parts:
    """Makes the blocks of one request. The names of its documents differ from one another."""

    def __init__(self, adapted: Adaptations) -> None:
        self._adapted = adapted
        self._names: set[str] = set()

    def blocks(self, parts: Any, where: str, *, whole: bool = False) -> Iterator[JSON]:
        """The blocks of a list of parts, or of a plain string; among them cache points.

        `where` is the path of the list in the request; `whole`: no part may be left out. Raises
        InvalidRequest for what Converse cannot be told.
        """
        if isinstance(parts, str):
            parts = [{"type": "input_text", "text": parts}]
        for index, part in enumerate(parts or ()):
            path = f"{where}[{index}]"
            block, mark = self._block(part, path, whole), mark_of(part)
            if block is not None:
                yield block
                if mark is not None:
                    yield cache_point(minutes_or_hour(mark, f"{path}.{mark.field}", self._adapted))
            elif mark is not None:
                self._adapted.dropped(f"{path}.{mark.field}", "there is nothing to keep")

    def _block(self, part: JSON, path: str, whole: bool) -> JSON | None:
        match part.get("type"):
            case "input_text" | "output_text" | "text":
                return _text(part.get("text"))
            case "refusal":
                return _text(part.get("refusal"))
            case "input_image":
                return self._image(part, path)
            case "input_file":
                return self._file(part, path)
            case "input_audio" if whole:
                return _audio(part, path)
        if whole:
            raise _unsayable(part, path)
        self._adapted.dropped(path, "a part of this type cannot be told to this model")
        return None

    def _image(self, part: JSON, path: str) -> JSON:
        self._note_detail(part, path)
        url = part.get("image_url")
        if not isinstance(url, str):
            raise _unreadable(path, "file_id", "An image must be given as an `image_url`")
        if url.startswith(_S3):
            format, source = _ending(url), _s3(url)
        else:
            found = _fetched(url, f"{path}.image_url")
            format, source = _IMAGES.get(found.media_type, ""), {"bytes": found.base64}
        if format not in _IMAGE_FORMATS:
            raise _unreadable(path, "image_url", "An image must be PNG, JPEG, GIF or WebP")
        return {"image": {"format": format, "source": source}}

    def _file(self, part: JSON, path: str) -> JSON:
        self._note_detail(part, path)
        data, url, name = part.get("file_data"), part.get("file_url"), str(part.get("filename") or "")
        if isinstance(data, str):
            found = attachment(data)
            if found is None:
                raise _unreadable(path, "file_data", "A file must be in base64, or a data URL,")
            format, source, field = _format(found, name), {"bytes": found.base64}, "file_data"
        elif isinstance(url, str):
            format, source, field = _ending(name or url), _s3(url), "file_url"
            if not url.startswith(_S3):
                raise _from_the_web(f"{path}.file_url")
        else:
            raise _unreadable(path, "file_id", "A file must be given as `file_data` or `file_url`")
        if format in _IMAGE_FORMATS:
            return {"image": {"format": format, "source": source}}
        if format not in _DOCUMENT_FORMATS:
            rule = "A file must be a PDF, a Word or Excel document, HTML, CSV, plain text or an image"
            raise _unreadable(path, field, rule)
        return {"document": {"format": format, "name": self._name(name, format), "source": source}}

    def _name(self, filename: str, format: str) -> str:
        """A name in Converse's alphabet, different from those before. It is read by the model."""
        bare = filename[: -len(format) - 1] if filename.lower().endswith(f".{format}") else filename
        plain = _BAD_IN_NAMES.sub(" ", bare).strip()[:_LONGEST_NAME].strip() or "document"
        unique, count = plain, 1
        while unique in self._names:
            count += 1
            unique = f"{plain[: _LONGEST_NAME - 6]} ({count})"
        self._names.add(unique)
        return unique

    def _note_detail(self, part: JSON, path: str) -> None:
        if part.get("detail") not in (None, "auto"):
            self._adapted.dropped(f"{path}.detail", "this model does not offer it")


def cache_point(ttl: str | None) -> JSON:
    """`ttl`: 5m or 1h; None: as long as AWS likes."""
    return {CACHE_POINT: {"type": "default"} | ({} if ttl is None else {"ttl": ttl})}


def _audio(part: JSON, path: str) -> JSON:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_AudioBlock.html"""
    sound = part.get("input_audio") or {}
    format = str(sound.get("format") or "").lower()
    if format not in _SOUNDS:
        raise _unreadable(f"{path}.input_audio", "format", f"Sound must be one of {', '.join(_SOUNDS)}")
    return {"audio": {"format": format, "source": {"bytes": str(sound.get("data") or "")}}}


def _text(text: Any) -> JSON | None:
    return {"text": text} if isinstance(text, str) and text.strip() else None


def _format(found: Attachment, name: str) -> str:
    """By what the data is called, then by the name's ending, then by what it looks like."""
    for format in (_IMAGES.get(found.media_type), _DOCUMENTS.get(found.media_type), _ending(name)):
        if format in _IMAGE_FORMATS or format in _DOCUMENT_FORMATS:
            return str(format)
    if found.content.startswith(_PDF):
        return "pdf"
    return "txt" if found.media_type and found.text is not None else ""


def _ending(name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    return _ENDINGS.get(ending, ending)


def _s3(url: str) -> JSON:
    return {"s3Location": {"uri": url}}


def _fetched(url: str, where: str) -> Attachment:
    if not url.startswith("data:"):
        raise _from_the_web(where)
    found = attachment(url)
    if found is None:
        raise InvalidRequest("This is not a data URL.", param=where)
    return found


def _from_the_web(where: str) -> InvalidRequest:
    return InvalidRequest(
        "This model's provider fetches nothing from the web: send it as a data URL, or name its place in S3 "
        "(`s3://…`).",
        code="unsupported_value",
        param=where,
    )


def _unsayable(part: JSON, path: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{path}': a part of type {part.get('type')!r} cannot be said to this model.",
        code="unsupported_value",
        param=path,
    )


def _unreadable(path: str, field: str, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{rule} for this model.", param=f"{path}.{field}")
