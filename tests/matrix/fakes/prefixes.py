"""Anthropic's cache of prompts, in miniature: prefixes are kept by their exact bytes.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching. The prompt is its tools, its system
prompt and the blocks of its messages, in this order. A marker writes the prefix that ends with its block,
and reads the longest one that was written before and ends there or up to 20 blocks earlier. A marker of the
body is one on the last block. A token is four bytes here, and there is no least length.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from tests.matrix.fakes.base import Body, require

_LOOKS_BACK = 20  # blocks
_BYTES_PER_TOKEN = 4
_MARKER = "cache_control"


class PrefixCache:
    """What one account has written."""

    def __init__(self) -> None:
        self._written: set[bytes] = set()

    def usage(self, body: Body) -> Body:
        """The tokens of the input as Anthropic reports them; what is marked is written."""
        ends, marked = _ends(body)
        read = max((self._read(ends, place) for place in marked), default=0)
        written = max((ends[place][0] for place in marked), default=read)
        self._written.update(ends[place][1] for place in marked)
        return {
            "input_tokens": (ends[-1][0] - written) // _BYTES_PER_TOKEN,
            "cache_creation_input_tokens": (written - read) // _BYTES_PER_TOKEN,
            "cache_read_input_tokens": read // _BYTES_PER_TOKEN,
        }

    def _read(self, ends: list[tuple[int, bytes]], place: int) -> int:
        within = ends[max(0, place - _LOOKS_BACK) : place + 1]
        return max((length for length, digest in within if digest in self._written), default=0)


def check_markers(body: Body) -> None:
    """Raises Refused, in Anthropic's words."""
    blocks = list(_blocks(body))
    marked = [block for _, block in blocks if _MARKER in block]
    require(len(marked) + (_MARKER in body) <= 4, "A maximum of 4 blocks with cache_control may be provided.")
    for where, block in blocks:
        for at, inner in enumerate(block["content"] if isinstance(block.get("content"), list) else ()):
            require(_MARKER not in inner, f"cache_control is not supported at {where}.content.{at}")
    if _MARKER in body and _MARKER in blocks[-1][1]:
        require(blocks[-1][1][_MARKER] == body[_MARKER], "the last block is marked with another ttl")
    lives = [block[_MARKER].get("ttl", "5m") for block in [*marked, *([body] if _MARKER in body else [])]]
    require(lives == sorted(lives), "a ttl='1h' cache_control block must not come after a ttl='5m' one")


def _ends(body: Body) -> tuple[list[tuple[int, bytes]], list[int]]:
    """The length and the digest of the prefix that ends with each block; and the places of the markers."""
    ends, marked, length = [], [], 0
    digest = sha256(json.dumps([body["model"], body.get("thinking"), body.get("tool_choice")]).encode())
    for place, (where, block) in enumerate(_blocks(body)):
        said = json.dumps([where, {key: value for key, value in block.items() if key != _MARKER}]).encode()
        digest.update(said)
        length += len(said)
        ends.append((length, digest.digest()))
        if _MARKER in block:
            marked.append(place)
    if _MARKER in body:
        marked.append(len(ends) - 1)
    return ends, marked


def _blocks(body: Body) -> Iterator[tuple[str, Body]]:
    """Each with where it is, which names the role, too."""
    said: list[tuple[str, Any]] = [("tools", body.get("tools", [])), ("system", body.get("system", []))]
    said += [(f"messages.{at}.{m['role']}", m["content"]) for at, m in enumerate(body["messages"])]
    for where, blocks in said:
        yield from ((f"{where}.{at}", block) for at, block in enumerate(blocks))
