"""Content parts of the Responses API, as Gemini's parts.

    input_text, output_text, refusal     {text}                       never empty
    input_image, input_file with data    {inlineData: {mimeType, data}}; text files are sent as plain text
                     … with a URL        {fileData: {fileUri, mimeType}}; the type is that of its ending
    input_audio                          {inlineData}

A part of another kind is refused, or left out and noted.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from antiphon.core.adaptations import Adaptations
from antiphon.core.attachments import attachment
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.gemini.wire import string

_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
_ALIASES = {"image/jpg": "image/jpeg", "application/x-pdf": "application/pdf"}
_PDF = "application/pdf"
_TEXTS = ("txt", "md", "csv", "json", "html", "xml", "yaml", "py", "js", "ts", "css")
_BY_ENDING = {ending: "text/plain" for ending in _TEXTS} | {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": _PDF,
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "m4a": "audio/m4a",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mpeg": "video/mpeg",
}
_VIDEOS = ("https://www.youtube.com/", "https://youtu.be/")
_OWN_URLS = ("gs://", "https://generativelanguage.googleapis.com/", *_VIDEOS)
"""What Google has already: every model takes it."""

Say = Callable[[JSON, str, bool, Adaptations], JSON | None]


def parts_of(
    content: Any, where: str, adapted: Adaptations, *, fetches: bool, whole: bool = False
) -> Iterator[JSON]:
    """The parts of a list of content parts (or of a plain string).

    `where`: the path of the list in the request; `fetches`: URLs of the web are taken; `whole`: no part may
    be left out. Raises InvalidRequest for what Gemini cannot be told, such as a file in another form.
    """
    if isinstance(content, str):
        content = [{"type": "input_text", "text": content}]
    for index, part in enumerate(content or ()):
        path = f"{where}[{index}]"
        say = _PARTS.get(part.get("type"))
        if say is None and whole:
            raise _unsayable(part, path)
        if say is None:
            adapted.dropped(path, "this model takes no part of this type")
            continue
        said = say(part, path, fetches, adapted)
        if said is not None:
            yield said
        for marker in ("cache_control", "prompt_cache_breakpoint"):
            if part.get(marker) is not None:
                adapted.dropped(f"{path}.{marker}", NOT_OFFERED)


def takes_url(part: JSON, *, fetches: bool) -> bool:
    """Whether the URL of an image or a file can go out as it is. `fetches`: URLs of the web are taken."""
    url = string(part.get("image_url") or part.get("file_url"))
    return url.startswith(_OWN_URLS) or (fetches and _ending(urlsplit(url).path) in _BY_ENDING)


def _text(part: JSON, path: str, fetches: bool, adapted: Adaptations) -> JSON | None:
    text = part.get("refusal") if part.get("type") == "refusal" else part.get("text")
    return {"text": text} if text else None


def _image(part: JSON, path: str, fetches: bool, adapted: Adaptations) -> JSON:
    _note_detail(part, path, adapted)
    url = part.get("image_url")
    if not isinstance(url, str):
        raise _unreadable(f"{path}.file_id", "An image must be given as an `image_url`")
    if url[:5].lower() != "data:":
        return _by_url(url, f"{path}.image_url", "image/jpeg", fetches, adapted)
    found = attachment(url)
    kind = "" if found is None else _ALIASES.get(found.media_type, found.media_type)
    if found is None or kind not in _IMAGES:
        raise _unreadable(f"{path}.image_url", "An image must be PNG, JPEG, WebP, HEIC or HEIF")
    return _inline(kind, found.base64)


def _file(part: JSON, path: str, fetches: bool, adapted: Adaptations) -> JSON:
    _note_detail(part, path, adapted)
    data, url, name = part.get("file_data"), part.get("file_url"), part.get("filename")
    if name:
        adapted.dropped(f"{path}.filename", NOT_OFFERED)
    if isinstance(url, str) and not isinstance(data, str):
        return _by_url(url, f"{path}.file_url", _PDF, fetches, adapted)
    if not isinstance(data, str):
        raise _unreadable(f"{path}.file_id", "A file must be given as `file_data` or `file_url`")
    found = attachment(data)
    if found is None:
        raise _unreadable(f"{path}.file_data", "A file must be a data URL or base64")
    kind = _ALIASES.get(found.media_type, found.media_type)
    if found.content.startswith(b"%PDF-"):
        kind = _PDF
    elif kind in ("", "application/octet-stream"):
        kind = _BY_ENDING.get(_ending(string(name)), "")
    text = found.text
    if kind in _IMAGES or kind == _PDF or kind.startswith(("audio/", "video/")):
        return _inline(kind, found.base64)
    if text is None:
        raise _unreadable(f"{path}.file_data", "A file must be a PDF, an image, sound, a video or text")
    return _inline("text/plain", b64encode(text.encode()).decode())


def _audio(part: JSON, path: str, fetches: bool, adapted: Adaptations) -> JSON:
    sound = part.get("input_audio") or {}
    return _inline(f"audio/{sound.get('format')}", string(sound.get("data")))


def _by_url(url: str, where: str, otherwise: str, fetches: bool, adapted: Adaptations) -> JSON:
    """`otherwise`: the type that a URL without a telling end is taken for."""
    if not fetches and not url.startswith(_OWN_URLS):
        raise _unreadable(where, "A file must be sent as data, not as a URL,")
    kind = "video/mp4" if url.startswith(_VIDEOS) else _BY_ENDING.get(_ending(urlsplit(url).path))
    if kind is None:
        adapted.translated(where, f"the URL does not say what it is, taken for {otherwise}")
    return {"fileData": {"mimeType": kind or otherwise, "fileUri": url}}


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _inline(kind: str, data: str) -> JSON:
    return {"inlineData": {"mimeType": kind, "data": data}}


def _note_detail(part: JSON, path: str, adapted: Adaptations) -> None:
    if part.get("detail") not in (None, "auto"):
        adapted.dropped(f"{path}.detail", NOT_OFFERED)


def _unsayable(part: JSON, path: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{path}': a part of type {part.get('type')!r} cannot be said to this model.",
        code="unsupported_value",
        param=path,
    )


def _unreadable(where: str, rule: str) -> InvalidRequest:
    return InvalidRequest(f"{rule} for this model.", param=where)


_PARTS: dict[Any, Say] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "refusal": _text,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}
