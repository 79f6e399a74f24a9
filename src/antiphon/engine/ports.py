"""What the engine needs from below, as it sees it. The floor below satisfies these without knowing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from antiphon.core.adaptations import Adaptation
from antiphon.core.records import Page, ResponseRecord, Target
from antiphon.core.turn import Turn
from antiphon.protocol.json import JSON
from antiphon.upstream.base import Speech

__all__ = ["Order", "ResponseStore", "Speaker", "Speech"]

Order: TypeAlias = Literal["asc", "desc"]


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


class ResponseStore(Protocol):
    """Where responses are kept. Every call is for one project, and raises nothing but GatewayError."""

    async def ready(self) -> None:
        """Raises StorageUnavailable when a save would fail now."""
        ...

    async def save(self, record: ResponseRecord) -> None:
        """Returns when it is committed."""
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
