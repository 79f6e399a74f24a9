"""What the configuration says of background responses, made into who takes, makes and tells of them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from antiphon.engine.background import Background, Bounds
from antiphon.engine.books import Books
from antiphon.engine.interrupted import Undertaker
from antiphon.engine.ports import ResponseStore, Signals
from antiphon.engine.retention import Kept, Retention
from antiphon.engine.service import Service
from antiphon.engine.webhooks import Endpoint, Sender
from antiphon.engine.webhooks import Terms as SenderTerms
from antiphon.engine.worker import Terms, Worker
from antiphon.observe import clock
from antiphon.observe.clock import NewId
from antiphon.settings import Settings
from antiphon.settings.webhooks import endpoints
from antiphon.stores.answers import Answers
from antiphon.stores.deliveries import Deliveries, Outbox
from antiphon.stores.drivers.base import Driver
from antiphon.stores.expiry import Expiry
from antiphon.stores.jobs import Jobs
from antiphon.stores.journals import Journals
from antiphon.stores.schema import DEFAULT_PROJECT
from antiphon.upstream.checked import Checked
from antiphon.upstream.webhooks import CONNECT, Postman
from antiphon.version import __version__


class Backstage:
    """Who takes background responses, who makes them, who tells webhooks of them, and who forgets what was
    kept long enough."""

    def __init__(
        self, background: Background, worker: Worker, senders: Sequence[Sender], retention: Retention
    ) -> None:
        self.background = background
        self._worker = worker
        self._senders = senders
        self._retention = retention
        self._forgetting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """This process makes responses, too."""
        self._worker.start()
        for sender in self._senders:
            sender.start()
        self._forgetting = asyncio.get_running_loop().create_task(self._retention.run())

    async def drain(self, timeout: float) -> None:
        """What is made here gets `timeout` seconds to finish; then it is ended, or left to others."""
        if self._forgetting is not None:
            self._forgetting.cancel()
        began = time.monotonic()
        await asyncio.gather(self._worker.drain(timeout), self.background.drain(timeout))
        left = max(0.0, timeout - (time.monotonic() - began))
        await asyncio.gather(*(sender.drain(left) for sender in self._senders))


def backstage(
    settings: Settings,
    driver: Driver,
    *,
    service: Service,
    store: ResponseStore,
    books: Books,
    signals: Signals,
    new_id: NewId,
) -> Backstage:
    """Of this process, over the database that it shares with others. Not started yet."""
    wanted = settings.background
    told = endpoints(settings.webhooks, DEFAULT_PROJECT)
    outbox = Outbox(driver, [each.webhook for each in told], new_id)
    jobs, journals, deliveries = Jobs(driver, outbox), Journals(driver), Deliveries(driver)
    undertaker = Undertaker(store=store, jobs=jobs, journals=journals, signals=signals, new_id=new_id)
    background = Background(
        service=service,
        jobs=jobs,
        journals=journals,
        signals=signals,
        undertaker=undertaker,
        new_id=new_id,
        now=clock.now,
        bounds=Bounds(wanted.queue_per_project, wanted.queue),
    )
    worker = Worker(
        service=service,
        jobs=jobs,
        journals=journals,
        signals=signals,
        undertaker=undertaker,
        books=books,
        new_id=new_id,
        clock=time.monotonic,
        terms=Terms(wanted.concurrency, wanted.lease, wanted.attempts, settings.timeouts.total),
    )
    kept = Kept(settings.retention.responses, settings.retention.journals)
    retention = Retention(jobs, Expiry(driver), deliveries, Answers(driver), kept)
    return Backstage(background, worker, _senders(settings, told, deliveries), retention)


def _senders(settings: Settings, told: Sequence[Endpoint], deliveries: Deliveries) -> list[Sender]:
    checked = Checked(settings.webhook_allow_hosts, connect=CONNECT)
    postman = Postman(checked, f"antiphon/{__version__}")
    return [
        Sender(
            endpoint,
            deliveries=deliveries,
            post=postman.post,
            now=clock.now,
            chance=random.random,
            terms=SenderTerms(),
        )
        for endpoint in told
    ]
