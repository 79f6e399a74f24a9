"""Rows × dialects × {whole, stream} × {alone, with a fallback}.

A sample is played always, all of it by `make chaos-upstream`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import product
from typing import Any

import pytest

from antiphon.fake_upstream.answers import DEFAULT_TEXT
from antiphon.fake_upstream.builtin import ROWS, models
from tests.faults.expected import (
    CALLS,
    EXPECTED,
    ODD_USAGE,
    SIZES,
    TIMED,
    WAITS,
    asked,
    expected,
    fits,
    text_of,
)
from tests.faults.memory import bounded
from tests.faults.place import (
    DIALECTS,
    GRACE,
    HALVES,
    MODES,
    PATIENT,
    QUICK,
    Place,
    Seen,
    ledger_of,
    requests_for,
    seen,
)

LATE = 0.5
"""Seconds after a deadline in which a busy machine may still tell of it."""


def cells() -> Iterator[Any]:
    """Of each fault one cell is always played: the next dialect and mode, and half, from fault to fault."""
    named = [(row, model) for row, names in ROWS.items() for model in names]
    for number, (row, model) in enumerate(named):
        mode, half = MODES[number % 2], HALVES[number // 2 % 2]
        chosen = DIALECTS[number % len(DIALECTS)], "stream" if model in TIMED else mode, half
        for cell in product(DIALECTS, MODES, HALVES):
            marks = () if cell == chosen else (pytest.mark.chaos,)
            yield pytest.param(row, model, *cell, id="-".join((f"{row:02}", model, *cell)), marks=marks)


def test_the_table_has_every_fault_and_no_other() -> None:
    assert EXPECTED.keys() == {name for names in ROWS.values() for name in names}
    assert EXPECTED.keys() <= models().keys()


@pytest.mark.parametrize(("row", "model", "dialect", "mode", "half"), list(cells()))
def test_a_client_is_told_what_went_wrong_and_in_time(
    place: Place, outcomes: Any, row: int, model: str, dialect: str, mode: str, half: str
) -> None:
    timeouts, name = (QUICK, "quick") if model in TIMED else (PATIENT, "patient")
    own = f"{model}+{dialect}-{mode}-{half}"
    fields = {"fallbacks": [f"spare-{dialect}/steady"]} if half == "fallback" else {}
    with bounded() if model in SIZES else nullcontext():
        was = seen(place, own, stream=mode == "stream", provider=f"{name}-{dialect}", **fields)
    outcomes[f"{row:02} {model}", mode, half][dialect] = was.outcome
    assert fits(was.outcome, expected(model, dialect, mode, half)), was.answer.body[-500:]
    was.check(place)
    assert was.seconds < timeouts["total"] + GRACE
    check_deadline(was, model)
    check_answer(was, model)
    check_wait(was, model)
    times = asked(model, mode, half)
    assert requests_for(place, own, times.start) in times
    check_ledger(place, was, own)


def check_deadline(was: Seen, model: str) -> None:
    """Not before its time, either."""
    if "upstream_timeout" in was.outcome:
        due = QUICK["idle" if was.streamed and model not in ("slow", "million-events") else "total"]
        assert 0.9 * due < was.seconds < due + LATE


def check_answer(was: Seen, model: str) -> None:
    """All that was said, when it completed; and no call of which a part is missing, in any case."""
    calls, said = CALLS.get(model, []), text_of(model)
    if was.outcome != "completed":
        assert all(call in calls for call in was.calls)
        return
    if was.response["provider"].startswith("spare"):
        calls, said = [], DEFAULT_TEXT
    assert was.calls == calls
    assert was.text == said if said is not None else "\ufffd" in was.text
    for count in (was.response["usage"] or {}).values():
        assert not isinstance(count, int) or 0 <= count < 2**53


def check_wait(was: Seen, model: str) -> None:
    if was.answer.status == 429:
        least, most = WAITS[model]
        assert least <= int(was.answer.header("retry-after") or 0) <= most


def check_ledger(place: Place, was: Seen, own: str) -> None:
    """A row for every call, with what the provider billed where it said so itself."""
    rows = ledger_of(place, own, requests_for(place, own))
    requests_for(place, own, len(rows))  # each side may hear of an end a moment after the other
    entries = place.upstream.asked(own)
    assert len(rows) == len(entries)
    if was.outcome == "completed" and was.response["provider"].partition("-")[0] != "spare":
        told, billed = rows[-1], entries[-1]
        assert told.outcome == "ok"
        if own.partition("+")[0] not in ODD_USAGE:
            assert (told.input_tokens, told.output_tokens) == (billed.input_tokens, billed.output_tokens)
        else:
            assert told.input_tokens > 0
            assert told.output_tokens > 0
