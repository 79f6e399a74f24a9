"""Webhooks go out here: one POST over a checked connection (upstream/checked.py), and its status.

No redirect is followed, and nothing of the answer is read but its head.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp
from yarl import URL

from antiphon.upstream.checked import Checked, reason

CONNECT: Final = 5.0
"""Seconds to reach the server."""

WHOLE: Final = 10.0
"""Seconds until it has answered."""


class Postman:
    """Posts JSON to the URLs of an operator's webhooks."""

    def __init__(self, checked: Checked, user_agent: str, *, timeout: float = WHOLE) -> None:
        self._checked = checked
        self._user_agent = user_agent
        self._timeout = timeout

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int | str:
        """The status of the answer; or why there is none, in words that name no part of the URL."""
        target = URL(url)
        sent = {**headers, "Content-Type": "application/json", "User-Agent": self._user_agent}
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._checked.session(target) as session,
                session.post(target, data=body, headers=sent, allow_redirects=False) as answer,
            ):
                return answer.status
        except TimeoutError:
            return "no answer in time"
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            return reason(error)
