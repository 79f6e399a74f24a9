"""What a request names by URL is fetched before its response begins."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from antiphon.core.adaptations import Adaptation
from antiphon.core.records import Target
from antiphon.core.turn import Turn
from antiphon.engine.service import Service
from antiphon.protocol.errors import ShuttingDown
from tests.engine.stand_ins import CALLER, ListStore, ScriptedSpeaker, request, service


@dataclass
class DrainedMeanwhile(ScriptedSpeaker):
    """The gateway is told to stop while it fetches."""

    service: Service | None = None

    async def fetch(self, target: Target, turn: Turn) -> tuple[Turn, tuple[Adaptation, ...]]:
        assert self.service is not None
        await self.service.drain(0)
        return turn, ()


async def test_a_response_for_which_something_was_fetched_is_not_begun_after_the_gateway_was_stopped() -> (
    None
):
    speaker = DrainedMeanwhile([[]])
    speaker.service = service(speaker, ListStore())
    with pytest.raises(ShuttingDown):
        await speaker.service.create(CALLER, request())
    assert speaker.service.runs == 0
