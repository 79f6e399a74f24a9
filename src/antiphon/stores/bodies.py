"""Bodies: JSON texts as they lie in the database, and many of them joined there into one.

A history is put together into one text inside the database, because each row that crosses into Python
costs a turn at the interpreter's lock, and a history may have thousands.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, cast, func

from antiphon.protocol import json
from antiphon.protocol.errors import StorageUnavailable
from antiphon.protocol.json import JSON


def joined(bodies: ColumnElement[bytes], *order: ColumnElement[int]) -> ColumnElement[bytes]:
    """The bodies with commas between them: a JSON array but for its brackets. Null if there are none."""
    return cast(func.aggregate_strings(bodies, ",").aggregate_order_by(*order), LargeBinary)


def decoded(body: bytes) -> Any:
    """Raises StorageUnavailable for what is no JSON."""
    try:
        return json.decode(body)
    except json.MalformedJSON:
        raise StorageUnavailable("What is stored here cannot be read.", code="storage_corrupt") from None


def decoded_array(*joined_bodies: bytes | None) -> list[JSON]:
    """The items of texts that were `joined`, one after the other. Raises StorageUnavailable."""
    whole: list[JSON] = decoded(b"[%b]" % b",".join(filter(None, joined_bodies)))
    return whole
