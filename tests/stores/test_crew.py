"""The tasks beside the callers: groups, bounds, and what happens when one dies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from antiphon.protocol.errors import Overloaded, StorageUnavailable
from antiphon.stores.drivers.base import unavailable
from antiphon.stores.drivers.crew import Crew


class Hand:
    """Works when its gate is open, and notes its groups."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.groups: list[list[int]] = []
        self.down = False
        self.finished = False

    async def connect(self) -> None:
        await self.gate.wait()
        if self.down:
            raise unavailable(OSError("down"))

    async def work(self, group: Sequence[int]) -> list[int | BaseException]:
        self.groups.append(list(group))
        return [10 // job for job in group]

    async def finish(self) -> None:
        self.finished = True


def crew(*hands: Hand, group: int = 100, limit: int = 1000, patience: float = 60.0) -> Crew[int, int]:
    return Crew(hands, group=group, limit=limit, patience=patience)


async def test_what_waits_is_one_group_in_order_and_a_group_has_a_bound() -> None:
    hand = Hand()
    jobs = crew(hand, group=4)
    answers = [jobs.submit(number) for number in (1, 2, 5, 10, 10)]
    hand.gate.set()
    assert await asyncio.gather(*answers) == [10, 5, 2, 1, 1]
    assert hand.groups == [[1, 2, 5, 10], [10]]
    await jobs.close()


async def test_closing_finishes_what_waits_and_then_every_hand() -> None:
    hands = [Hand(), Hand(), Hand()]
    jobs = crew(*hands, group=1)
    answers = [jobs.submit(1) for _ in range(9)]
    closing = asyncio.create_task(jobs.close())
    await asyncio.sleep(0)
    for hand in hands:
        hand.gate.set()
    await closing
    assert [answer.result() for answer in answers] == [10] * 9
    assert all(hand.finished for hand in hands)
    with pytest.raises(StorageUnavailable):
        jobs.submit(1)
    await jobs.close()


async def test_all_who_wait_for_a_connection_are_told_that_there_is_none() -> None:
    hand = Hand()
    jobs = crew(hand, group=1)
    answers = [jobs.submit(1) for _ in range(5)]
    hand.down = True
    hand.gate.set()
    told = await asyncio.gather(*answers, return_exceptions=True)
    assert [type(error) for error in told] == [StorageUnavailable] * 5
    assert len(set(map(id, told))) == 5, "each has its own"
    hand.down = False
    assert await jobs.submit(1) == 10
    await jobs.close()


async def test_waiting_is_bounded_in_number_and_in_time() -> None:
    hand = Hand()
    jobs = crew(hand, limit=2, patience=0.01)
    first = jobs.submit(1)
    await asyncio.sleep(0)  # it is taken
    late = [jobs.submit(1), jobs.submit(1)]
    with pytest.raises(Overloaded):
        jobs.submit(1)
    await asyncio.sleep(0.02)
    hand.gate.set()
    told = await asyncio.gather(first, *late, return_exceptions=True)
    assert {type(error) for error in told} == {StorageUnavailable}
    assert await jobs.submit(1) == 10
    await jobs.close()


async def test_nobody_waits_for_a_task_that_died() -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    hands = [Hand(), Hand()]
    jobs = crew(*hands, group=1)
    answers = [jobs.submit(number) for number in (0, 1, 1, 1)]
    await asyncio.sleep(0)  # each has taken one
    hands[0].gate.set()
    told = await asyncio.wait_for(asyncio.gather(*answers[:1], *answers[2:], return_exceptions=True), 5)
    assert {type(error) for error in told} == {StorageUnavailable}
    hands[1].gate.set()
    assert await answers[1] == 10, "what the other had taken is done"
    with pytest.raises(StorageUnavailable):
        jobs.submit(1)
    await jobs.close()
    assert all(hand.finished for hand in hands)
