"""A real Redis for the tests: the one that runs here, or one of their own.

    ANTIPHON_TEST_REDIS, else redis://127.0.0.1:6379   if somebody answers there
    else the program redis-server                      if it is installed
    else none: the tests that need one are skipped, and fail where CI=true

Tests that stop the server always start one of their own: `Own`. The others take channels that nobody else
has.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

USUAL = "redis://127.0.0.1:6379"
PROGRAM = "redis-server"
NONE = "no Redis answers at {address} (ANTIPHON_TEST_REDIS), and redis-server is not installed"


class Choice(NamedTuple):
    """Which server the tests use. `url` None: their own, or none."""

    url: str | None
    description: str
    available: bool


def choose() -> Choice:
    """Without starting anything."""
    url = os.environ.get("ANTIPHON_TEST_REDIS", USUAL)
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 6379
    if _answers(host, port):
        return Choice(url, f"the one at {host}:{port}", True)
    if shutil.which(PROGRAM):
        return Choice(None, f"one of the tests' own ({PROGRAM}); none answers at {host}:{port}", True)
    return Choice(None, f"none: {NONE.format(address=f'{host}:{port}')}", False)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


class Own:
    """A server that can be killed, frozen and started again, on one port."""

    def __init__(self, folder: Path, password: str | None = None, options: tuple[str, ...] = ()) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._folder = folder
        self._password = password
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self._password or ''}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it accepts connections."""
        command = [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        secret = ["--requirepass", self._password] if self._password else []
        self._process = subprocess.Popen(
            [*command, str(self._folder), *secret, *self._options], stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + 20
        while not _answers("127.0.0.1", self.port):
            assert time.monotonic() < until, "redis-server does not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """Without warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def own(folder: Path, password: str | None = None, options: tuple[str, ...] = ()) -> Iterator[Own]:
    """One that runs, with options of the program. Without the program: a skip, in CI a failure."""
    if shutil.which(PROGRAM) is None:
        _missing(f"Redis: {PROGRAM} is not installed")
    server = Own(folder, password, options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The URL of one that runs: the one that is here, or their own in the folder."""
    choice = choose()
    if not choice.available:
        _missing(f"Redis: {choice.description}")
    if choice.url is not None:
        yield choice.url
        return
    with own(folder) as server:
        yield server.url


def _missing(why: str) -> None:
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
