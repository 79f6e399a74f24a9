"""What was fetched: images and PDFs by how they begin, all else by what the server calls it.

    for an image   PNG, JPEG, GIF, WebP, HEIC, HEIF, AVIF
    for a file     these, PDF, text of all kinds, sound, and documents of office programs

A server that calls something an image or a PDF that does not begin like one is not believed. One image under
the name of another is common, and passed on under its own. Text becomes UTF-8.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

from antiphon.upstream.media.urls import not_fetched

Kind: TypeAlias = Literal["image", "file"]

PDF = "application/pdf"
_ALIASES = {"application/x-pdf": PDF, "binary/octet-stream": "application/octet-stream"}
_UNSPECIFIC = ("", "application/octet-stream")
_PLAIN = "text/plain"

_MAGIC = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"....ftyp(heic|heix|hevc|hevx)", re.DOTALL), "image/heic"),
    (re.compile(rb"....ftyp(mif1|msf1)", re.DOTALL), "image/heif"),
    (re.compile(rb"....ftyp(avif|avis)", re.DOTALL), "image/avif"),
    (re.compile(rb"%PDF-"), PDF),
)
_SNIFFED = re.compile(r"image/.*|application/pdf")
_TEXTS = re.compile(r"text/.+|application/([\w.-]*\+)?(json|xml|yaml|x-yaml|toml|javascript|sql|x-ndjson)")
_CALLED = re.compile(
    r"audio/.+|application/(msword|vnd\.ms-excel|vnd\.openxmlformats-officedocument\.[\w.-]+)"
)
_OFFICE = re.compile(r".*\.(docx?|xlsx?)", re.IGNORECASE)

_CHARSETS = frozenset(
    {
        *("us-ascii", "iso-8859-1", "iso-8859-15", "windows-1251", "windows-1252", "koi8-r", "utf-16"),
        *("shift_jis", "euc-jp", "euc-kr", "gbk", "gb2312", "gb18030", "big5"),
    }
)
"""Beside UTF-8. Python knows more, and some of them are no charsets."""


class Media(NamedTuple):
    """`media_type` without parameters."""

    media_type: str
    content: bytes


class Labelled(NamedTuple):
    """What a server says that it sends: its Content-Type, and the name at the end of the URL."""

    content_type: str
    name: str | None

    @property
    def media_type(self) -> str:
        kind = self.content_type.partition(";")[0].strip().lower()
        return _ALIASES.get(kind, kind)

    @property
    def charset(self) -> str:
        found = re.search(r";\s*charset\s*=\s*\"?([\w.:-]+)", self.content_type, re.IGNORECASE)
        return found[1].lower() if found else "utf-8"


def accepted(kind: Kind, label: Labelled) -> None:
    """Whether it is worth reading. Raises InvalidRequest."""
    called = label.media_type
    if called in _UNSPECIFIC or called.startswith("image/"):
        return
    if kind == "image" or not (called == PDF or _TEXTS.fullmatch(called) or _CALLED.fullmatch(called)):
        raise _wrong(kind)


def media_of(kind: Kind, label: Labelled, content: bytes) -> Media:
    """Raises InvalidRequest for what is of no kind that models are given."""
    accepted(kind, label)
    called, looks = label.media_type, _looks(content)
    if looks and (kind == "file" or looks != PDF):
        return Media(looks, content)
    if kind == "image" or _SNIFFED.fullmatch(called):
        raise _wrong(kind)
    if _CALLED.fullmatch(called):
        return Media(called, content)
    if called in _UNSPECIFIC and _OFFICE.fullmatch(label.name or ""):
        return Media("application/octet-stream", content)
    return Media(_PLAIN if called in _UNSPECIFIC else called, _as_utf8(content, label.charset))


def _looks(content: bytes) -> str:
    return next((media_type for magic, media_type in _MAGIC if magic.match(content)), "")


def _as_utf8(content: bytes, charset: str) -> bytes:
    try:
        text = content.decode(charset if charset in _CHARSETS else "utf-8")
    except UnicodeDecodeError:
        raise not_fetched("This URL leads to a text whose characters cannot be read.") from None
    if "\0" in text:
        raise _wrong("file")
    return content if charset not in _CHARSETS else text.encode()


def _wrong(kind: Kind) -> Exception:
    if kind == "image":
        return not_fetched("This URL does not lead to an image (PNG, JPEG, GIF, WebP, HEIC, AVIF).")
    return not_fetched("This URL does not lead to a PDF, an image, a text, sound or an office document.")
