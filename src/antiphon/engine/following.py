"""Following: a response's durable journal, from any event on, in any process, while it is made or after.

Everything is read from the journal, also by who is in the same process as the writer: signals say when there
is more, and who hears none looks twice a second. So each reader gets the same events, in the same bytes, and
none holds up another or the writer.
"""

from __future__ import annotations

from collections.abc import Callable

from antiphon.core import batches
from antiphon.engine.ports import Heard, JobStore, JournalStore
from antiphon.protocol.errors import GatewayError, Gone, ShuttingDown
from antiphon.protocol.events import TERMINAL, Event


class Follower:
    """One reader. `ended`: there is nothing more to come."""

    def __init__(
        self,
        project_id: str,
        response_id: str,
        *,
        after: int,
        jobs: JobStore,
        journals: JournalStore,
        heard: Heard,
        patience: float,
        is_leaving: Callable[[], bool],
    ) -> None:
        """`after`: the sequence number behind which to begin. `patience`: seconds, when nothing is heard.

        `is_leaving`: whether this process is going away.
        """
        self.ended = False
        self._project_id = project_id
        self._response_id = response_id
        self._after = after
        self._jobs = jobs
        self._journals = journals
        self._heard = heard
        self._patience = patience
        self._is_leaving = is_leaving

    async def read(self) -> list[Event]:
        """The next events; none when it ended, or from time to time while there are none.

        Raises ShuttingDown, Gone.
        """
        try:
            if events := await self._more():
                return events
            if not self.ended:
                await self._heard.wait(self._patience)
        except Gone:
            raise
        except GatewayError:  # the storage is away: it will come back
            await self._heard.wait(self._patience)
        if self._is_leaving():
            raise ShuttingDown("The gateway is shutting down: go on elsewhere with 'starting_after'.")
        return []

    async def _more(self) -> list[Event]:
        if not (events := await self._behind()):
            state = await self._jobs.state(self._project_id, self._response_id)
            if state is None:
                raise gone()
            if state.ended:
                events = await self._behind()  # what was written between the two looks
                self.ended = not events
        return events

    async def _behind(self) -> list[Event]:
        found = await self._journals.read(self._project_id, self._response_id, after=self._after)
        if not found:
            return []
        events = batches.read(found, after=self._after)
        self._after = found[-1].last
        self.ended = events[-1]["type"] in TERMINAL
        return events


def gone() -> Gone:
    return Gone(
        "The events of this response are not kept any more: retrieve it without 'stream'.",
        code="stream_replay_unavailable",
        param="stream",
    )
