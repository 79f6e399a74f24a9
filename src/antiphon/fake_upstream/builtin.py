"""The models that are always there: one for every fault of the table, in the language of scripts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from antiphon.fake_upstream.script import Script, Step, read

FILE = Path(__file__).with_name("models.yaml")

ROWS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        4: ("silent", "hangs-up", "resets"),
        5: ("slow-head",),
        6: ("idle-before-events",),
        7: ("idle-after-events",),
        8: ("comments-only", "comments-after-events"),
        9: (
            "closes-after-events",
            "closes-mid-event",
            "resets-mid-event",
            "closes-mid-character",
            "closes-mid-chunk",
        ),
        10: ("no-end", "no-end-unframed"),
        11: ("malformed-json", "malformed-first"),
        12: ("broken-utf8", "byte-order-mark", "crlf", "cr", "line-separators"),
        13: ("web-page", "wrong-content-type", "other-mode", "no-http"),
        14: ("early-arguments", "same-index", "interleaved-calls", "call-without-id"),
        15: ("error-first", "error-after-events"),
        16: (
            *("limited", "limited-until", "limited-milliseconds", "limited-absurdly", "limited-in-the-past"),
            *("limited-silently", "limited-by-resets"),
        ),
        17: ("fails-once", "fails-twice", "error-500", "error-502", "error-503", "error-529"),
        18: ("bad-request", "context-too-long", "too-large", "filtered"),
        19: ("unauthorized", "forbidden"),
        21: ("huge-event", "million-events", "large-event"),
        22: ("gzip-bomb", "false-gzip", "unknown-encoding"),
        23: ("redirect-301", "redirect-302", "redirect-307", "redirect-308"),
        24: ("resets-on-reuse", "closes-when-idle"),
        25: ("interim-flood", "huge-header", "two-lengths"),
        26: ("no-usage", "negative-usage", "usage-in-words", "huge-usage", "late-usage"),
        27: ("date-in-the-past", "null-times"),
        28: ("changing-names", "empty-events", "two-ends"),
        29: ("slow",),
        30: ("flood",),
    }
)
"""The rows of the table of faults (docs/fake-upstream.md), and the models that go wrong so.

1, 2 and 3 are ports (`faulty_ports`); 20 is what becomes of all of them when there is nobody else to ask.
"""


def models() -> dict[str, list[Step]]:
    """By name; `fault-07` is the first model of row 7."""
    script: Script = read(FILE, {})
    named = dict(script.models)
    for row, names in ROWS.items():
        named[f"fault-{row:02}"] = named[names[0]]
    return named
