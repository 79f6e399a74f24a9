"""Content parts of the Responses API, as Gemini's parts.

    input_text, output_text, refusal     {text}                       never empty
    input_image, input_file with data    {inlineData: {mimeType, data}}; text files are sent as plain text
                     … with a URL        {fileData: {fileUri, mimeType}}; the type is that of its ending
                     … with an id        {fileData: {fileUri}}, of a file that Google keeps
    input_audio                          {inlineData}

A part of another kind is refused, or left out and noted.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from antiphon.core.adaptations import Adaptations
from antiphon.core.attachments import attachment
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.gemini.models import Resolution
from antiphon.upstream.dialects.gemini.wire import mappings, string

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

_OWN_FILE = re.compile(r"files/[a-z0-9-]{1,40}")
_OWN_FILES = "https://generativelanguage.googleapis.com/v1beta/"
_LOOKED_AT = ("input_image", "input_file")
_LEVELS: dict[Any, str] = {
    "low": "MEDIA_RESOLUTION_LOW",
    "high": "MEDIA_RESOLUTION_HIGH",
    "original": "MEDIA_RESOLUTION_HIGH",
}


class Takes(NamedTuple):
    """What is taken where the parts will stand: URLs of the web; ids of files that Google keeps (`files/…`);
    how closely to look, part by part, or said for the request as a whole by somebody else."""

    fetches: bool
    files: bool = False
    resolution: Resolution = "none"


Say = Callable[[JSON, str, Takes, Adaptations], JSON | None]


def parts_of(
    content: Any,
    where: str,
    adapted: Adaptations,
    *,
    fetches: bool,
    files: bool = False,
    resolution: Resolution = "none",
    whole: bool = False,
) -> Iterator[JSON]:
    """The parts of a list of content parts (or of a plain string).

    `where`: the path of the list in the request; `fetches`, `files`, `resolution`: see Takes; `whole`: no
    part may be left out. Raises InvalidRequest for what Gemini cannot be told, as a file in another form.
    """
    takes = Takes(fetches, files, resolution)
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
        said = say(part, path, takes, adapted)
        if said is not None:
            yield said


def takes_url(part: JSON, *, fetches: bool) -> bool:
    """Whether the URL of an image or a file can go out as it is. `fetches`: URLs of the web are taken."""
    url = string(part.get("image_url") or part.get("file_url"))
    return url.startswith(_OWN_URLS) or (fetches and _ending(urlsplit(url).path) in _BY_ENDING)


def _text(part: JSON, path: str, takes: Takes, adapted: Adaptations) -> JSON | None:
    text = part.get("refusal") if part.get("type") == "refusal" else part.get("text")
    return {"text": text} if text else None


def _image(part: JSON, path: str, takes: Takes, adapted: Adaptations) -> JSON:
    return {**_picture(part, path, takes, adapted), **_closely(part, path, takes, adapted)}


def _picture(part: JSON, path: str, takes: Takes, adapted: Adaptations) -> JSON:
    url = part.get("image_url")
    if not isinstance(url, str):
        return _by_id(part, f"{path}.file_id", takes, "An image must be given as an `image_url`")
    if url[:5].lower() != "data:":
        return _by_url(url, f"{path}.image_url", "image/jpeg", takes, adapted)
    found = attachment(url)
    kind = "" if found is None else _ALIASES.get(found.media_type, found.media_type)
    if found is None or kind not in _IMAGES:
        raise _unreadable(f"{path}.image_url", "An image must be PNG, JPEG, WebP, HEIC or HEIF")
    return _inline(kind, found.base64)


def _file(part: JSON, path: str, takes: Takes, adapted: Adaptations) -> JSON:
    return {**_document(part, path, takes, adapted), **_closely(part, path, takes, adapted)}


def _document(part: JSON, path: str, takes: Takes, adapted: Adaptations) -> JSON:
    data, url, name = part.get("file_data"), part.get("file_url"), part.get("filename")
    if name:
        adapted.dropped(f"{path}.filename", NOT_OFFERED)
    if isinstance(url, str) and not isinstance(data, str):
        return _by_url(url, f"{path}.file_url", _PDF, takes, adapted)
    if not isinstance(data, str):
        return _by_id(part, f"{path}.file_id", takes, "A file must be given as `file_data` or `file_url`")
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


def _audio(part: JSON, path: str, takes: Takes, adapted: Adaptations) -> JSON:
    sound = part.get("input_audio") or {}
    return _inline(f"audio/{sound.get('format')}", string(sound.get("data")))


def _by_url(url: str, where: str, otherwise: str, takes: Takes, adapted: Adaptations) -> JSON:
    """`otherwise`: the type that a URL without a telling end is taken for."""
    if not takes.fetches and not url.startswith(_OWN_URLS):
        raise _unreadable(where, "A file must be sent as data, not as a URL,")
    kind = "video/mp4" if url.startswith(_VIDEOS) else _BY_ENDING.get(_ending(urlsplit(url).path))
    if kind is None:
        adapted.translated(where, f"the URL does not say what it is, taken for {otherwise}")
    return {"fileData": {"mimeType": kind or otherwise, "fileUri": url}}


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _inline(kind: str, data: str) -> JSON:
    return {"inlineData": {"mimeType": kind, "data": data}}


def _by_id(part: JSON, where: str, takes: Takes, rule: str) -> JSON:
    """A file of Google's own Files API, which knows its type."""
    file_id = string(part.get("file_id"))
    if not takes.files or not _OWN_FILE.fullmatch(file_id):
        raise _unreadable(
            where, f"{rule}, or by the id of a file that Google keeps (`files/…`)" if takes.files else rule
        )
    return {"fileData": {"fileUri": f"{_OWN_FILES}{file_id}"}}


def _closely(part: JSON, path: str, takes: Takes, adapted: Adaptations) -> JSON:
    """How closely to look: https://ai.google.dev/gemini-api/docs/media-resolution."""
    detail = part.get("detail")
    if detail in (None, "auto"):
        return {}
    if takes.resolution == "none":
        adapted.dropped(f"{path}.detail", NOT_OFFERED)
    elif detail == "original":
        adapted.clamped(f"{path}.detail", "original is asked for as high")
    return {"mediaResolution": {"level": _LEVELS[detail]}} if takes.resolution == "part" else {}


def level_of_all(items: list[JSON]) -> str | None:
    """How closely to look, if all images and files among the items ask for the same."""
    said = (item.get(field) for item in items for field in ("content", "output"))
    parts = (part for value in said for part in mappings(value))
    levels = {_LEVELS.get(part.get("detail")) for part in parts if part.get("type") in _LOOKED_AT}
    return levels.pop() if len(levels) == 1 else None


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
