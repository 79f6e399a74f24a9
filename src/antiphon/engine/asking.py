"""What is asked at the moment, and of whom: a turn, encoded for a target of the response's route.

    first target ─▶ speech … ─┬─▶ the provider paused:   the turn with what it said so far
                              ├─▶ its seals are stale:   the turn without what was sealed
                              ├─▶ the answer is unfit:   the turn with what is wrong with it
                              ├─▶ it failed unheard:     the next target, from the beginning
                              └─▶ it broke off:          the next target, with what was said (`hand_over`)

What a target cannot be asked, and what had to be adapted for it, is known when it is asked; `adaptations` are
those of the target whose turn it is, and of those with whose words it goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import copy
from typing import TypeAlias

from msgspec.structs import asdict, replace

from antiphon.core.adaptations import Adaptation, abridged
from antiphon.core.deltas import StopReason
from antiphon.core.records import Target
from antiphon.core.turn import Turn
from antiphon.engine.compaction import summarised, unfolded, wished
from antiphon.engine.enforcement import asked_again, correction, enforced
from antiphon.engine.places import Places
from antiphon.engine.ports import Speaker, Speech
from antiphon.engine.sealing import Told, without_thoughts
from antiphon.protocol.errors import InvalidRequest, UnfitAnswer
from antiphon.protocol.json import JSON
from antiphon.routing.router import Route

_MOST_TARGETS = 8
"""Targets that one response may try."""

Tell: TypeAlias = Callable[[Target], Awaitable[Told]]
"""What a target is told: for it thoughts are unsealed, and images fetched. Raises InvalidRequest."""


class Asking:
    """`begin` it before anything else. `strict`: nothing may be adapted."""

    target: Target
    name: str  # that the target was asked for by
    speech: Speech

    def __init__(
        self, route: Route, tell: Tell, speaker: Speaker, *, strict: bool, most_corrections: int
    ) -> None:
        self._left = list(zip(route.targets, route.names, strict=True))[:_MOST_TARGETS]
        self._left.reverse()
        self._tell = tell
        self._speaker = speaker
        self._strict = strict
        self._most_corrections = most_corrections
        self._told: Told
        self._adapted: dict[Adaptation, None] = {}
        self._earlier: dict[Adaptation, None] = {}  # of the targets that broke off
        self._begun = ""  # what they said
        self._corrections: dict[str, int] = {}  # by the place of the shape that was not met
        self._retold = 0  # of the items that were heard, those that the turn has already

    async def begin(self) -> None:
        """With the first target that can be asked this. Raises what is wrong with the first of all."""
        refusal: InvalidRequest | None = None
        while self._left:
            try:
                await self._take(*self._left.pop())
                return
            except InvalidRequest as error:
                refusal = refusal or error
        assert refusal is not None
        raise refusal

    async def move_on(self, may_come: Callable[[Target], bool]) -> bool:
        """To the next target that can be asked this, and can bear it; False if there is none."""
        while self._left:
            target, name = self._left.pop()
            if not may_come(target):
                continue
            try:
                await self._take(target, name)
                return True
            except InvalidRequest:
                continue
        return False

    async def hand_over(self, said: str, may_come: Callable[[Target], bool]) -> bool:
        """To the next target, which goes on with what was said; False if there is none."""
        broke_off, earlier = self.target.public_name, {**self._earlier, **self._adapted}
        self._begun = said
        if not await self.move_on(may_come):
            return False
        self._earlier = earlier | {_continued(broke_off, self.target.public_name, len(said)): None}
        return True

    @property
    def following(self) -> Target | None:
        """Who would be asked next."""
        return self._left[-1][0] if self._left else None

    def beside(self) -> Asking:
        """The same to ask, of those that are left, while this is asked."""
        other = copy(self)
        other._left = list(self._left)
        return other

    def adopt(self, other: Asking) -> None:
        """Be where the other is."""
        vars(self).update(vars(other))

    def once_more(self) -> None:
        """The same of the same target."""
        self._prepare(self._told.turn)

    @property
    def has_others(self) -> bool:
        """Whether there are targets left that were not asked yet."""
        return bool(self._left)

    @property
    def turn(self) -> Turn:
        return self._told.turn

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What could not be sent as asked, so far: a paused turn that goes on may add to it."""
        return abridged(self._earlier | self._adapted) if self._adapted or self._earlier else ()

    @property
    def listed(self) -> list[JSON]:
        """The adaptations as they stand on the response."""
        return [asdict(adaptation) for adaptation in self.adaptations]

    def goes_on(self, stop: StopReason) -> bool:
        """Whether there is another turn: the provider paused, or has only made room for the answer."""
        return stop == "pause" or self._told.turn.compaction == "first"

    def go_on(self, heard: list[JSON]) -> None:
        """It goes on when it is shown what it said so far; after a compaction, that and nothing before."""
        turn, self._begun = self._told.turn, ""
        going = replace(turn, items=[*turn.items, *heard[self._retold :]], compaction=None)
        if turn.compaction is not None:
            self._told = unfolded(replace(self._told, turn=going))
            self._retold = len(heard)
            going = self._told.turn
        self._prepare(going)

    def forget_thoughts(self) -> bool:
        """Ask again without what was sealed earlier; False if that is no help, or not allowed."""
        told = None if self._strict else without_thoughts(self._told)
        if told is None:
            return False
        self._told = told
        self._adapted.update(dict.fromkeys(told.adaptations))
        self._prepare(told.turn)
        return True

    @property
    def may_correct(self) -> bool:
        """Whether what is unfit may be asked for once more."""
        return sum(self._corrections.values()) < self._most_corrections

    def correct(self, unfit: UnfitAnswer, heard: list[JSON]) -> bool:
        """Show the model what is wrong with what it said; False if it cannot be shown.

        Nothing of what is unfit was told the client, but what it cost is counted.
        """
        new = heard[self._retold :]
        shown = correction(unfit, new, f"unfit_{sum(self._corrections.values())}")
        if shown is None:
            return False
        turn, places = self._told.turn, self._told.places
        self._retold, self._begun = len(heard), ""
        self._told = Told(
            replace(turn, items=[*turn.items, *new, *shown]),
            Places.known(items=(*places.items, *("output" for _ in (*new, *shown))), tools=places.tools),
        )
        place = places.of_client(unfit.place)
        times = self._corrections.get(place, 0)
        self._adapted.pop(asked_again(place, times), None)
        self._corrections[place] = times + 1
        self._adapted[asked_again(place, times + 1)] = None
        self._prepare(self._told.turn)
        return True

    async def _take(self, target: Target, name: str) -> None:
        self._told = await self._tell(target)
        self.target, self.name = target, name
        self._corrections.clear()
        self._retold = 0
        self._adapted = dict.fromkeys(self._told.adaptations)
        self._prepare(self._told.turn)
        if self._strict and self._adapted:
            raise _not_as_asked(self.adaptations)

    def _prepare(self, turn: Turn) -> None:
        """Raises InvalidRequest; a dialect counts the turn's items, the client those that it sent."""
        places = self._told.places
        if self._begun and turn.compaction is None:
            turn = replace(turn, begun=self._begun)
        asked = turn if turn.compaction is None else wished(self._speaker, self.target, turn)
        try:
            speech = self._speaker.prepare(self.target, asked)
        except InvalidRequest as error:
            error.param = places.of_client(error.param or "") or None
            raise
        for adaptation in speech.adaptations:
            self._adapted[replace(adaptation, param=places.of_client(adaptation.param))] = None
        self.speech = enforced(speech, turn) if asked is turn else summarised(speech, turn)


def _continued(broke_off: str, goes_on: str, characters: int) -> Adaptation:
    how = f"{broke_off} broke off after {characters} characters, {goes_on} went on"
    return Adaptation("continuation", "emulated", how)


def _not_as_asked(told: tuple[Adaptation, ...]) -> InvalidRequest:
    return InvalidRequest(
        f"'adaptation' is strict, and this model cannot be asked exactly this: {'; '.join(map(str, told))}. "
        "Leave it out or change it, or allow it with 'adaptation': 'lenient'.",
        code="adaptation_required",
        param=told[0].param,
    )
