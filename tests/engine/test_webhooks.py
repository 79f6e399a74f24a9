"""Webhooks are told of every end, at least once, signed, by a receiver's own judgement: OpenAI's library."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openai import InvalidWebhookSignatureError, OpenAI
from sqlalchemy import select
from structlog.testing import capture_logs

from antiphon.core import deltas as d
from antiphon.core.records import Delivery, Webhook
from antiphon.engine.interrupted import Undertaker
from antiphon.engine.signals import LocalSignals
from antiphon.engine.webhooks import Endpoint, Sender, Terms, event, signed
from antiphon.observe.clock import Ids
from antiphon.protocol.errors import StorageUnavailable
from antiphon.stores.deliveries import Deliveries, Outbox
from antiphon.stores.jobs import Jobs
from antiphon.stores.schema import deliveries as table
from antiphon.upstream.checked import PRIVATE, Checked
from antiphon.upstream.webhooks import Postman
from tests.engine.backstage import HELLO, Place, Repeating, ended, opened, queued, until
from tests.engine.stand_ins import CALLER
from tests.upstream.faults import FaultUpstream, Request, Visit, answer, serving

KEY = bytes(range(32))
ORACLE = OpenAI(api_key="none", webhook_secret="whsec_" + b64encode(KEY).decode())
OUTCOMES = select(table.c.outcome).order_by(table.c.created_at)
TYPES = frozenset({"response.completed", "response.failed", "response.incomplete", "response.cancelled"})
HOOK = Webhook("project", "hook", TYPES)
QUICK = Terms(delays=(0.05,), poll=0.02)
OK = "200 OK"


@dataclass
class Receiver:
    """Answers with these in order, the last for all that follow."""

    answers: Sequence[str] = (OK,)
    head: Sequence[str] = ()
    busy: asyncio.Event | None = None  # what answers wait for
    open: int = 0
    most_open: int = 0
    requests: list[Request] = field(default_factory=list)

    async def script(self, visit: Visit) -> None:
        request = await visit.request()
        at = min(len(self.requests), len(self.answers) - 1)
        self.requests.append(request)
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        if self.busy is not None:
            await self.busy.wait()
        self.open -= 1
        await visit.send(answer(b"", self.answers[at], "text/plain", *self.head))

    def ids(self) -> list[str | None]:
        return [request.header("webhook-id") for request in self.requests]


@dataclass
class Post:
    """A place whose ends are told to a receiver."""

    place: Place
    deliveries: Deliveries
    receiver: Receiver
    upstream: FaultUpstream
    senders: list[Sender] = field(default_factory=list)

    def start(
        self,
        terms: Terms = QUICK,
        *,
        url: str = "",
        trusted: Sequence[str] = ("127.0.0.1",),
        deliveries: Any = None,
    ) -> Sender:
        sender = Sender(
            Endpoint(HOOK, "a.example", url or f"{self.upstream.url}/canary?canary", KEY),
            deliveries=deliveries or self.deliveries,
            post=Postman(Checked(trusted, connect=2), "antiphon/test").post,
            now=lambda: int(time.time()),
            chance=lambda: 0.5,
            terms=terms,
        )
        self.senders.append(sender)
        sender.start()
        return sender

    async def made(self, script: Sequence[Any] = HELLO, *, cancel: bool = False) -> str:
        """A background response that has ended."""
        signals = LocalSignals()
        background = self.place.background(signals)
        response_id = await queued(background)
        if cancel:
            await background.cancel(CALLER, response_id)
        else:
            self.place.worker(signals, Repeating([script]))
        await ended(background, response_id)
        return response_id

    async def outcomes(self) -> list[Any]:
        connection = self.place.database
        statement = connection.compile(OUTCOMES)
        return [outcome for (outcome,) in await connection.read(statement, {})]

    async def until_outcomes(self, *expected: str) -> None:
        for _ in range(1000):
            if await self.outcomes() == list(expected):
                return
            await asyncio.sleep(0.02)
        raise TimeoutError


@asynccontextmanager
async def posting(folder: Path, receiver: Receiver | None = None) -> AsyncIterator[Post]:
    receiver = receiver or Receiver()
    async with opened(folder) as place, serving(receiver.script) as upstream:
        place.jobs = Jobs(place.database, Outbox(place.database, [HOOK], Ids()))
        post = Post(place, Deliveries(place.database), receiver, upstream)
        try:
            yield post
        finally:
            for sender in post.senders:
                await sender.drain(0)


def judged(request: Request) -> Any:
    """What OpenAI's library makes of it. Raises InvalidWebhookSignatureError."""
    return ORACLE.webhooks.unwrap(request.body, dict(request.headers))


