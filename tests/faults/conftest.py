"""One gateway for all cells, and the table of what was seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

import pytest

from antiphon.fake_upstream.script import Step
from tests.faults.place import DIALECTS, HALVES, MODES, Place, made_place

OUTCOMES: pytest.StashKey[dict[tuple[str, str, str], dict[str, str]]] = pytest.StashKey()
_WIDTH = 26

# 64 MB, of which a client that does not read must not make the gateway take much.
DELUGE = Step(say="0123456789abcdef", repeat=4_000_000, chunks=16_000)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with made_place(tmp_path_factory.mktemp("faults"), {"deluge": [DELUGE]}) as made:
        yield made


@pytest.fixture(scope="session")
def outcomes(pytestconfig: pytest.Config) -> dict[tuple[str, str, str], dict[str, str]]:
    """(row and model, mode, half) → dialect → what was seen."""
    return pytestconfig.stash.setdefault(OUTCOMES, defaultdict(dict))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table, when all of it was played."""
    table = config.stash.get(OUTCOMES, {})
    if "chaos" not in (config.option.markexpr or "").replace("not chaos", "", 1):
        return
    terminalreporter.section("faults × dialects")
    for half, mode in product(HALVES, MODES):
        head = (f"{mode}, {half}", *DIALECTS)
        rows = [(name, row) for (name, *played), row in sorted(table.items()) if played == [mode, half]]
        terminalreporter.line("")
        for cells in (head, *((name, *(row.get(each, "–") for each in DIALECTS)) for name, row in rows)):
            terminalreporter.line("".join(f"{cell[: _WIDTH - 1]:{_WIDTH}}" for cell in cells).rstrip())
