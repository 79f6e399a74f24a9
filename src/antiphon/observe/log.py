"""Logging: one line an event, on standard error, for people or as JSON.

Values are data: what could begin another line, or another field, is quoted. What is logged are names,
counts and ids, never bodies, headers or keys.

Lines are collected for a few milliseconds and written together, because a write is a system call and
there is a line for every request. Warnings and errors are written at once, with all that is before them.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, TextIO

import msgspec
import structlog

_DELAY = 0.05  # seconds a line may wait for others
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+").fullmatch  # visible ASCII but " = \
_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}  # to some readers
_encoder = msgspec.json.Encoder(enc_hook=repr)


Level = Literal["debug", "info", "warning", "error"]
Form = Literal["text", "json"]


def configure(level: Level, form: Form) -> AccessLog:
    """Set up the log of this process; called once, by whoever starts it. Gives back its access log."""
    least = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(
        level=max(least, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(message)s"
    )
    lines = _Lines(sys.stderr)
    structlog.configure(
        processors=[_as_json if form == "json" else _as_text],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=lines,
        cache_logger_on_first_use=True,
    )
    return AccessLog(lines if least <= logging.INFO else None, form)


class AccessLog:
    """One line for each request, in the shape of all other lines.

    It goes past structlog, which takes 4.7 µs for a line where this takes 1.4: no other line is written as
    often.
    """

    def __init__(self, lines: _Lines | None = None, form: Form = "text") -> None:
        """Without `lines` nothing is written."""
        self._lines = lines
        self._as_json = form == "json"

    def request(self, request_id: str, method: str, path: str, status: int, milliseconds: float) -> None:
        """`request_id` is ours; `method` and `path` are the client's, and quoted where they must be."""
        if self._lines is None:
            return
        if self._as_json:
            line = _json_line(
                {
                    "time": _now(),
                    "level": "info",
                    "request_id": request_id,
                    "method": method,
                    "path": path,
                    "status": status,
                    "milliseconds": round(milliseconds, 2),
                    "event": "request",
                }
            )
        else:
            line = (
                f"{_now()} info    request request_id={request_id} method={_shown(method)}"
                f" path={_shown(path)} status={status} milliseconds={milliseconds:.2f}"
            )
        self._lines.info(line)


class _Lines:
    """The logger factory, and the one logger that it makes: lines to a file."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._waiting: list[str] = []
        atexit.register(self._flush)

    def __call__(self, *names: Any) -> _Lines:
        return self

    def debug(self, line: str) -> None:
        self._waiting.append(line)
        if len(self._waiting) == 1:
            try:
                asyncio.get_running_loop().call_later(_DELAY, self._flush)
            except RuntimeError:  # no loop runs in this thread: nobody would write it later
                self._flush()

    info = debug

    def warning(self, line: str) -> None:
        self._waiting.append(line)
        self._flush()

    error = critical = exception = warning

    def _flush(self) -> None:
        lines, self._waiting = self._waiting, []
        if lines:
            self._file.write("\n".join(lines) + "\n")
            self._file.flush()


def _as_json(logger: object, method: str, event: structlog.typing.EventDict) -> str:
    event = structlog.processors.format_exc_info(logger, method, event)
    return _json_line({"time": _now(), "level": method, **event})


def _json_line(fields: Mapping[str, Any]) -> str:
    line = _encoder.encode(fields).decode()
    return line if line.isascii() else line.translate(_LINE_ENDS)


def _as_text(logger: object, method: str, event: structlog.typing.EventDict) -> str:
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, method, event)
    name, trace = event.pop("event"), event.pop("exception", None)
    fields = "".join(f" {key}={_shown(value)}" for key, value in event.items())
    return f"{_now()} {method:7} {name}{fields}" + (f"\n{trace}" if trace else "")


def _shown(value: Any) -> str:
    text = str(value)
    return text if _PLAIN(text) else json.dumps(text)


@lru_cache(maxsize=1)
def _to_the_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _now() -> str:
    """UTC, to the millisecond, as RFC 3339 writes it."""
    now = time.time()
    return f"{_to_the_second(int(now))}.{int(now % 1 * 1000):03d}Z"
