"""Signals wake whoever listens, and nobody waits for them longer than he said."""

from __future__ import annotations

import asyncio
import time

from antiphon.engine.signals import LocalSignals


async def test_all_who_listen_to_the_topic_are_woken() -> None:
    signals = LocalSignals()
    with signals.subscribe("a") as first, signals.subscribe("a") as second, signals.subscribe("b") as other:
        waiting = [asyncio.create_task(heard.wait(20)) for heard in (first, second)]
        deaf = asyncio.create_task(other.wait(20))
        await asyncio.sleep(0)
        signals.publish("a")
        async with asyncio.timeout(5):
            await asyncio.gather(*waiting)
        assert not deaf.done()
        deaf.cancel()


async def test_what_was_said_before_the_wait_is_heard_once() -> None:
    signals = LocalSignals()
    with signals.subscribe("a") as heard:
        signals.publish("a")
        signals.publish("a")
        async with asyncio.timeout(5):
            await heard.wait(20)
        began = time.monotonic()
        await heard.wait(0.05)
        assert time.monotonic() - began > 0.03


async def test_nothing_is_left_of_who_does_not_listen_any_more() -> None:
    signals = LocalSignals()
    with signals.subscribe("a"), signals.subscribe("a"):
        pass
    signals.publish("a")
    assert signals._listening == {}
