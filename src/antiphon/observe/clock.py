"""Time and chance, which come in through the door: everything below the engine gets them as arguments."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeAlias

Now: TypeAlias = Callable[[], int]
"""Seconds since 1970, UTC."""

NewId: TypeAlias = Callable[[str], str]
"""An item type or object name in, a fresh id with that type's prefix out."""

_PREFIXES = {
    "response": "resp",
    "conversation": "conv",
    "prompt": "pmpt",
    "writer": "writer",
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "computer_call": "cu",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
    "mcp_approval_request": "mcpr",
    "local_shell_call": "lsh",
    "shell_call": "sh",
    "shell_call_output": "sho",
    "apply_patch_call": "apc",
    "apply_patch_call_output": "apco",
    "tool_search_call": "tsc",
    "tool_search_output": "tso",
    "compaction": "cmp",
    "call": "call",
    "key": "key",
    "process": "process",
    "request": "req",
    "event": "evt",
}


def now() -> int:
    """Seconds since 1970, UTC."""
    return int(time.time())


def today() -> str:
    """The date in UTC, ISO 8601."""
    return time.strftime("%Y-%m-%d", time.gmtime())


class Ids:
    """Makes ids: `msg_`, 12 hexadecimal digits of milliseconds since 1970, 36 of chance.

    The 144 random bits are what nobody can guess. The time in front is for the database: ids that come in
    order are stored side by side (at 100,000 responses a save costs 49 µs instead of 130). Random bytes
    are drawn from the system a page at a time, because each draw is a system call: not to be shared
    with a forked process.
    """

    _DIGITS = 36
    _PAGE = 4086  # bytes: a whole number of ids

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes
        self._pool = ""  # hexadecimal
        self._used = 0

    def __call__(self, kind: str) -> str:
        """A fresh id for an item type or object name."""
        used = self._used
        if used + self._DIGITS > len(self._pool):
            self._pool, used = self._random_bytes(self._PAGE).hex(), 0
        self._used = used + self._DIGITS
        moment = int(time.time() * 1000)
        return f"{_PREFIXES.get(kind, 'item')}_{moment:012x}{self._pool[used : self._used]}"
