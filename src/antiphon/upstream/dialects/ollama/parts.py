"""Content parts of the Responses API, as Ollama says them: one text, and images beside it.

text                 joined, a line apart
input_image          bare base64 in `images`; a URL is refused where the gateway does not fetch it
input_file (text)    its name and its text
all others           refused, or in the output of a tool left out and noted
"""

from __future__ import annotations

from typing import Any, NamedTuple

from antiphon.core.adaptations import Adaptations
from antiphon.core.attachments import Attachment, attachment
from antiphon.core.transcript import note_markers, text_of
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON

_DATA_ONLY = "This model takes images as data only: send it as a data URL (`data:image/png;base64,…`)."
_NO_TEXT = "This model reads text files and images only; send the text of the file."


class Content(NamedTuple):
    """What a message says. `images` are in base64."""

    text: str
    images: list[str]


def content(
    parts: list[JSON], where: str, adapted: Adaptations, *, whole: bool = True, images: bool = True
) -> Content:
    """`where`: the path of the list. `whole`: no part may be left out. `images`: there may be some.

    Raises InvalidRequest for what cannot be said.
    """
    texts: list[str] = []
    pictures: list[str] = []
    for index, part in enumerate(parts):
        path = f"{where}[{index}]"
        note_markers(part, path, adapted)
        if part.get("detail") not in (None, "auto"):
            adapted.dropped(f"{path}.detail", NOT_OFFERED)
        match part.get("type"):
            case "input_image" if images:
                pictures.append(_image(part, path))
            case "input_file":
                texts.append(_file(part, path))
            case _ if isinstance(part.get("text"), str) or text_of(part):
                texts.append(text_of(part))
            case _ if whole:
                raise _unsayable(part, path)
            case _:
                adapted.dropped(path, "a part of this type cannot be said to this model")
    return Content("\n".join(texts), pictures)


def _image(part: JSON, where: str) -> str:
    url = part.get("image_url")
    if not isinstance(url, str) or not url:
        raise _without_data(part, where, "An image needs an `image_url`.", "image_url")
    found = _attached(url, f"{where}.image_url") if url[:5].lower() == "data:" else None
    if found is None:
        raise UnsupportedParameter(_DATA_ONLY, param=f"{where}.image_url")
    return found.base64


def _file(part: JSON, where: str) -> str:
    data: Any = part.get("file_data")
    if not isinstance(data, str) or not data:
        if part.get("file_url"):
            raise UnsupportedParameter(
                "This model takes no file URLs; send `file_data`.", param=f"{where}.file_url"
            )
        raise _without_data(part, where, "A file needs `file_data`.", "file_data")
    text = _attached(data, f"{where}.file_data").text
    if text is None:
        raise UnsupportedParameter(_NO_TEXT, param=f"{where}.file_data")
    return f"{part.get('filename') or 'document'}:\n\n{text}"


def _attached(data: str, where: str) -> Attachment:
    found = attachment(data)
    if found is None:
        raise InvalidRequest("This is neither base64 nor a data URL.", param=where)
    return found


def _without_data(part: JSON, where: str, message: str, field: str) -> InvalidRequest:
    if part.get("file_id"):
        return UnsupportedParameter(
            "This model cannot read uploaded files; send the data itself.", param=f"{where}.file_id"
        )
    return InvalidRequest(message, param=f"{where}.{field}")


def _unsayable(part: JSON, where: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{where}': a part of type {part.get('type')!r} cannot be said to this model.",
        code="unsupported_value",
        param=where,
    )
