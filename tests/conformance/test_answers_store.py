"""What was answered to requests with an Idempotency-Key, on every database."""

from __future__ import annotations

import asyncio

import pytest

from antiphon.core.records import Answer, AnswerKey
from antiphon.stores.answers import Answers
from antiphon.stores.drivers.base import Driver

KEY = AnswerKey("default", "POST /v1/responses", "k1")
PRINT, OTHER = b"1" * 32, b"2" * 32
DONE = Answer(PRINT, 200, "application/json", b'{"id": "resp_1"}', "resp_1")
LEASE = 60_000


@pytest.fixture
def store(driver: Driver) -> Answers:
    return Answers(driver, lifetime=60_000)


async def test_one_of_many_claims_and_the_others_see_that(store: Answers) -> None:
    found = await asyncio.gather(*(store.claim(KEY, PRINT, f"t{number}", LEASE) for number in range(20)))
    assert found.count(None) == 1
    assert found.count(Answer(PRINT)) == 19


async def test_an_answer_is_kept_as_it_was(store: Answers) -> None:
    assert await store.claim(KEY, PRINT, "t1", LEASE) is None
    assert await store.save(KEY, "t1", DONE)
    assert await store.claim(KEY, PRINT, "t2", LEASE) == DONE
    assert await store.claim(KEY, OTHER, "t3", LEASE) == DONE  # whose fingerprint tells


async def test_keys_of_other_projects_and_routes_are_others(store: Answers) -> None:
    keys = [
        KEY,
        AnswerKey("p2", KEY.route, KEY.key),
        AnswerKey(KEY.project_id, "POST /v1/conversations", "k1"),
    ]
    assert [await store.claim(key, PRINT, "t1", LEASE) for key in keys] == [None] * 3


async def test_what_was_released_begins_anew(store: Answers) -> None:
    await store.claim(KEY, PRINT, "t1", LEASE)
    await store.release(KEY, "t1")
    assert await store.claim(KEY, OTHER, "t2", LEASE) is None


async def test_a_claim_that_ran_out_is_taken_over_and_its_holder_has_no_say(store: Answers) -> None:
    await store.claim(KEY, PRINT, "t1", 0)
    await asyncio.sleep(0.01)
    assert await store.claim(KEY, PRINT, "t2", LEASE) is None
    assert not await store.renew(KEY, "t1", LEASE)
    assert not await store.save(KEY, "t1", DONE)
    await store.release(KEY, "t1")
    assert await store.renew(KEY, "t2", LEASE)
    assert await store.claim(KEY, PRINT, "t3", LEASE) == Answer(PRINT)


async def test_a_claim_that_is_renewed_does_not_run_out(store: Answers) -> None:
    await store.claim(KEY, PRINT, "t1", 1)
    assert await store.renew(KEY, "t1", LEASE)
    await asyncio.sleep(0.01)
    assert await store.claim(KEY, PRINT, "t2", LEASE) == Answer(PRINT)


async def test_an_answer_cannot_be_changed_or_released(store: Answers) -> None:
    await store.claim(KEY, PRINT, "t1", LEASE)
    await store.save(KEY, "t1", DONE)
    assert not await store.save(KEY, "t1", Answer(PRINT, 500, "", b""))
    await store.release(KEY, "t1")
    assert await store.claim(KEY, PRINT, "t2", LEASE) == DONE


async def test_what_is_too_old_is_forgotten(driver: Driver) -> None:
    store = Answers(driver, lifetime=1)
    for number in range(5):
        key = AnswerKey("default", KEY.route, f"k{number}")
        await store.claim(key, PRINT, "t1", LEASE)
        await store.save(key, "t1", DONE)
    await asyncio.sleep(0.02)
    assert await store.claim(AnswerKey("default", KEY.route, "k0"), OTHER, "t2", LEASE) is None
    await asyncio.sleep(0.02)
    assert await store.forget(2) == 2
    assert await store.forget(10) == 3
    assert await store.forget(10) == 0
