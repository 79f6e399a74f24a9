"""Content parts of the Responses API, as Chat Completions says them.

input_text, output_text, …   {"type": "text"}; a single plain one is said as a string, which all servers take
refusal                      text: what was said
input_image                  {"type": "image_url"}: a URL or a data URL
input_file                   {"type": "file"} or Mistral's {"type": "document_url"}
input_audio                  its data and format
others                       said as text if they have any; else refused, or left out and noted
"""

from __future__ import annotations

from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.chat.quirks import Quirks

_DATA_ONLY = "This model takes images as data only: send it as a data URL (`data:image/png;base64,…`)."
_MEDIA = frozenset({"input_image", "input_file", "input_audio"})
_TEXTS = ("input_text", "output_text")


def content(
    parts: list[JSON],
    where: str,
    quirks: Quirks,
    adapted: Adaptations,
    *,
    whole: bool = False,
    own: bool = False,
) -> str | list[JSON]:
    """`where`: the path of the list. `whole`: no part may be left out. `own`: the model said it, in a chat
    text alone.

    Raises InvalidRequest for what cannot be said.
    """
    if len(parts) == 1 and (plain := _plain_text(parts[0])) is not None:
        return plain
    said = []
    for index, part in enumerate(parts):
        if own and part.get("type") in _MEDIA:
            adapted.dropped(f"{where}[{index}]", "what the model itself said can only be text in a chat")
            continue
        chat = _part(part, f"{where}[{index}]", quirks, adapted)
        if chat is not None:
            _mark(chat, part, f"{where}[{index}]", quirks, adapted, own=own)
            said.append(chat)
        elif whole:
            raise _unsayable(part, f"{where}[{index}]")
        else:
            adapted.dropped(f"{where}[{index}]", "a part of this type cannot be said in a chat")
    return _simplest(said)


def media_apart(said: str | list[JSON]) -> tuple[str | list[JSON], list[JSON]]:
    """The texts of a content, as a content, and all that is not text."""
    if isinstance(said, str):
        return said, []
    words = [part for part in said if part["type"] == "text"]
    return _simplest(words), [part for part in said if part["type"] != "text"]


def texts(parts: list[JSON]) -> list[str]:
    """The texts of the parts, refusals among them, and nothing else."""
    found = (part.get("text") if part.get("type") != "refusal" else part.get("refusal") for part in parts)
    return [text for text in found if isinstance(text, str) and text]


def joined(first: str | list[JSON], second: str | list[JSON]) -> str | list[JSON]:
    """The content of two messages as that of one."""
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}" if first and second else first or second
    return _listed(first) + _listed(second)


def _simplest(said: list[JSON]) -> str | list[JSON]:
    if not said:
        return ""
    if len(said) == 1 and said[0].keys() == {"type", "text"}:
        return str(said[0]["text"])
    return said


def _listed(said: str | list[JSON]) -> list[JSON]:
    if isinstance(said, list):
        return said
    return [{"type": "text", "text": said}] if said else []


def _plain_text(part: JSON) -> str | None:
    """The text of a part that is nothing more: the common case."""
    text = part.get("text")
    return text if len(part) == 2 and part.get("type") in _TEXTS and isinstance(text, str) else None


def _part(part: JSON, where: str, quirks: Quirks, adapted: Adaptations) -> JSON | None:
    """None: a chat has no way to say it."""
    match part.get("type"):
        case "input_image":
            chat = _image(part, where, quirks, adapted)
        case "input_file":
            chat = _file(part, where, quirks, adapted)
        case "input_audio":
            chat = _audio(part, where)
        case _:
            found = texts([part])
            if not found and "text" not in part:
                return None
            chat = {"type": "text", "text": found[0] if found else ""}
    return chat


def _mark(chat: JSON, part: JSON, where: str, quirks: Quirks, adapted: Adaptations, *, own: bool) -> None:
    """Cache marks. The model's own words are one string, which has no place for them."""
    for marker, taken in (
        ("cache_control", quirks.cache_control),
        ("prompt_cache_breakpoint", quirks.prompt_cache_options),
    ):
        if part.get(marker) is not None:
            if taken and not own:
                chat[marker] = part[marker]
            else:
                adapted.dropped(f"{where}.{marker}", NOT_OFFERED)


def _image(part: JSON, where: str, quirks: Quirks, adapted: Adaptations) -> JSON:
    if not quirks.images:
        raise UnsupportedParameter("This model takes no images.", param=where)
    url = part.get("image_url")
    if not isinstance(url, str) or not url:
        _refuse_id(part, where)
        raise InvalidRequest("An image needs an `image_url`.", param=f"{where}.image_url")
    if not quirks.image_urls and url[:5].lower() != "data:":
        raise UnsupportedParameter(_DATA_ONLY, param=f"{where}.image_url")
    image: JSON = {"url": url}
    detail = part.get("detail")
    if detail == "original":
        adapted.clamped(f"{where}.detail", "original is asked for as high")
        detail = "high"
    if detail is not None:
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def _file(part: JSON, where: str, quirks: Quirks, adapted: Adaptations) -> JSON:
    if quirks.files == "none":
        raise UnsupportedParameter("This model takes no files.", param=where)
    if part.get("detail") not in (None, "auto"):
        adapted.dropped(f"{where}.detail", NOT_OFFERED)
    data, url = part.get("file_data"), part.get("file_url")
    if data:
        source = _data_url(data)
    elif url and quirks.files != "data":
        source = url
    elif part.get("file_id") and quirks.file_ids:
        if part.get("filename"):
            adapted.dropped(f"{where}.filename", NOT_OFFERED)
        return {"type": "file", "file": {"file_id": part["file_id"]}}
    elif url:
        raise UnsupportedParameter(
            "This model takes no file URLs; send `file_data`.", param=f"{where}.file_url"
        )
    else:
        _refuse_id(part, where)
        raise InvalidRequest("A file needs `file_data`.", param=f"{where}.file_data")
    if quirks.files == "document_url":
        named = {"document_name": part["filename"]} if part.get("filename") else {}
        return {"type": "document_url", "document_url": source, **named}
    return {"type": "file", "file": {"filename": part.get("filename") or "document.pdf", "file_data": source}}


def _audio(part: JSON, where: str) -> JSON:
    audio = part.get("input_audio")
    if not isinstance(audio, dict) or not audio.keys() >= {"data", "format"}:
        raise InvalidRequest("Audio needs `data` and `format`.", param=f"{where}.input_audio")
    return {"type": "input_audio", "input_audio": {name: audio[name] for name in ("data", "format")}}


def _data_url(data: Any) -> str:
    """Base64 alone is taken for a PDF: the one kind that all takers of files know."""
    return data if str(data).startswith("data:") else f"data:application/pdf;base64,{data}"


def _unsayable(part: JSON, where: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{where}': a part of type {part.get('type')!r} cannot be said to this model.",
        code="unsupported_value",
        param=where,
    )


def _refuse_id(part: JSON, where: str) -> None:
    if part.get("file_id"):
        raise UnsupportedParameter(
            "This model cannot read uploaded files; send the data itself.", param=f"{where}.file_id"
        )
