"""The journal: nothing is lost between writer and reader, and neither waits for ever."""

from __future__ import annotations

import asyncio

from antiphon.engine.journal import MemoryJournal
from antiphon.protocol.events import Event


def delta(number: int) -> Event:
    return {"type": "response.output_text.delta", "sequence_number": number}


END: Event = {"type": "response.completed", "response": {}}


async def test_a_reader_gets_every_event_in_order() -> None:
    journal, heard = MemoryJournal(), list[Event]()

    async def write() -> None:
        for number in range(5):
            await journal.append([delta(number)])
            await asyncio.sleep(0)
        await journal.append([END])

    writer = asyncio.create_task(write())
    while not journal.ended or not heard or heard[-1] is not END:
        heard += await journal.read()
    await writer
    assert heard == [*map(delta, range(5)), END]


async def test_a_slow_reader_holds_the_writer_back() -> None:
    journal = MemoryJournal(bound=2)
    writer = asyncio.create_task(journal.append([delta(0), delta(1), delta(2)]))
    await asyncio.sleep(0)
    assert not writer.done()
    assert len(await journal.read()) == 3
    await asyncio.wait_for(writer, 1)


async def test_who_waits_for_the_end_alone_holds_nobody_back() -> None:
    journal = MemoryJournal(bound=2)
    reader = asyncio.create_task(journal.end())
    await asyncio.sleep(0)
    for number in range(10):
        await asyncio.wait_for(journal.append([delta(number)]), 1)
    assert not reader.done()
    await journal.append([delta(10), END])
    assert await asyncio.wait_for(reader, 1) is END


async def test_the_end_is_there_for_who_comes_late() -> None:
    journal = MemoryJournal(bound=2)
    begun = asyncio.create_task(journal.append([delta(0), delta(1), delta(2)]))
    await asyncio.sleep(0)
    reader = asyncio.create_task(journal.end())
    await asyncio.wait_for(begun, 1)
    await journal.append([END])
    assert await asyncio.wait_for(reader, 1) is END
    ended = MemoryJournal()
    await ended.append([delta(0), END])
    assert await asyncio.wait_for(ended.end(), 1) is END


async def test_a_reader_who_leaves_holds_nobody_back() -> None:
    journal = MemoryJournal(bound=2)
    writer = asyncio.create_task(journal.append([delta(0), delta(1), delta(2)]))
    await asyncio.sleep(0)
    assert not writer.done()
    journal.let_go()
    await asyncio.wait_for(writer, 1)
    for number in range(10):
        await asyncio.wait_for(journal.append([delta(number)]), 1)
    await asyncio.wait_for(journal.append([delta(10), END]), 1)
    assert journal.ended
    assert await journal.read() == [delta(10), END], "nothing else was kept"
