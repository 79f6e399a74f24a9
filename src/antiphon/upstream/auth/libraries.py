"""Credentials that the clouds' own libraries find, which block while they look: in a thread, within a time.

They are optional (`antiphon[aws]`, `antiphon[google]`), so each is imported where it is used, when it is.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Final, Generic, TypeVar

import structlog

from antiphon.protocol.errors import UpstreamUnauthorized

TIME_LIMIT: Final = 20.0
"""Seconds after which nobody waits any more."""

log = structlog.get_logger()

T = TypeVar("T")


class NotFound(Exception):
    """There are no credentials. The text is the name of the library's error, which says nothing secret."""


def is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False


class Search(Generic[T]):
    """One search for credentials at a time, in a thread that does not keep the process from ending."""

    __slots__ = ("_find", "_library", "_running")

    def __init__(self, library: str, find: Callable[[], T]) -> None:
        """`find` blocks, and raises NotFound."""
        self._library = library
        self._find = find
        self._running = False

    async def found(self) -> T:
        """Raises UpstreamUnauthorized, also while an earlier search hangs."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        if self._running:
            raise self._failed("it hangs")
        self._running = True
        threading.Thread(target=self._run, args=(loop, answer), name=self._library, daemon=True).start()
        try:
            async with asyncio.timeout(TIME_LIMIT):
                return await answer
        except TimeoutError:
            raise self._failed("it takes too long") from None
        except NotFound as error:
            raise self._failed(str(error)) from None

    def _run(self, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[T]) -> None:
        result: T | NotFound = NotFound("it broke off")
        try:
            result = self._find()
        except NotFound as error:
            result = error
        finally:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(self._settle, answer, result)

    def _settle(self, answer: asyncio.Future[T], result: T | NotFound) -> None:
        self._running = False
        if answer.done():
            return
        if isinstance(result, NotFound):
            answer.set_exception(result)
        else:
            answer.set_result(result)

    def _failed(self, reason: str) -> UpstreamUnauthorized:
        log.warning("no_credentials", library=self._library, reason=reason)
        return UpstreamUnauthorized("The gateway found no credentials for the provider.")
