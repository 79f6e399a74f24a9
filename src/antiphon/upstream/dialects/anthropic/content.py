"""Parts of a message, as Anthropic's content blocks.

    input_text, output_text, refusal  → text          (never blank: that is refused)
    input_image                       → image         (URL, or base64 from a data URL)
    input_file                        → document      (PDF or plain text; URL of a PDF), or image

The same blocks stand in messages and in tool results. A part of another kind is refused, or left out and
noted.
`cache_control` and `prompt_cache_breakpoint` on a part become the block's `cache_control`.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from antiphon.core.adaptations import Adaptations
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_ALIASES = {"image/jpg": "image/jpeg", "application/x-pdf": "application/pdf"}
_BY_ENDING = {"pdf": "application/pdf", "txt": "text/plain", "md": "text/plain", "csv": "text/plain"}
_PDF_IN_BASE64 = "JVBERi"  # "%PDF"
_HOUR = 3600  # seconds

SYSTEM_TAGS = "<system>\n{}\n</system>"


def blocks(parts: Any, where: str, adapted: Adaptations, *, whole: bool = False) -> Iterator[JSON]:
    """The blocks of a list of parts (or of a plain string).

    `where` is the path of the list in the request; `whole`: no part may be left out. Raises InvalidRequest
    for what Anthropic cannot be told, such as an image or a file in another form.
    """
    if isinstance(parts, str):
        parts = [{"type": "input_text", "text": parts}]
    for index, part in enumerate(parts or ()):
        path = f"{where}[{index}]"
        say = _PARTS.get(part.get("type"))
        if say is None and whole:
            raise _unsayable(part, path)
        if say is None:
            adapted.dropped(path, "this model takes no part of this type")
            continue
        block = say(part, path, adapted)
        if block is not None:
            marker = cache_marker(part)
            yield block if marker is None else {**block, "cache_control": marker}


def cache_marker(part: JSON) -> JSON | None:
    """Times to live of an hour and more become "1h", all others "5m"."""
    asked = part.get("cache_control")
    if not isinstance(asked, dict):
        asked = part.get("prompt_cache_breakpoint")
        if not isinstance(asked, dict):
            return None
    return marker_for(asked.get("ttl"))


def marker_for(ttl: Any) -> JSON:
    if ttl is None:
        return {"type": "ephemeral"}
    return {"type": "ephemeral", "ttl": "1h" if _seconds(str(ttl)) >= _HOUR else "5m"}


def _seconds(ttl: str) -> int:
    """The length of "3600s", "60m", "1h", "300"; 0 for anything else."""
    number, unit = (ttl[:-1], ttl[-1:]) if not ttl.isdigit() else (ttl, "s")
    factor = {"s": 1, "m": 60, "h": _HOUR}.get(unit)
    return int(number) * factor if factor and number.isdecimal() and len(number) < 10 else 0


def _text(part: JSON, path: str, adapted: Adaptations) -> JSON | None:
    return _words(part.get("text"))


def _refusal(part: JSON, path: str, adapted: Adaptations) -> JSON | None:
    return _words(part.get("refusal"))


def _words(text: Any) -> JSON | None:
    """None: there is nothing but white space."""
    return {"type": "text", "text": text} if text and not text.isspace() else None


def _image(part: JSON, path: str, adapted: Adaptations) -> JSON:
    _note_detail(part, path, adapted)
    url = part.get("image_url")
    if not isinstance(url, str):
        raise _unreadable(path, "file_id", "An image must be given as an `image_url`")
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    media_type, data = _data_url(url, f"{path}.image_url")
    if media_type not in _IMAGES:
        raise _unreadable(path, "image_url", "An image must be JPEG, PNG, GIF or WebP")
    return _base64("image", media_type, data)


def _file(part: JSON, path: str, adapted: Adaptations) -> JSON:
    _note_detail(part, path, adapted)
    data, url, title = part.get("file_data"), part.get("file_url"), part.get("filename")
    if isinstance(data, str):
        block = _document(data, title, path)
    elif isinstance(url, str):
        block = {"type": "document", "source": {"type": "url", "url": url}}
    else:
        raise _unreadable(path, "file_id", "A file must be given as `file_data` or `file_url`")
    return {**block, "title": title} if title and block["type"] == "document" else block


def may_be_pdf(url: str) -> bool:
    """Whether a file's URL does not say that it leads to something else."""
    name = urlsplit(url).path.rpartition("/")[2]
    return "." not in name or name.lower().endswith(".pdf")


def _note_detail(part: JSON, path: str, adapted: Adaptations) -> None:
    if part.get("detail") not in (None, "auto"):
        adapted.dropped(f"{path}.detail", NOT_OFFERED)


def _document(data: str, name: Any, path: str) -> JSON:
    if data.startswith("data:"):
        media_type, data = _data_url(data, f"{path}.file_data")
    elif data.startswith(_PDF_IN_BASE64):
        media_type = "application/pdf"
    else:
        media_type = _BY_ENDING.get(str(name or "").rpartition(".")[2].lower(), "")
    if media_type in _IMAGES:
        return _base64("image", media_type, data)
    if media_type == "application/pdf":
        return _base64("document", media_type, data)
    if media_type.startswith("text/"):
        return {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": _plain(data, path)},
        }
    raise _unreadable(path, "file_data", "A file must be a PDF, an image or plain text")


def _base64(kind: str, media_type: str, data: str) -> JSON:
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}}


def _plain(data: str, path: str) -> str:
    try:
        return b64decode(data).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise _unreadable(path, "file_data", "A file must be in base64") from None


def _data_url(url: str, where: str) -> tuple[str, str]:
    """Media type and base64 of a data URL (RFC 2397)."""
    head, comma, data = url[5:].partition(",")
    if not comma:
        raise InvalidRequest("This is not a data URL.", param=where)
    media_type, *parameters = (word.strip().lower() for word in head.split(";"))
    media_type = _ALIASES.get(media_type, media_type or "text/plain")
    if "base64" not in parameters:
        data = b64encode(unquote_to_bytes(data)).decode()
    return media_type, data


def _unsayable(part: JSON, path: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{path}': a part of type {part.get('type')!r} cannot be said to this model.",
        code="unsupported_value",
        param=path,
    )


def _unreadable(path: str, field: str, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{rule} for this model.", param=f"{path}.{field}")


_PARTS: dict[Any, Callable[[JSON, str, Adaptations], JSON | None]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "refusal": _refusal,
    "input_image": _image,
    "input_file": _file,
}
