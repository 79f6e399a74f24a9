"""The formats that OpenAI's strict mode holds a text to; all others say nothing about it.

The list: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas. Dates and times are
those of RFC 3339, durations those of its appendix A.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import date

_TIME = re.compile(
    r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(z|[+-]([01]\d|2[0-3]):[0-5]\d)", re.I | re.A
)
_DURATION = re.compile(
    r"P(\d+W|(?=\d|T)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)", re.ASCII
)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_HOSTNAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.I | re.A
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def is_of(name: str, text: str) -> bool:
    """Whether the text is of the format `name`."""
    known = _FORMATS.get(name)
    return known is None or known(text)


def _date(text: str) -> bool:
    if _DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _date_time(text: str) -> bool:
    return _date(text[:10]) and text[10:11] in ("T", "t", " ") and _TIME.fullmatch(text[11:]) is not None


def _address(kind: Callable[[str], object]) -> Callable[[str], bool]:
    def is_one(text: str) -> bool:
        try:
            kind(text)
        except ValueError:
            return False
        return "%" not in text  # a zone names a network card of this machine

    return is_one


def _whole(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _date_time,
    "time": _whole(_TIME),
    "date": _date,
    "duration": _whole(_DURATION),
    "email": _whole(_EMAIL),
    "hostname": _whole(_HOSTNAME),
    "ipv4": _address(ipaddress.IPv4Address),
    "ipv6": _address(ipaddress.IPv6Address),
    "uuid": _whole(_UUID),
}