@pytest.mark.parametrize(
    ("script", "cancel", "kind"),
    [
        (HELLO, False, "response.completed"),
        ([d.Text("0", "hel"), d.Stop("length")], False, "response.incomplete"),
        ([StorageUnavailable("gone")], False, "response.failed"),
        (HELLO, True, "response.cancelled"),
    ],
)
async def test_every_end_is_told_once_and_the_receiver_believes_it(
    tmp_path: Path, script: Any, cancel: bool, kind: str
) -> None:
    async with posting(tmp_path) as post:
        post.start()
        post.start()  # in another process, as far as they know
        response_id = await post.made(script, cancel=cancel)
        await post.until_outcomes("delivered")
        await asyncio.sleep(0.7)
        (request,) = post.receiver.requests
    told = judged(request)
    assert (told.type, told.data.id, told.object) == (kind, response_id, "event")
    assert told.id == request.header("webhook-id") and told.id.startswith("evt_")
    assert abs(told.created_at - time.time()) < 60
    assert json.loads(request.body) == told.to_dict() and set(told.to_dict()) == {
        *("id", "object", "type", "created_at", "data")
    }


async def test_what_was_changed_on_the_way_is_not_believed(tmp_path: Path) -> None:
    async with posting(tmp_path) as post:
        post.start()
        await post.made()
        await post.until_outcomes("delivered")
    (request,) = post.receiver.requests
    headers = dict(request.headers)
    for change in ({"webhook-id": "evt_2"}, {"webhook-timestamp": str(int(time.time()) - 1)}):
        with pytest.raises(InvalidWebhookSignatureError):
            ORACLE.webhooks.unwrap(request.body, {**headers, **change})
    with pytest.raises(InvalidWebhookSignatureError):
        ORACLE.webhooks.unwrap(request.body + b" ", headers)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """By `printf 'evt_1.1700000000.{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0001…1f -binary`."""
    assert signed(KEY, "evt_1", 1_700_000_000, b"{}") == {
        "webhook-id": "evt_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1,bXtchBV0Hi1flm60IFUb87JKA3d/Yvv8UoEjbNotegk=",
    }


async def test_who_fails_is_told_again_by_the_same_id_and_later_and_later(tmp_path: Path) -> None:
    receiver = Receiver(["500 Internal Server Error", "302 Found", "429 Too Many Requests", "204 No Content"])
    async with posting(tmp_path, receiver) as post:
        with capture_logs() as lines:
            post.start(Terms(delays=(0.1, 0.2), poll=0.02))
            await post.made()
            await post.until_outcomes("delivered")
        assert [
            (line["attempt"], line["reason"], line["seconds"]) for line in lines if "seconds" in line
        ] == [
            (1, "status 500", 0.1),
            (2, "status 302", 0.2),
            (3, "status 429", 0.2),
        ]
    assert len(receiver.ids()) == 4 and len(set(receiver.ids())) == 1
    assert {judged(request).id for request in receiver.requests} == set(receiver.ids())


async def test_who_is_not_there_is_told_when_he_is(tmp_path: Path) -> None:
    async with posting(tmp_path) as post:
        away = post.start(url="http://127.0.0.1:9/canary?canary")
        with capture_logs() as lines:
            await post.made()
            await until(lambda: len(lines) > 2)
        assert {line["reason"] for line in lines} == {"ConnectionRefusedError"}
        assert "canary" not in repr(lines) and repr(KEY) not in repr(lines)
        await away.drain(1)
        post.start()
        await post.until_outcomes("delivered")
        (request,) = post.receiver.requests
    assert judged(request).id == lines[0]["event_id"]


async def test_a_redirect_leads_nowhere(tmp_path: Path) -> None:
    elsewhere = Receiver()
    async with serving(elsewhere.script) as target:
        moved = Receiver(["308 Permanent Redirect"], [f"Location: {target.url}/"])
        async with posting(tmp_path, moved) as post:
            post.start()
            await post.made()
            await until(lambda: len(moved.requests) > 1)
            assert await post.outcomes() == [None]
    assert elsewhere.requests == []


async def test_a_private_address_is_reached_only_where_that_is_allowed(tmp_path: Path) -> None:
    async with posting(tmp_path) as post:
        refused = post.start(trusted=())
        with capture_logs() as lines:
            await post.made()
            await until(lambda: len(lines) > 1)
        assert {line["reason"] for line in lines} == {PRIVATE}
        assert post.upstream.visits == []
        await refused.drain(1)
        post.start(trusted=["127.0.0.1"])
        await post.until_outcomes("delivered")


