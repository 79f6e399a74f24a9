"""The ledger, over every driver."""

from __future__ import annotations

import pytest
from msgspec.structs import astuple, replace

from antiphon.core.records import Attempt, Charge, ResponseRecord, Target
from antiphon.stores.drivers.base import ConstraintViolated, Driver
from antiphon.stores.ledger import Ledger, Total
from antiphon.stores.responses import Responses

FIRST = Attempt(
    project_id="mine",
    key_id="k",
    response_id="resp_1",
    number=1,
    target=Target("alpha", "a/model"),
    began_at=1_000.5,
    seconds=2.25,
    outcome="rate_limited",
    code="rate_limit_exceeded",
    status=429,
    charge=Charge(0, "prices"),
)
SECOND = replace(
    FIRST,
    number=2,
    target=Target("beta", "m"),
    first_event=0.125,
    outcome="ok",
    code=None,
    status=None,
    service_tier="flex",
    input_tokens=10,
    output_tokens=20,
    cached_tokens=3,
    cache_write_tokens=4,
    reasoning_tokens=5,
    charge=Charge(2**60, "estimate"),
)
UNPRICED = replace(SECOND, response_id="resp_2", number=1, began_at=2_000.0, charge=None)


@pytest.fixture
async def ledger(driver: Driver) -> Ledger:
    ledger = Ledger(driver)
    await ledger.add([SECOND, FIRST])
    await ledger.add([UNPRICED])
    return ledger


async def test_what_is_added_comes_back_in_the_order_it_was_made(ledger: Ledger) -> None:
    assert await ledger.of_response("mine", "resp_1") == [FIRST, SECOND]
    assert await ledger.of_response("mine", "resp_2") == [UNPRICED]


async def test_another_project_sees_none_of_it(ledger: Ledger) -> None:
    assert await ledger.of_response("theirs", "resp_1") == []
    assert await ledger.total("theirs") == Total(0, 0, 0, 0, 0)


async def test_a_stored_response_brings_its_calls_along_or_neither_is_kept(
    driver: Driver, ledger: Ledger
) -> None:
    responses = Responses(driver)
    record = ResponseRecord(
        id="resp_3",
        project_id="mine",
        previous_response_id=None,
        created_at=1,
        body={},
        input=[],
        output=[],
        attempts=[replace(FIRST, response_id="resp_3")],
    )
    await responses.save(record)
    assert await ledger.of_response("mine", "resp_3") == list(record.attempts)
    with pytest.raises(ConstraintViolated):
        await responses.save(replace(record, id="resp_4"))
    assert await responses.get("mine", "resp_4") is None
    assert await responses.delete("mine", "resp_3")
    assert await ledger.of_response("mine", "resp_3") == list(record.attempts), "what was spent was spent"


async def test_a_call_is_entered_once(ledger: Ledger) -> None:
    with pytest.raises(ConstraintViolated):
        await ledger.add([FIRST])
    assert (await ledger.total("mine")).attempts == 3


async def test_each_target_has_its_own_sum_the_dearest_first(ledger: Ledger) -> None:
    assert await ledger.by_model("mine") == [
        (Target("beta", "m"), Total(2, 2**60, 1, 20, 40)),
        (Target("alpha", "a/model"), Total(1, 0, 0, 0, 0)),
    ]
    assert await ledger.by_model("mine", since=1_500) == [(Target("beta", "m"), Total(1, 0, 1, 10, 20))]
    assert await ledger.by_model("theirs") == []


async def test_sums_are_exact_and_say_what_has_no_price(ledger: Ledger) -> None:
    assert await ledger.total("mine") == Total(3, 2**60, 1, 20, 40)
    assert await ledger.total("mine", since=1_500) == Total(1, 0, 1, 10, 20)
    assert {type(number) for number in astuple(await ledger.total("mine"))} == {int}
