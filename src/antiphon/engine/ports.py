"""What the engine needs from below, as it sees it. The floor below satisfies these without knowing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol, TypeAlias

from antiphon.core.adaptations import Adaptation
from antiphon.core.records import (
    Batch,
    ConversationLock,
    ConversationRecord,
    Delivery,
    Job,
    JobState,
    Page,
    ResponseRecord,
    Target,
    Webhook,
)
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Speech

__all__ = [
    "Bus",
    "ConversationStore",
    "DeliveryStore",
    "Heard",
    "Held",
    "JobStore",
    "JournalStore",
    "Keeping",
    "Order",
    "Referred",
    "ResponseStore",
    "Signals",
    "Speaker",
    "Speech",
]

Order: TypeAlias = Literal["asc", "desc"]

Held: TypeAlias = Callable[[str], list[JSON] | None]
"""What a connection remembers: all items up to and with the response of this id, if it holds them."""


class Speaker(Protocol):
    """Whoever can have a turn spoken by a model."""

    async def fetch(self, target: Target, turn: Turn) -> tuple[Turn, tuple[Adaptation, ...]]:
        """The turn with the data of the images and files that this target does not take by URL.

        Raises InvalidRequest for one that cannot be fetched; Overloaded.
        """
        ...

    def prepare(self, target: Target, turn: Turn) -> Speech:
        """Encode the turn; nothing is sent. Raises InvalidRequest for what this target cannot be asked."""
        ...

    def reads(self, target: Target) -> frozenset[str]:
        """What stands before the colon of the sealed blobs that can go back to this target."""
        ...

    async def count(self, target: Target, turn: Turn) -> int:
        """The turn's input tokens. Raises ProviderError."""
        ...

    async def estimate(self, target: Target, turn: Turn) -> int:
        """About the turn's input tokens; nobody is asked. Raises InvalidRequest."""
        ...

    def compacts(self, target: Target) -> bool:
        """Whether this target compacts conversations itself."""
        ...

    def truncates(self, target: Target) -> bool:
        """Whether this target leaves out what does not fit, where the client allows it."""
        ...


class Keeping(Protocol):
    """Whoever takes what was made."""

    async def save(self, record: ResponseRecord) -> None:
        """Returns when it is committed. Raises GatewayError; ConversationLocked, if it appends."""
        ...


class Referred(Protocol):
    """Whoever finds the items that are named by their ids."""

    async def items(self, project_id: str, ids: Sequence[str], /) -> dict[str, JSON]: ...


class ConversationStore(Protocol):
    """Where conversations are kept; see antiphon.stores.conversations.

    Every call is for one project, and raises nothing but GatewayError, where nothing else is said.
    """

    async def create(self, record: ConversationRecord, first: Sequence[JSON], /) -> None: ...

    async def get(self, project_id: str, id: str, /) -> ConversationRecord | None: ...

    async def update(self, project_id: str, id: str, metadata: JSON, /) -> bool: ...

    async def delete(self, project_id: str, id: str, /) -> bool: ...

    async def add(self, lock: ConversationLock, added: Sequence[JSON], created_at: int, /) -> bool:
        """Raises ConversationLocked."""
        ...

    async def item(self, project_id: str, id: str, item_id: str, /) -> JSON | None: ...

    async def delete_item(self, project_id: str, id: str, item_id: str, /) -> bool: ...

    async def items(
        self, project_id: str, id: str, /, *, limit: int, order: Order, after: str | None
    ) -> Page | None:
        """Raises InvalidRequest (`after`)."""
        ...

    async def history(self, project_id: str, id: str, /) -> list[JSON] | None: ...

    async def claim(
        self, project_id: str, id: str, token: str, /, *, seconds: float
    ) -> ConversationLock | None: ...

    async def renew(self, lock: ConversationLock, /, *, seconds: float) -> bool: ...

    async def release(self, lock: ConversationLock, /) -> None: ...


