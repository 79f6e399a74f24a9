"""A copy of a SQLite database that others write to meanwhile, through SQLite's own backup interface.

All pages are copied in one step, out of one snapshot: what was committed before it began is in the copy,
nothing of what comes later is, and in WAL mode nobody waits (https://www.sqlite.org/backup.html).
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import apsw

from antiphon.stores.drivers.base import unavailable

ALL = -1  # pages a step
BUSY_TIMEOUT = 30_000  # milliseconds


def copy(database: Path, target: Path) -> int:
    """Make `target`, whole or not at all, readable for its owner alone; its size in bytes.

    Raises FileExistsError, OSError, StorageUnavailable.
    """
    if not database.exists():
        raise FileNotFoundError(2, "there is no database yet", str(database))
    draft = target.with_name(f".{target.name}.part")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        _copy_pages(database, draft)
        _sync(draft)
        os.link(draft, target)  # unlike a rename it does not replace a file that is there
    finally:
        draft.unlink()
    _sync(target.parent)
    return target.stat().st_size


def _copy_pages(database: Path, draft: Path) -> None:
    try:
        with (
            closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)) as source,
            closing(apsw.Connection(str(draft), flags=apsw.SQLITE_OPEN_READWRITE)) as copied,
        ):
            source.set_busy_timeout(BUSY_TIMEOUT)
            with copied.backup("main", source, "main") as backup:
                backup.step(ALL)
            copied.pragma("journal_mode", "delete")  # one file, whole without a WAL beside it
    except apsw.Error as error:
        raise unavailable(error) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
