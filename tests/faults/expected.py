"""What a client sees of each fault: the table of the matrix.

Where a code is `*` it is the provider's own, passed on. `|` stands between outcomes that are both right.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from antiphon.fake_upstream.answers import DEFAULT_TEXT

TIMED_OUT, LOST, ODD = "upstream_timeout", "upstream_disconnected", "upstream_invalid_response"
WELL = ("completed", "completed")
FIRST = (f"504 {TIMED_OUT}", f"504 {TIMED_OUT}")
LATER = (f"504 {TIMED_OUT}", f"failed {TIMED_OUT}")
REFUSED = (f"502 {ODD}", f"502 {ODD}")
LIMITED = ("429 rate_limit_exceeded", "429 rate_limit_exceeded")
FAILED = ("502 *", "502 *")
KEY = ("502 upstream_auth", "502 upstream_auth")
INVALID = ("400 *", "400 *")
BROKEN = (f"502 {LOST}", f"failed {LOST}")

# model → what is seen of a whole answer, and of a stream
EXPECTED: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("silent", "slow-head", "idle-before-events", "comments-only"), FIRST),
    **dict.fromkeys(("hangs-up", "resets"), (f"502 {LOST}", f"502 {LOST}")),
    **dict.fromkeys(("idle-after-events", "comments-after-events"), LATER),
    **dict.fromkeys(("closes-after-events", "closes-mid-event", "resets-mid-event"), BROKEN),
    **dict.fromkeys(("closes-mid-character", "closes-mid-chunk"), BROKEN),
    **dict.fromkeys(("no-end", "no-end-unframed"), (f"502 {ODD}", f"failed {LOST}")),
    "malformed-json": (f"502 {ODD}", f"failed {ODD}"),
    "malformed-first": REFUSED,
    **dict.fromkeys(("broken-utf8", "byte-order-mark", "crlf", "cr", "line-separators"), WELL),
    **dict.fromkeys(("web-page", "wrong-content-type", "no-http"), REFUSED),
    "other-mode": WELL,
    **dict.fromkeys(("early-arguments", "same-index", "interleaved-calls", "call-without-id"), WELL),
    "error-first": FAILED,
    "error-after-events": ("502 *", "failed *"),
    **dict.fromkeys(("limited", "limited-until", "limited-milliseconds", "limited-absurdly"), LIMITED),
    **dict.fromkeys(("limited-in-the-past", "limited-silently", "limited-by-resets"), LIMITED),
    # The gateway asks once more, when there is nobody else.
    "fails-once": WELL,
    "fails-twice": FAILED,
    **dict.fromkeys(("error-500", "error-502", "error-503", "error-529"), FAILED),
    **dict.fromkeys(("bad-request", "too-large", "filtered"), INVALID),
    "context-too-long": ("400 context_length_exceeded", "400 context_length_exceeded"),
    **dict.fromkeys(("unauthorized", "forbidden"), KEY),
    "huge-event": (f"502 {ODD}", f"failed {ODD}"),
    # A million events take longer than the quick deadline allows on some machines.
    "million-events": ("completed", f"completed|failed {TIMED_OUT}"),
    "large-event": WELL,
    "gzip-bomb": REFUSED,
    "false-gzip": REFUSED,
    "unknown-encoding": WELL,  # what is not encoded is taken, whatever it is said to be
    **dict.fromkeys(("redirect-301", "redirect-302", "redirect-307", "redirect-308"), REFUSED),
    # It depends on whether the connections were used before.
    "resets-on-reuse": (f"completed|502 {LOST}", f"completed|502 {LOST}"),
    "closes-when-idle": WELL,
    "interim-flood": REFUSED,
    **dict.fromkeys(("huge-header", "two-lengths"), REFUSED),
    **dict.fromkeys(("no-usage", "negative-usage", "usage-in-words", "huge-usage", "late-usage"), WELL),
    **dict.fromkeys(("date-in-the-past", "null-times", "changing-names", "empty-events", "two-ends"), WELL),
    "slow": ("completed", f"failed {TIMED_OUT}"),
    "flood": WELL,
}

EXCEPTIONS: dict[tuple[str, str, str], str] = {
    # An index is an item's place in the output there: what comes twice is not guessed at.
    ("same-index", "responses", "stream"): f"failed {ODD}",
}

TIMED = frozenset(
    {
        *("silent", "slow-head", "idle-before-events", "comments-only", "idle-after-events"),
        *("comments-after-events", "slow", "million-events"),
    }
)
"""Only a deadline ends them."""

SIZES = frozenset({"huge-event", "million-events", "large-event", "gzip-bomb", "flood", "interim-flood"})
"""Those for which memory is watched."""

TEXTS = {
    "fails-once": "at last",
    "broken-utf8": None,  # of which each byte that is no character is U+FFFD
    "line-separators": "one\u2028two\u2029three\u0085four\u000bfive",
    "million-events": "a" * 1_000_000,
    "large-event": "0123456789" * 800_000,
    "flood": "0123456789abcdef" * 1_000_000,
}
CALLS = {
    "early-arguments": [("look_up", {"q": "x"})],
    "call-without-id": [("look_up", {"q": "x"})],
    "same-index": [("look_up", {"q": "first"}), ("look_up", {"q": "second"})],
    "interleaved-calls": [("look_up", {"q": "first"}), ("look_up", {"q": "second"})],
}
WAITS = {
    "limited": (7, 7),
    "limited-until": (25, 30),
    "limited-milliseconds": (3, 3),
    "limited-absurdly": (120, 120),
    "limited-in-the-past": (1, 1),
    "limited-silently": (5, 5),
    "limited-by-resets": (120, 120),
    "error-503": (3, 3),
}
"""The least and the most of Retry-After, in seconds."""


RETRIES = 1
"""How often the gateway asks again, of itself (`requests.retries`)."""

ODD_USAGE = frozenset({"no-usage", "negative-usage", "usage-in-words", "huge-usage", "late-usage"})


def asked(model: str, mode: str, half: str) -> range:
    """How often the provider may be asked.

    Once more after a failure that looks like passing, if nobody else is there. What broke off may have been
    paid for, and is never sent again.
    """
    if half == "alone" and model == "fails-once":
        return range(2, 3)
    may_pass = half == "alone" and EXPECTED[model][mode == "stream"] == "502 *"
    return range(1, 2 + RETRIES * may_pass)


def expected(model: str, dialect: str, mode: str, half: str) -> str:
    """The pattern of outcomes."""
    alone = EXCEPTIONS.get((model, dialect, mode)) or EXPECTED[model][mode == "stream"]
    return alone if half == "alone" else "|".join(map(_with_fallback, alone.split("|")))


def _with_fallback(alone: str) -> str:
    """Somebody else answers, unless something was said already, or the request itself is wrong."""
    return "completed" if alone.startswith(("429", "502", "504")) else alone


def fits(outcome: str, pattern: str) -> bool:
    return any(fnmatchcase(outcome, each) for each in pattern.split("|"))


def text_of(model: str) -> str | None:
    """What a whole answer says; None where that is not one text."""
    return "" if model in CALLS else TEXTS.get(model, DEFAULT_TEXT)