@pytest.mark.parametrize(
    ("status", "terms"),
    [("410 Gone", QUICK), ("503 Service Unavailable", Terms(delays=(0.1,), lifetime=0.5, poll=0.02))],
)
async def test_it_is_given_up_when_nobody_will_take_it(tmp_path: Path, status: str, terms: Terms) -> None:
    receiver = Receiver([status])
    async with posting(tmp_path, receiver) as post:
        with capture_logs() as lines:
            post.start(terms)
            await post.made()
            await post.until_outcomes("given_up")
        (line,) = [line for line in lines if line["event"] == "webhook_given_up"]
        count = len(receiver.requests)
        assert count == 1 if status.startswith("410") else 3 <= count <= 7
        await asyncio.sleep(0.3)
        assert len(receiver.requests) == count
    assert (line["log_level"], line["host"], line["attempt"]) == ("warning", "a.example", count)
    assert "canary" not in repr(lines)


def test_the_last_attempt_is_a_day_after_the_end_or_later() -> None:
    """What the delays of production come to, with every chance."""
    for chance in (0.0, 0.5, 0.999):
        age, attempts = 0.0, 0
        terms = Terms()
        while age < terms.lifetime:
            attempts += 1
            delay = terms.delays[min(attempts, len(terms.delays)) - 1] * (0.9 + chance / 5)
            age += min(delay, terms.lifetime - age)
        assert age >= 86_400 and 9 <= attempts <= 12


async def test_a_slow_receiver_gets_so_many_at_a_time(tmp_path: Path) -> None:
    receiver = Receiver(busy=asyncio.Event())
    async with posting(tmp_path, receiver) as post:
        for _ in range(7):
            await post.made(cancel=True)
        post.start(Terms(at_once=3))
        await until(lambda: receiver.open == 3)
        await asyncio.sleep(0.7)
        assert receiver.most_open == 3
        assert receiver.busy is not None
        receiver.busy.set()
        await post.until_outcomes(*["delivered"] * 7)
    assert len(set(receiver.ids())) == len(receiver.requests) == 7


async def test_what_is_on_its_way_arrives_before_the_process_ends(tmp_path: Path) -> None:
    receiver = Receiver(busy=asyncio.Event())
    async with posting(tmp_path, receiver) as post:
        await post.made(cancel=True)
        sender = post.start()
        await until(lambda: receiver.open == 1)
        draining = asyncio.create_task(sender.drain(10))
        await asyncio.sleep(0.05)
        assert receiver.busy is not None
        receiver.busy.set()
        await draining
        assert await post.outcomes() == ["delivered"]


async def test_what_could_not_be_noted_is_told_again(tmp_path: Path) -> None:
    """The lease is over, as when the process is killed between the request and the commit."""

    class Forgetful(Deliveries):
        async def delivered(self, delivery: Delivery) -> bool:
            raise StorageUnavailable("The disk is full.")

    async with posting(tmp_path) as post:
        forgetful = post.start(Terms(lease=0.2, poll=0.02), deliveries=Forgetful(post.place.database))
        await post.made()
        await until(lambda: post.receiver.requests)
        await forgetful.drain(1)
        post.start()
        await post.until_outcomes("delivered")
    assert len(post.receiver.requests) >= 2 and len(set(post.receiver.ids())) == 1


async def test_who_ends_it_in_the_place_of_a_lost_worker_tells_it_too(tmp_path: Path) -> None:
    async with posting(tmp_path) as post:
        signals = LocalSignals()
        response_id = await queued(post.place.background(signals))
        job = await post.place.jobs.claim("project", lease=60)
        assert job is not None
        undertaker: Undertaker = post.place.undertaker(signals)
        assert await undertaker.fail(job, StorageUnavailable("It went away."))
        post.start()
        await post.until_outcomes("delivered")
    told = judged(post.receiver.requests[0])
    assert (told.type, told.data.id) == ("response.failed", response_id)


def test_an_event_says_nothing_of_the_answer() -> None:
    delivery = Delivery(
        project_id="p",
        webhook="h",
        event_id="evt_1",
        type="response.failed",
        response_id="resp_1",
        created_at=7,
        attempts=3,
        age=1.0,
    )
    assert event(delivery) == (
        b'{"id":"evt_1","object":"event","type":"response.failed","created_at":7,"data":{"id":"resp_1"}}'
    )
