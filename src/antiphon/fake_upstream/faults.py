"""What goes wrong, as values: in the head of an answer, in its body, in what it says, and how it ends.

    fault: {after_events: 3, then: reset}      three events, then RST
    fault: {after_events: 2, mid: character}   two events, then FIN within a character of the third
    fault: {then: stall}                       the request is read, and nothing comes
    fault: {head: slow}                        one byte of the head a second
    fault: {body: gzip-bomb}                   a small body that becomes a large one

An answer that is not streamed is one event: where a stream would break after some of its events, it breaks
in its middle.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from antiphon.settings.section import Section

Ending: TypeAlias = Literal["close", "reset", "stall", "end", "noise", "garbage", "error", "large"]
HeadFault: TypeAlias = Literal["slow", "padded", "two-lengths", "interim", "garbage"]
BodyFault: TypeAlias = Literal[
    "unframed",
    "short-chunk",
    "other-mode",
    "web-page",
    "gzip-bomb",
    "false-gzip",
    "unknown-encoding",
    "crlf",
    "cr",
    "byte-order-mark",
    "broken-utf8",
]
AnswerFault: TypeAlias = Literal[
    "changing-names",
    "null-times",
    "empty-events",
    "two-ends",
    "late-usage",
    "early-arguments",
    "same-index",
    "interleaved",
    "no-call-id",
]

AT_ONCE = frozenset({"close", "reset", "stall"})
"""Endings that come before the head, when nothing says after what."""

SLOW_HEAD = 1.0
"""Seconds for a byte."""

PADDING = 150_000
"""Bytes of the header field of a padded head."""

INTERIM = 100_000
"""Interim answers (status 103) before the head."""

MANY = 1000
"""Of them, what is written at once."""

NOISE_EVERY = 0.05
"""Seconds."""

LARGE = 200 * 1024 * 1024
"""Bytes of a large event, and of what a gzip bomb becomes."""


class Fault(Section):
    """What goes wrong with one answer. All parts are independent; without any it is well."""

    after_events: Annotated[int, Field(ge=0)] | None = None
    """How many events come before `then`; more than there are: the whole answer does."""

    after_bytes: Annotated[int, Field(ge=0)] | None = None
    """How many bytes of the body come before `then`."""

    mid: Literal["event", "character"] | None = None
    """Whether a part of the next event still comes: half of it, or to the middle of a character."""

    then: Ending | None = None
    """`close` (FIN), `reset` (RST), `stall` (nothing more until the caller leaves), `end` (the body ends in
    order, the answer has no end), `noise` (comments or white space, for ever), `garbage` (an event that is no
    JSON, and on it goes), `error` (the error of the script, as the dialect tells it under status 200),
    `large` (an event of `size` bytes)."""

    size: Annotated[int, Field(ge=1)] = LARGE
    """Bytes of a large event, or of what a gzip bomb becomes."""

    on_reuse: bool = False
    """Whether all is well with the first request of a connection."""

    head: HeadFault | None = None
    """`slow` (a byte a second), `padded` (a header field of 150 kB), `two-lengths` (two different
    Content-Length), `interim` (100,000 interim answers before it), `garbage` (no HTTP)."""

    body: BodyFault | None = None
    """`unframed` (its end is that of the connection), `short-chunk` (a chunk that is announced longer than it
    is, when it is cut), `other-mode` (a stream for a whole answer, and the other way round), `web-page`,
    `gzip-bomb`, `false-gzip` (said to be gzip, and is not), `unknown-encoding`, `crlf` and `cr` (line
    ends), `byte-order-mark`, `broken-utf8`."""

    answer: AnswerFault | None = None
    """`changing-names` (id and model differ in each event), `null-times`, `empty-events` (between the
    others), `two-ends` (two reasons for stopping), `late-usage` (after the end marker), `early-arguments`
    (they are JSON before they are complete), `same-index` (of two calls), `interleaved` (two calls),
    `no-call-id`."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Fault:
        if self.after_bytes is not None and (self.after_events is not None or self.mid is not None):
            raise ValueError("after_bytes says it all: leave after_events and mid out")
        if self.after_bytes is not None and self.then not in (None, *AT_ONCE, "end"):
            raise ValueError("after_bytes goes with close, reset, stall and end")
        if self.then is None and (self.after_bytes, self.after_events, self.mid) != (None, None, None):
            raise ValueError("`then` has to say what happens there")
        return self

    @property
    def is_before_head(self) -> bool:
        nowhere = self.after_events is None and self.after_bytes is None and self.mid is None
        return nowhere and self.then in AT_ONCE

    @property
    def place(self) -> int | None:
        """The number of events before `then`, if it comes within the body."""
        if self.then is None or self.after_bytes is not None or self.is_before_head:
            return None
        return self.after_events or 0
