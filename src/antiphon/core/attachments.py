"""Images and files that came as data: out of a data URL (RFC 2397) or bare base64."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_TEXT = re.compile(r"text/.*|application/([\w.-]*\+)?(json|xml|yaml|x-yaml|toml|javascript|sql|x-ndjson)")
_UNSPECIFIC = ("", "application/octet-stream")
_PDF = b"%PDF-"


class Attachment(NamedTuple):
    """`media_type` is in lower case, without parameters; "" if nobody said it."""

    media_type: str
    content: bytes

    @property
    def base64(self) -> str:
        return b64encode(self.content).decode()

    @property
    def text(self) -> str | None:
        """The text that it is, or None for anything else."""
        if not _TEXT.fullmatch(self.media_type) and self.media_type not in _UNSPECIFIC:
            return None
        if self.content.startswith(_PDF) or b"\0" in self.content:
            return None
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            return None


def attachment(data: str) -> Attachment | None:
    """None for what is neither a data URL nor base64."""
    media_type, is_base64, body = "", True, data
    if data[:5].lower() == "data:":
        head, comma, body = data[5:].partition(",")
        if not comma:
            return None
        media_type, *parameters = (word.strip().lower() for word in head.split(";"))
        is_base64 = "base64" in parameters
        if not media_type:
            media_type = "text/plain"
    if not is_base64:
        return Attachment(media_type, unquote_to_bytes(body))
    try:
        return Attachment(media_type, b64decode("".join(body.split()), validate=True))
    except (binascii.Error, ValueError):
        return None
