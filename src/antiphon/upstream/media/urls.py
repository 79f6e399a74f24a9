"""URLs that are fetched: which a client may give, or a redirect lead to.

    http[s]://host[:port]/…    no user or password; a port that is allowed

A host is a name, or an IP address in its usual form: `2130706433`, `0x7f.1`, `0177.0.0.1` and `127.1` are
other ways to write 127.0.0.1, which some resolvers understand, and are refused. A URL is parsed once, by the
library that also connects, so that nobody can mean another host by the same text.
"""

from __future__ import annotations

import re
from collections.abc import Container
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from yarl import URL

from antiphon.protocol.errors import InvalidRequest

UNREACHABLE = "The gateway could not fetch this URL: it must lead to a public address, and be served there."

_LONGEST = 8192
_INSTEAD = "Give another URL, or send the data itself, as a data URL."
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)\.?")  # as WHATWG's URL standard tells IPv4


class NotFetched(InvalidRequest):
    """A URL is not fetched, or was in vain. `reason`, for the log, may say more than the client is told."""

    default_code = "media_not_fetched"

    def __init__(self, why: str, reason: str) -> None:
        super().__init__(f"{why} {_INSTEAD}")
        self.reason = reason


def not_fetched(why: str, reason: str | None = None) -> NotFetched:
    """The refusal, which names no part yet. `why`: a sentence; also the reason, where there is no other."""
    return NotFetched(why, reason or why)


def parsed(text: str, ports: Container[int]) -> URL:
    """Raises NotFetched for a URL that is not fetched, whatever its host may be."""
    if len(text) > _LONGEST or "\\" in text or not text.isprintable():
        raise not_fetched("This URL is too long, or has characters that no URL has.")
    try:
        url = URL(text)
        port = url.port
    except ValueError:
        raise not_fetched("This is not a URL.") from None
    if url.scheme not in ("http", "https"):
        raise not_fetched("Only http and https URLs are fetched.")
    if "@" in url.raw_authority:
        raise not_fetched("A URL with a user name or a password is not fetched.")
    if not _is_host(url.raw_host or ""):
        raise not_fetched(UNREACHABLE, "not a host")
    if port not in ports:
        raise not_fetched("URLs with this port are not fetched.")
    return url


def host_of(url: URL) -> str:
    """The host, in the one form in which hosts are compared."""
    return (url.raw_host or "").lower().removesuffix(".")


def host_in(text: str) -> str:
    """The host in what may be no URL at all: for the log."""
    try:
        return host_of(URL(text))[:253]
    except ValueError:
        return ""


def name_of(url: str) -> str | None:
    """The file's name, if the URL tells one."""
    try:
        name = URL(url).name
    except ValueError:
        return None
    stem, dot, ending = name.rpartition(".")
    return name[-200:] if stem and dot and ending and name.isprintable() else None


def _is_host(host: str) -> bool:
    try:
        if ":" in host:
            return IPv6Address(host).scope_id is None
        if _ENDS_IN_A_NUMBER.fullmatch(host):
            return bool(IPv4Address(host))
    except AddressValueError:
        return False
    return len(host) <= 253 and _NAME.fullmatch(host) is not None
