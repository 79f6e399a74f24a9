"""Names of functions that every provider takes, for tools that may be called anything.

Letters, digits, underscores and hyphens, a letter or an underscore first, at most 64: that is within what
OpenAI, Anthropic, Google, Mistral and Amazon document. A name that fits and is free stays as it is; a
namespace stands before it. All others end in a digest of what they stand for.

A name depends on the tools before it and on nothing else: the same request is the same bytes, and a
tool that is added at the end changes no other.
"""

from __future__ import annotations

import re
from hashlib import sha256
from itertools import count
from typing import NamedTuple

LONGEST = 64
_FITS = re.compile(rf"[a-zA-Z_][a-zA-Z0-9_-]{{0,{LONGEST - 1}}}")
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
_DIGEST = 8  # hexadecimal digits


class Key(NamedTuple):
    """What the client knows a tool by. Of a kind without names there is one tool, named as the kind."""

    kind: str
    namespace: str | None
    name: str


class Names:
    """The names that are given so far."""

    def __init__(self) -> None:
        self._given: dict[Key, str] = {}
        self._taken: set[str] = set()

    def reserve(self, name: str) -> None:
        """The name belongs to the provider."""
        self._taken.add(name)

    def of(self, key: Key) -> str:
        """The function's name; the same for the same key."""
        name = self._given.get(key)
        if name is None:
            name = self._given[key] = self._free(key)
            self._taken.add(name)
        return name

    def _free(self, key: Key) -> str:
        plain = key.name if key.namespace is None else f"{key.namespace}__{key.name}"
        if plain not in self._taken and _FITS.fullmatch(plain):
            return plain
        clean = _UNFIT.sub("_", plain)
        if not _FITS.match(clean):
            clean = f"_{clean}"
        identity = "\0".join((key.kind, key.namespace or "", key.name)).encode("utf-8", "surrogatepass")
        for attempt in count():
            digest = sha256(identity + b"\0" * attempt).hexdigest()[:_DIGEST]
            name = f"{clean[: LONGEST - _DIGEST - 1]}_{digest}"
            if name not in self._taken:
                return name
        raise AssertionError("unreachable")
