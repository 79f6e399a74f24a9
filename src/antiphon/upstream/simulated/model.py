"""The simulated model: always there, needs no key, and says the same every time.

It is a provider like the others, but in this process: a turn becomes acts (answer, script), the acts become
steps (steps), and only here somebody waits between the steps. What it can do stands in
docs/simulated-model.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct

from antiphon.core.adaptations import Adaptation
from antiphon.core.deltas import Delta
from antiphon.core.grammars.judge import HeldTool, ToolName
from antiphon.core.turn import Turn
from antiphon.protocol.errors import NotFound, ProviderError
from antiphon.upstream.simulated.acts import Act, Fail
from antiphon.upstream.simulated.answer import answer
from antiphon.upstream.simulated.offered import left_out, toolbox
from antiphon.upstream.simulated.script import Script, play, read_script
from antiphon.upstream.simulated.sealing import check_seals
from antiphon.upstream.simulated.steps import Pause, Step, steps
from antiphon.upstream.simulated.words import count_turn

BATCH = 8  # deltas handed over at a time: few, so that a client sees a stream


class Character(Struct, frozen=True):
    """What sets one simulated model apart."""

    pace: float = 0.0  # seconds before each token
    thinks: bool = False
    down: bool = False


CHARACTERS = {
    "echo": Character(),
    "slow": Character(pace=0.05),
    "reasoner": Character(thinks=True),
    "down": Character(down=True),
}
SCRIPT = "script"


class SimulatedSpeech:
    """A turn of the simulated model, thought out and not yet said."""

    __slots__ = ("_steps", "adaptations", "grammars")

    def __init__(self, perform: Callable[[], Iterator[Step]], adaptations: tuple[Adaptation, ...]) -> None:
        self._steps = perform
        self.adaptations = adaptations
        self.grammars: Mapping[ToolName, HeldTool] = {}  # its custom tools are its own

    async def deltas(self) -> AsyncGenerator[list[Delta], None]:
        """Says it, pausing where pauses are. Raises ProviderError where the model was asked to fail."""
        batch: list[Delta] = []
        try:
            for step in self._steps():
                if not isinstance(step, Pause):
                    batch.append(step)
                    if len(batch) < BATCH:
                        continue
                if batch:
                    yield batch
                    batch = []
                await asyncio.sleep(step.seconds if isinstance(step, Pause) else 0)
        except ProviderError:
            if batch:
                yield batch
            raise
        if batch:
            yield batch


class Simulated:
    """All simulated models. `script` is what `sim/script` plays; without one there is no such model."""

    def __init__(self, script: Script | None = None) -> None:
        self._script = script

    @classmethod
    def from_script(cls, file: Path | None) -> Simulated:
        """With the rules in this file, if any. Raises ScriptError, which says `file:line: what is wrong`."""
        return cls(read_script(file) if file is not None else None)

    @property
    def models(self) -> tuple[str, ...]:
        """Their names, without `sim/`."""
        return (*CHARACTERS, *((SCRIPT,) if self._script is not None else ()))

    def speech(self, turn: Turn, model: str) -> SimulatedSpeech:
        """Raises NotFound: no such model. Raises InvalidRequest: what is asked cannot be met."""
        if model not in self.models:
            raise NotFound(
                f"There is no simulated model '{model}'; there is {', '.join(self.models)}.",
                code="model_not_found",
                param="model",
            )
        check_seals(turn.items)
        character = CHARACTERS.get(model, CHARACTERS["echo"])
        acts = self._acts(turn, character, scripted=model == SCRIPT)
        return SimulatedSpeech(partial(steps, acts, turn, character.pace), left_out(turn))

    def count(self, turn: Turn) -> int:
        """The input tokens that the turn's usage will report."""
        return count_turn(turn)

    def _acts(self, turn: Turn, character: Character, *, scripted: bool) -> list[Act]:
        if character.down:
            return [Fail("unavailable")]
        tools = toolbox(turn)
        if scripted and self._script is not None:
            acts = play(self._script, turn, tools)
            if acts is not None:
                return acts
        return answer(turn, tools, thinks=character.thinks)
