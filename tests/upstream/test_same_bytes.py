"""The same turn is the same bytes: in every dialect, in every process, and after it lay in a store.

Providers keep caches of prompts by their exact bytes; one set that is walked in another order would empty
them all. The turns are those of the goldens (tests/turns).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256

import pytest
from msgspec.structs import replace

from antiphon.core.turn import Turn
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import decode, encode
from antiphon.upstream.emulation import adapt
from tests.turns.test_goldens import CASES, PAIRS, dialect_of, turn_of


def sent(case: str, dialect: str, change: Callable[[Turn], Turn] = lambda turn: turn) -> bytes:
    encoder = dialect_of(dialect)
    try:
        turn = change(turn_of(CASES[case], dialect))
        adapted = adapt(turn, encoder.native_tools(turn), encoder.own_fields)
        return encode(adapted.encoded(encoder.encode).body)
    except InvalidRequest as refusal:
        return str(refusal).encode()


def digests() -> dict[str, str]:
    return {f"{case}.{dialect}": sha256(sent(case, dialect)).hexdigest() for case, dialect in PAIRS}


def in_another_process(seed: str) -> dict[str, str]:
    code = "import json; from tests.upstream.test_same_bytes import digests; print(json.dumps(digests()))"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    found: dict[str, str] = json.loads(printed.stdout)
    return found


def test_processes_whose_sets_have_other_orders_send_the_same() -> None:
    expected = digests()
    assert len(expected) == len(PAIRS)
    assert in_another_process("1") == in_another_process("2") == expected


@pytest.mark.parametrize(("case", "dialect"), PAIRS)
def test_a_turn_that_lay_in_a_store_is_the_same(case: str, dialect: str) -> None:
    def stored(turn: Turn) -> Turn:
        return replace(turn, items=[decode(encode(item)) for item in turn.items])

    assert sent(case, dialect) == sent(case, dialect) == sent(case, dialect, stored)
