"""Parts of a message, as Anthropic's content blocks.

    input_text, output_text, refusal  → text          (never blank: that is refused)
    input_image                       → image         (URL, or base64 from a data URL)
    input_file                        → document      (PDF or plain text; URL of a PDF), or image
        … with the id of a file that Anthropic keeps: the same, on its own platform, behind a beta

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
from antiphon.core.attachments import attachment
from antiphon.core.caching import Mark, mark_of, minutes_or_hour
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_ALIASES = {"image/jpg": "image/jpeg", "application/x-pdf": "application/pdf"}
_BY_ENDING = {"pdf": "application/pdf", "txt": "text/plain", "md": "text/plain", "csv": "text/plain"}
_PDF_IN_BASE64 = "JVBERi"  # "%PDF"

_OWN_FILES = "file_"
_FILES = ("input_image", "input_file", "computer_screenshot")

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
        block, mark = say(part, path, adapted), mark_of(part)
        if block is not None:
            marked = {} if mark is None else {"cache_control": marker(mark, f"{path}.{mark.field}", adapted)}
            yield {**block, **marked}
        elif mark is not None:
            adapted.dropped(f"{path}.{mark.field}", "there is nothing to keep")


def marker(mark: Mark, path: str, adapted: Adaptations) -> JSON:
    """A mark as Anthropic knows it. `path`: where it is in the request."""
    ttl = minutes_or_hour(mark, path, adapted)
    return {"type": "ephemeral"} | ({} if ttl is None else {"ttl": ttl})


def _text(part: JSON, path: str, adapted: Adaptations) -> JSON | None:
    return _words(part.get("text"))


def _refusal(part: JSON, path: str, adapted: Adaptations) -> JSON | None:
    return _words(part.get("refusal"))


def _words(text: Any) -> JSON | None:
    """None: there is nothing but white space."""
    return {"type": "text", "text": text} if text and not text.isspace() else None


def image(part: JSON, path: str, adapted: Adaptations) -> JSON:
    _note_detail(part, path, adapted)
    url = part.get("image_url")
    if not isinstance(url, str):
        return {"type": "image", "source": _kept(part, path, "An image must be given as an `image_url`")}
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
        source = _kept(part, path, "A file must be given as `file_data` or `file_url`")
        block = {"type": "document", "source": source}
    return {**block, "title": title} if title and block["type"] == "document" else block


def _kept(part: JSON, path: str, rule: str) -> JSON:
    """A file that Anthropic keeps (https://platform.claude.com/docs/en/build-with-claude/files)."""
    file_id = part.get("file_id")
    if not isinstance(file_id, str) or not file_id.startswith(_OWN_FILES):
        raise _unreadable(path, "file_id", f"{rule}, or by the id of a file that Anthropic keeps (`file_…`)")
    return {"type": "file", "file_id": file_id}


def has_kept_files(body: JSON) -> bool:
    """Whether a block names a file that Anthropic keeps."""
    said = (block for message in body["messages"] for block in message["content"])
    inner = (each for block in said for each in (block, *_blocks_in(block)))
    return any(isinstance(source := each.get("source"), dict) and source["type"] == "file" for each in inner)


def _blocks_in(block: JSON) -> list[JSON]:
    held = block.get("content")
    return held if block["type"] == "tool_result" and isinstance(held, list) else []


def refuse_kept_files(items: list[JSON]) -> None:
    """For platforms where nobody keeps files. Raises InvalidRequest naming the first that is asked for."""
    for index, item in enumerate(items):
        for field in ("content", "output"):
            for place, part in _parts_in(item.get(field)):
                if part.get("file_id") and part.get("type") in _FILES:
                    path = f"input[{index}].{field}{place}"
                    raise _unreadable(path, "file_id", "An image or a file must be sent itself")


def _parts_in(value: Any) -> Iterator[tuple[str, JSON]]:
    """Each part with its place in the field; a screenshot is the field itself."""
    if isinstance(value, dict):
        yield "", value
    elif isinstance(value, list):
        yield from ((f"[{at}]", part) for at, part in enumerate(value) if isinstance(part, dict))


def may_be_pdf(url: str) -> bool:
    """Whether a file's URL does not say that it leads to something else."""
    name = urlsplit(url).path.rpartition("/")[2]
    return "." not in name or name.lower().endswith(".pdf")


def _note_detail(part: JSON, path: str, adapted: Adaptations) -> None:
    if part.get("detail") not in (None, "auto"):
        adapted.dropped(f"{path}.detail", NOT_OFFERED)


def _document(given: str, name: Any, path: str) -> JSON:
    data = given
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
    text = _plain(data, path) if media_type.startswith("text/") else _text_of(given)
    if text is None:
        raise _unreadable(path, "file_data", "A file must be a PDF, an image or text")
    return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}}


def _text_of(data: str) -> str | None:
    """JSON, source code and so on; None for anything else."""
    found = attachment(data)
    return None if found is None else found.text


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
    "input_image": image,
    "input_file": _file,
}
