"""Google's application default credentials: a user's of gcloud, a federated workload's, an instance's.

google-auth looks for them (https://docs.cloud.google.com/docs/authentication/application-default-credentials)
and asks for tokens; besides the token a request may have to name the project that is billed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import Any, Final

from antiphon.upstream.auth.google import SCOPE
from antiphon.upstream.auth.leases import Lease, LeasedHeaders
from antiphon.upstream.auth.libraries import NotFound, Search, is_installed
from antiphon.upstream.base import Ask

ANSWER_TIME: Final = 10.0
"""Seconds that a token server has for its answer."""

GOOD_FOR: Final = 900
"""Seconds after which a token is renewed that has no end of its own."""


@dataclass(frozen=True, slots=True)
class DefaultCredentials:
    """Whatever credentials there are."""

    def begin(self) -> LeasedHeaders:
        search = Search("google-auth", _Credentials().headers)

        async def fetch(now: float, ask: Ask) -> Lease[Mapping[str, str]]:
            return await search.found()

        return LeasedHeaders(fetch)

    @property
    def secrets(self) -> tuple[str, ...]:
        """They are not known beforehand."""
        return ()


class _Credentials:
    """Used in one thread at a time."""

    __slots__ = ("_credentials",)

    def __init__(self) -> None:
        self._credentials: Any = None

    def headers(self) -> Lease[Mapping[str, str]]:
        """Blocks. Raises NotFound."""
        from google.auth import default
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request

        try:
            if self._credentials is None:
                self._credentials, _ = default(scopes=[SCOPE])
            self._credentials.refresh(partial(Request(), timeout=ANSWER_TIME))
        except (GoogleAuthError, OSError, ValueError, LookupError) as error:
            raise NotFound(type(error).__name__) from None
        headers: dict[str, str] = {}
        self._credentials.apply(headers)
        end = self._credentials.expiry  # UTC, without saying so
        expires = end.replace(tzinfo=UTC).timestamp() if end is not None else time.time() + GOOD_FOR
        return Lease(headers, expires)


def is_available() -> bool:
    """Whether the extra is installed."""
    return is_installed("google.auth")
