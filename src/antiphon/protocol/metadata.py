"""Metadata: what clients keep beside an object, up to 16 strings under names of their own."""

from __future__ import annotations

from antiphon.protocol.json import JSON
from antiphon.protocol.schema import type_name, wrong_length, wrong_type


def check_metadata(metadata: JSON) -> None:
    """Raises InvalidRequest."""
    if len(metadata) > 16:
        raise wrong_length("metadata", "object", "<=", 16, len(metadata))
    for key, value in metadata.items():
        place = f"metadata.{key[:64]}"
        if len(key) > 64:
            raise wrong_length(place, "str", "<=", 64, len(key))
        if not isinstance(value, str):
            raise wrong_type(place, ("str",), type_name(value))
        if len(value) > 512:
            raise wrong_length(place, "str", "<=", 512, len(value))