class ResponseStore(Keeping, Protocol):
    """Where responses are kept. Every call is for one project, and raises nothing but GatewayError."""

    async def ready(self) -> None:
        """Raises StorageUnavailable when a save would fail now."""
        ...

    async def get(self, project_id: str, response_id: str, /) -> ResponseRecord | None: ...

    async def delete(self, project_id: str, response_id: str, /) -> bool: ...

    async def history(self, project_id: str, response_id: str, /) -> list[JSON] | None:
        """All items up to and with this response, oldest first; None if it or an ancestor is gone."""
        ...

    async def input_items(
        self, project_id: str, response_id: str, /, *, limit: int, order: Order, after: str | None
    ) -> Page | None: ...

    async def items(self, project_id: str, ids: Sequence[str], /) -> dict[str, JSON]: ...


class JobStore(Protocol):
    """Where the jobs are; see antiphon.stores.jobs. Raises GatewayError."""

    async def enqueue(
        self,
        record: ResponseRecord,
        key_id: str,
        request: bytes,
        batch: Batch,
        *,
        of_project: int,
        in_all: int,
    ) -> bool: ...

    async def next_project(self, after: str, /) -> str | None: ...

    async def claim(self, project_id: str, /, *, lease: float) -> Job | None: ...

    async def renew(self, held: Sequence[Job], /, *, lease: float) -> set[str]: ...

    async def still_held(self, held: Sequence[Job], /) -> set[str]: ...

    async def release(self, job: Job, /) -> bool: ...

    async def seize(self, project_id: str, response_id: str, /, *, lease: float) -> Job | None: ...

    async def state(self, project_id: str, response_id: str, /) -> JobState | None: ...

    async def finish(self, job: Job, record: ResponseRecord, batch: Batch, /) -> bool: ...

    async def trim(self, *, after: float, most: int) -> int: ...


class JournalStore(Protocol):
    """Where the journals are; see antiphon.stores.journals. Raises GatewayError."""

    async def append(self, job: Job, batch: Batch, /) -> bool: ...

    async def read(
        self, project_id: str, response_id: str, /, *, after: int, most: int = ...
    ) -> list[Batch]: ...


class DeliveryStore(Protocol):
    """Where the deliveries are; see antiphon.stores.deliveries. Raises GatewayError."""

    async def claim(self, webhook: Webhook, /, *, lease: float, most: int) -> list[Delivery]: ...

    async def postponed(self, delivery: Delivery, /, *, delay: float) -> bool: ...

    async def delivered(self, delivery: Delivery, /) -> bool: ...

    async def given_up(self, delivery: Delivery, /) -> bool: ...


class Heard(Protocol):
    """Who listens to a topic."""

    async def wait(self, timeout: float) -> None:
        """Until it is published, now or since the last wait; at most `timeout` seconds."""
        ...


class Signals(Protocol):
    """Wake-ups between those who wait for the same. They may get lost: who waits looks again by itself."""

    def publish(self, topic: str) -> None:
        """Tell all who listen, in every process. Never fails, never waits."""
        ...

    def subscribe(self, topic: str) -> AbstractContextManager[Heard]:
        """Listen from here on."""
        ...


class Bus(Protocol):
    """What carries signals to other processes, and theirs here. It loses what it cannot carry, and never
    fails, never waits."""

    def start(self, heard: Callable[[str | None], None], /) -> None:
        """From now on, call `heard` with each topic that another process tells of, and with None when any may
        have been missed."""
        ...

    def tell(self, topic: str, /) -> None:
        """Tell all other processes."""
        ...

    def follow(self, topic: str, /) -> None:
        """Somebody here listens to it from now on."""
        ...

    def unfollow(self, topic: str, /) -> None:
        """Nobody here listens to it any more."""
        ...

    async def close(self) -> None:
        """Let what was told leave, shortly, and hear nothing any more."""
        ...
