"""U+0000 in text, which PostgreSQL refuses, and clients and models put into ids and names all the same.

U+0001 stands before what is meant in its place: U+0001 `0` is U+0000, U+0001 `1` is U+0001 itself. So no two
texts become one, and a text without either is kept as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.stores.drivers.base import Row, Value

_ZERO, _ESCAPE = "\x00", "\x01"


def sent(value: Value) -> Value:
    """The value as the server takes it."""
    if value.__class__ is str and (_ZERO in value or _ESCAPE in value):
        return value.replace(_ESCAPE, _ESCAPE + "1").replace(_ZERO, _ESCAPE + "0")
    return value


def received(record: Iterable[Value]) -> Row:
    """A row of the server's, as it was sent once."""
    return tuple(
        [_restored(value) if value.__class__ is str and _ESCAPE in value else value for value in record]
    )


def _restored(text: str) -> str:
    return text.replace(_ESCAPE + "0", _ZERO).replace(_ESCAPE + "1", _ESCAPE)
