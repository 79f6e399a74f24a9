"""What is good for a while: fetched once, renewed before it ends, and used until shortly before that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from antiphon.protocol.errors import ProviderError, UpstreamUnauthorized
from antiphon.upstream.auth.leases import EARLY, LAST, RETRY, Kept, Lease, bearer

NOW, LIFE = 1_800_000_000.0, 3_600


class Source:
    """Gives out 1, 2, …, each good for an hour; `failures` are raised first, after `wait` seconds."""

    def __init__(self, *failures: Exception, wait: float = 0.0) -> None:
        self.asked = 0
        self.now = NOW
        self.failures = list(failures)
        self._wait = wait
        self._kept: Kept[int] = Kept()

    async def get(self, now: float = NOW) -> int:
        self.now = now
        return await self._kept.get(now, self._fetch)

    async def _fetch(self) -> Lease[int]:
        self.asked += 1
        number, now = self.asked, self.now
        await asyncio.sleep(self._wait)
        if self.failures:
            raise self.failures.pop(0)
        return Lease(number, now + LIFE)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_is_fetched_once_and_renewed_before_it_ends_while_nobody_waits() -> None:
    source = Source()
    for now in (NOW, NOW + 60, NOW + LIFE - EARLY - 1):
        assert await source.get(now) == 1
    assert source.asked == 1
    assert await source.get(NOW + LIFE - EARLY) == 1
    await settled()
    assert source.asked == 2
    assert await source.get(NOW + LIFE - EARLY) == 2


async def test_what_has_nearly_ended_is_waited_for() -> None:
    source = Source()
    assert await source.get() == 1
    assert await source.get(NOW + LIFE - LAST) == 2


async def test_many_who_need_it_at_once_fetch_it_once() -> None:
    source = Source(wait=0.01)
    assert set(await asyncio.gather(*(source.get() for _ in range(50)))) == {1}
    assert source.asked == 1


async def test_a_fetch_that_failed_failed_for_all_who_waited_and_is_tried_again_by_the_next() -> None:
    source = Source(UpstreamUnauthorized("down"), wait=0.01)
    said = await asyncio.gather(*(source.get() for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in said] == [UpstreamUnauthorized] * 5
    assert source.asked == 1
    assert await source.get() == 2


async def test_who_leaves_while_it_is_fetched_takes_it_from_nobody() -> None:
    source = Source(wait=0.02)
    leaving, staying = (asyncio.create_task(source.get()) for _ in range(2))
    await asyncio.sleep(0.01)
    leaving.cancel()
    assert await staying == 1
    assert source.asked == 1


async def test_while_it_is_good_a_failure_is_nobodys_and_is_tried_again_after_a_while() -> None:
    source, due = Source(), NOW + LIFE - EARLY
    await source.get()
    source.failures = [UpstreamUnauthorized("down"), UpstreamUnauthorized("down")]
    for _ in range(3):
        assert await source.get(due) == 1
        await settled()
    assert source.asked == 2
    assert await source.get(due + RETRY) == 1
    await settled()
    assert source.asked == 3
    assert await source.get(due + 2 * RETRY) == 1
    await settled()
    assert await source.get(due + 2 * RETRY) == 4


async def test_what_has_ended_is_not_used_however_often_the_fetch_fails() -> None:
    source = Source()
    await source.get()
    source.failures = [UpstreamUnauthorized("down")] * 2
    for _ in range(2):
        with pytest.raises(ProviderError):
            await source.get(NOW + LIFE)


async def test_what_is_always_about_to_end_is_not_fetched_at_every_turn() -> None:
    source = Source()
    await source._kept.get(NOW, lambda: _brief(source))
    for second in range(RETRY):
        await source.get(NOW + second)
    await settled()
    assert source.asked == 0
    await source.get(NOW + RETRY)
    await settled()
    assert source.asked == 1


async def _brief(source: Source) -> Lease[int]:
    return Lease(0, NOW + 2 * RETRY + LAST)


@pytest.mark.parametrize(
    ("answer", "expires"),
    [
        ({"access_token": "t", "expires_in": 3_599}, NOW + 3_599),
        ({"access_token": "t", "expires_in": "86399", "expires_on": "5"}, NOW + 86_399),
        ({"access_token": "t", "expires_on": str(int(NOW) + 9)}, NOW + 9),
    ],
)
def test_a_token_becomes_a_header_and_knows_its_end(answer: dict[str, Any], expires: float) -> None:
    assert bearer(answer, NOW) == Lease({"Authorization": "Bearer t"}, expires)


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "x"},
        {"access_token": "t"},
        {"access_token": "", "expires_in": 9},
        {"access_token": 3, "expires_in": 9},
        {"access_token": "t\r\nX-Evil: 1", "expires_in": 9},
        {"access_token": "t", "expires_in": 0},
        {"access_token": "t", "expires_in": True},
        {"access_token": "t", "expires_in": "soon"},
        {"access_token": "t", "expires_on": str(int(NOW))},
    ],
)
def test_an_answer_without_a_good_token_is_our_own_trouble(answer: dict[str, Any]) -> None:
    with pytest.raises(UpstreamUnauthorized):
        bearer(answer, NOW)
