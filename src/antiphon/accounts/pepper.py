"""The pepper: 32 secret bytes of this installation, without which the stored digests of keys say nothing.

It is a file beside the database (mode 0600), made on the first start. A lost pepper means new keys. Other
secrets of the installation are derived from it.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PEPPER_BYTES = 32


class BadPepper(Exception):
    """The pepper file is not one: wrong length. Nothing is overwritten."""


def load_or_make(path: Path, random_bytes: Callable[[int], bytes]) -> bytes:
    """The pepper in the file; made first if there is none, by whichever process is the first.

    The file appears whole or not at all, under its name and on the disk, before its bytes are used.
    Raises BadPepper, OSError.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path, random_bytes)
    pepper = path.read_bytes()
    if len(pepper) != PEPPER_BYTES:
        raise BadPepper(f"{path} should hold {PEPPER_BYTES} bytes and holds {len(pepper)}")
    return pepper


def derived(secret: bytes, purpose: str) -> bytes:
    """32 secret bytes for one purpose; they say nothing about the secret or about those for another.

    `purpose` has a space in it: gateway keys, whose digests the pepper makes too, have none.
    """
    return hmac.digest(secret, purpose.encode(), "sha256")


def _make(path: Path, random_bytes: Callable[[int], bytes]) -> None:
    draft = path.with_name(f".{path.name}.{random_bytes(8).hex()}")
    try:
        _write_whole(draft, random_bytes(PEPPER_BYTES))
        with suppress(FileExistsError):  # another process was first: its pepper counts
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write_whole(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
