"""Webhooks: who wants to know is told of the ends of background responses, at least once.

    claim ─▶ POST, signed ─▶ 2xx: delivered
                          ─▶ 410: given up
                          ─▶ anything else: again, later and later, until the end is a day old

Signed as Standard Webhooks has it (https://www.standardwebhooks.com): HMAC-SHA256 of id, time and body, by
which a receiver knows who sends, and that it is not played to him a second time. The id is the same at each
attempt. What an attempt was about stands in the log by the webhook's host; its URL, which may have a secret
in its path or query, and its key are never shown.

Any number of processes share the work. Each webhook has a few requests at a time in each of them, so that
one that is slow or away keeps none of the others waiting.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import structlog
from msgspec import Struct

from antiphon.core.records import Delivery, Webhook
from antiphon.engine.ports import DeliveryStore
from antiphon.observe.clock import Now
from antiphon.protocol import json
from antiphon.protocol.errors import GatewayError

_GONE = 410

log = structlog.get_logger()

Post: TypeAlias = Callable[[str, Mapping[str, str], bytes], Awaitable[int | str]]
"""URL, headers and body of a POST; its status, or in words why there is none."""


class Terms(Struct, frozen=True):
    """`at_once`: requests to one webhook. A delivery is held for `lease` seconds, longer than a POST takes.

    `delays`: seconds between an attempt and the next, the last for all that follow; a tenth more or less,
    so that what failed together does not come back together. `lifetime`: seconds; who has not taken it by
    then is asked a last time. `poll`: seconds between two looks, when there was nothing to tell.
    """

    at_once: int = 8
    lease: float = 30.0
    delays: Sequence[float] = (5, 60, 300, 1800, 7200, 14_400)
    lifetime: float = 86_400.0
    poll: float = 0.5


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook and how to reach it. `host` is for logs."""

    webhook: Webhook
    host: str
    url: str = field(repr=False)
    key: bytes = field(repr=False)


class Sender:
    """Tells this webhook, from `start` until `drain` has returned."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        deliveries: DeliveryStore,
        post: Post,
        now: Now,
        chance: Callable[[], float],
        terms: Terms,
    ) -> None:
        """`chance`: from 0 up to 1."""
        self._endpoint = endpoint
        self._deliveries = deliveries
        self._post = post
        self._now = now
        self._chance = chance
        self._terms = terms
        self._draining = asyncio.Event()
        self._taking: list[asyncio.Task[None]] = []
        self._telling: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._taking = [asyncio.get_running_loop().create_task(self._take())]

    async def drain(self, timeout: float) -> None:
        """Take nothing more; what is on its way gets `timeout` seconds. What is left is told by others."""
        self._draining.set()
        under_way = [*self._taking, *self._telling]
        if under_way:
            await asyncio.wait(under_way, timeout=timeout)
        left = [*self._taking, *self._telling]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _take(self) -> None:
        while not self._draining.is_set():
            if len(self._telling) >= self._terms.at_once:
                await asyncio.wait(self._telling, return_when=asyncio.FIRST_COMPLETED)
            elif not await self._begin(self._terms.at_once - len(self._telling)):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._draining.wait(), self._terms.poll)

    async def _begin(self, most: int) -> bool:
        """Tell up to so many that are due; False if there are none."""
        try:
            taken = await self._deliveries.claim(self._endpoint.webhook, lease=self._terms.lease, most=most)
        except GatewayError as error:
            log.warning("deliveries_not_available", reason=str(error))
            return False
        for delivery in taken:
            task = asyncio.get_running_loop().create_task(self._tell(delivery))
            self._telling.add(task)
            task.add_done_callback(self._let_go)
        return bool(taken)

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self._telling.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("delivery_failed", exc_info=bug)

    async def _tell(self, delivery: Delivery) -> None:
        body = event(delivery)
        headers = signed(self._endpoint.key, delivery.event_id, self._now(), body)
        answer = await self._post(self._endpoint.url, headers, body)
        try:
            await self._note(delivery, answer)
        except GatewayError as error:  # told again, when its lease is over
            log.warning("delivery_not_noted", event_id=delivery.event_id, reason=str(error))

    async def _note(self, delivery: Delivery, answer: int | str) -> None:
        """Raises GatewayError."""
        said = log.bind(
            host=self._endpoint.host,
            event_id=delivery.event_id,
            response_id=delivery.response_id,
            attempt=delivery.attempts,
            reason=f"status {answer}" if isinstance(answer, int) else answer,
        )
        left = self._terms.lifetime - delivery.age
        if isinstance(answer, int) and 200 <= answer < 300:
            await self._deliveries.delivered(delivery)
            said.debug("webhook_delivered")
        elif answer == _GONE or left <= 0:
            await self._deliveries.given_up(delivery)
            said.warning("webhook_given_up")
        else:
            delay = min(self._delay(delivery.attempts), left)
            await self._deliveries.postponed(delivery, delay=delay)
            said.info("webhook_waits", seconds=round(delay, 1))

    def _delay(self, attempts: int) -> float:
        delays = self._terms.delays
        return delays[min(attempts, len(delays)) - 1] * (0.9 + self._chance() / 5)


def event(delivery: Delivery) -> bytes:
    """The body of the request, as OpenAI's `WebhookResponseCompleted` and the like: no word of the answer."""
    return json.encode(
        {
            "id": delivery.event_id,
            "object": "event",
            "type": delivery.type,
            "created_at": delivery.created_at,
            "data": {"id": delivery.response_id},
        }
    )


def signed(key: bytes, id: str, sent_at: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    digest = hmac.digest(key, f"{id}.{sent_at}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
