"""Content parts of the Responses API, as Cohere says them.

                        in a user message                    in the output of a tool
    text                {"type": "text"}                     a document, which can be cited
    input_image         {"type": "image_url"}                media, which a user message brings
    input_file (text)   an entry of `documents`, which       a document with its name as title
                        can be cited, and its name here
    all others          refused                              left out and noted

Beside tools or a response format Cohere refuses `documents`; there a file is said as text. A plain string
as the output of a tool stays one: Cohere makes a document of it.
"""

from __future__ import annotations

from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.attachments import attachment
from antiphon.core.transcript import note_markers, text_of
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON

_NO_TEXT = "This model reads text files and images only; send the text of the file."


class Parts:
    """Says parts, and gathers the documents on the way. `cites`: the body has room for documents."""

    def __init__(self, adapted: Adaptations, *, cites: bool) -> None:
        self.documents: list[JSON] = []
        self._cites = cites
        self._adapted = adapted

    def system(self, parts: list[JSON], where: str) -> str:
        """Raises InvalidRequest for anything but text."""
        texts = []
        for index, part in enumerate(parts):
            if not _is_text(part):
                raise _unsayable(part, f"{where}[{index}]")
            note_markers(part, f"{where}[{index}]", self._adapted)
            texts.append(text_of(part))
        return "".join(texts)

    def user(self, parts: list[JSON], where: str) -> str | list[JSON]:
        """A single text is said as a string. Raises InvalidRequest for what cannot be said."""
        said = [self._part(part, f"{where}[{index}]") for index, part in enumerate(parts)]
        if len(said) == 1 and said[0]["type"] == "text":
            return str(said[0]["text"])
        return said or ""

    def output(self, parts: list[JSON], where: str) -> tuple[list[JSON], list[JSON]]:
        """Documents and media. Raises InvalidRequest for an image or a file that cannot be read."""
        documents: list[JSON] = []
        media: list[JSON] = []
        for index, part in enumerate(parts):
            path = f"{where}[{index}]"
            match part.get("type"):
                case "input_image":
                    media.append(self._image(part, path))
                case "input_file":
                    documents.append(_document(_file(part, path)))
                case _ if _is_text(part):
                    documents.append(_document({"content": text_of(part)}))
                case _:
                    self._adapted.dropped(path, "a part of this type cannot be said to this model")
            note_markers(part, path, self._adapted)
        return documents, media

    def _part(self, part: JSON, where: str) -> JSON:
        note_markers(part, where, self._adapted)
        match part.get("type"):
            case "input_image":
                return self._image(part, where)
            case "input_file":
                return self._named(_file(part, where), where)
            case _ if _is_text(part):
                return _text(text_of(part))
        raise _unsayable(part, where)

    def _named(self, file: JSON, where: str) -> JSON:
        """A file of the user's: among the documents, or as text."""
        if self._cites:
            self.documents.append({"data": file})
            self._adapted.translated(where, "a document beside the messages, which can be cited")
            return _text(f"(Document: {file['title']})")
        self._adapted.translated(where, "its text, as part of the message")
        return _text(f"{file['title']}:\n\n{file['text']}")

    def _image(self, part: JSON, where: str) -> JSON:
        url = part.get("image_url")
        if not isinstance(url, str) or not url:
            raise _without_data(part, where, "An image needs an `image_url`.", "image_url")
        image: JSON = {"url": url}
        if (detail := part.get("detail")) is not None:
            if detail == "original":
                self._adapted.clamped(f"{where}.detail", "original is asked for as high")
            image["detail"] = "high" if detail == "original" else detail
        return {"type": "image_url", "image_url": image}


def _is_text(part: JSON) -> bool:
    return isinstance(part.get("text"), str) or bool(text_of(part))


def _text(text: str) -> JSON:
    return {"type": "text", "text": text}


def _document(data: JSON) -> JSON:
    return {"type": "document", "document": {"data": data}}


def _file(part: JSON, where: str) -> JSON:
    """Its name and its text. Raises InvalidRequest."""
    data: Any = part.get("file_data")
    if not isinstance(data, str) or not data:
        if part.get("file_url"):
            raise UnsupportedParameter(
                "This model takes no file URLs; send `file_data`.", param=f"{where}.file_url"
            )
        raise _without_data(part, where, "A file needs `file_data`.", "file_data")
    found = attachment(data)
    text = found.text if found is not None else None
    if text is None:
        raise UnsupportedParameter(_NO_TEXT, param=f"{where}.file_data")
    return {"title": str(part.get("filename") or "document"), "text": text}


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
