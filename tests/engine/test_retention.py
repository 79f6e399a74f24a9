"""What was kept long enough is forgotten, all of it, in steps; what a setting keeps for ever is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

from antiphon.core.records import AnswerKey, Caller
from antiphon.engine.retention import Kept, Retention
from antiphon.engine.signals import LocalSignals
from antiphon.stores.answers import Answers
from antiphon.stores.deliveries import Deliveries
from antiphon.stores.expiry import Expiry
from antiphon.stores.schema import DEFAULT_PROJECT
from tests.engine.backstage import HELLO, Repeating, ended, opened, queued

MINE = Caller(DEFAULT_PROJECT, "key")
LONG = 3600.0


async def test_each_goes_when_its_time_has_come(tmp_path: Path) -> None:
    async with opened(tmp_path) as place:
        signals = LocalSignals()
        background = place.background(signals)
        place.worker(signals, Repeating([HELLO]))
        ids = [await queued(background, MINE) for _ in range(3)]
        for each in ids:
            await ended(background, each, MINE)
        expiry, told = Expiry(place.database), Deliveries(place.database)
        answers = Answers(place.database, lifetime=0)
        await answers.claim(AnswerKey(DEFAULT_PROJECT, "POST /", "k"), b"", "t", 1)
        await asyncio.sleep(0.01)

        async def left() -> tuple[int, int]:
            kept = [await place.responses.get(DEFAULT_PROJECT, each) for each in ids]
            jobs = [await place.jobs.state(DEFAULT_PROJECT, each) for each in ids]
            return sum(each is not None for each in kept), sum(each is not None for each in jobs)

        assert await Retention(place.jobs, expiry, told, answers, Kept(LONG, LONG)).round() == 1
        assert await left() == (3, 3)
        assert await Retention(place.jobs, expiry, told, answers, Kept(0, 0)).round() == 3
        assert await left() == (3, 0)
        await asyncio.sleep(1.1)  # a response's age is counted in whole seconds
        assert await Retention(place.jobs, expiry, told, answers, Kept(0.1, LONG)).round() == 3
        assert await left() == (0, 0)
