"""Background responses in the forms of both specifications; and they say what a foreground response says."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core.fold import fold
from tests.contract import specifications
from tests.contract.test_schemas import REQUESTS, both, check_response, unsealed
from tests.contract.wire import ask, create
from tests.running import Running

STORED = [name for name, (_, fields) in REQUESTS.items() if fields.get("store", True)]
OPENING = ["response.created", "response.queued", "response.in_progress"]


def kinds(events: list[Any]) -> list[str]:
    return [event["type"] for event in events]


@specifications.needed
@pytest.mark.parametrize("name", STORED)
def test_every_event_is_one_and_all_add_up_to_what_is_stored(gateway: Running, name: str) -> None:
    status, fields = REQUESTS[name]
    events = create(gateway, **fields, stream=True, background=True).events
    for event in events:
        for specification in both():
            specification.check_event(event)
    assert kinds(events[:3]) == OPENING
    assert kinds(events[3:]) == kinds(create(gateway, **fields, stream=True).events[2:])
    response = fold(events)
    assert (response["status"], response["background"]) == (status, True)
    kept = ask(gateway, "GET", f"/v1/responses/{response['id']}").json()
    assert kept == unsealed(response)
    check_response(kept)


@specifications.needed
def test_what_is_queued_or_cancelled_is_a_response(gateway: Running) -> None:
    queued = create(gateway, "count to 100 slowly", background=True).json()
    check_response(queued)
    assert queued["status"] == "queued"
    cancelled = ask(gateway, "POST", f"/v1/responses/{queued['id']}/cancel").json()
    check_response(cancelled)
    assert cancelled["status"] == "cancelled"
    replayed = ask(gateway, "GET", f"/v1/responses/{queued['id']}?stream=true").events
    for event in replayed:
        for specification in both():
            specification.check_event(event)
    assert fold(replayed) == cancelled
