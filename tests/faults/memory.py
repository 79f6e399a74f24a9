"""How much memory something took at its highest, of this process, in which gateway and upstream run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIMIT = 512 * 1024 * 1024
"""Bytes."""

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def bounded() -> Iterator[None]:
    """No more than LIMIT above what was there before; where there is no /proc nothing is measured."""
    if not _CLEAR.exists():
        yield
        return
    _CLEAR.write_text("5")  # the peak begins anew (proc(5))
    before = _kept("VmRSS")
    yield
    assert _kept("VmHWM") - before < LIMIT


def _kept(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
