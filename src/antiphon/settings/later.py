"""Settings of what happens later: responses that are made in the background; what is kept, and how long."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from antiphon.settings.section import Section


class Background(Section):
    """Responses that are made in the background; docs/background.md tells how they are asked for."""

    worker: bool = True
    """Whether `antiphon serve` makes them too; otherwise only `antiphon worker` does."""

    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 100
    """The largest number that one process makes at once."""

    queue: Annotated[int, Field(ge=1)] = 10_000
    """The largest number of all that wait or are being made; one more is refused with 429."""

    queue_per_project: Annotated[int, Field(ge=1)] = 1_000
    """The same for one project."""

    lease: Annotated[float, Field(ge=1, le=3_600)] = 30.0
    """Seconds after which another worker takes over from one that gives no sign of life."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How often a response is begun, when workers go away before anything of it was said; then it fails."""


class Retention(Section):
    """For how long what is kept is kept."""

    responses: Annotated[int, Field(ge=0, le=36_500 * 86_400)] = 30 * 86_400
    """Seconds after which stored responses are deleted; 30 days. 0 keeps them for ever."""

    journals: Annotated[int, Field(ge=60, le=3_650 * 86_400)] = 86_400
    """Seconds for which the events of a background response can be streamed again, from its end on; 24
    hours."""
