"""Which target a session was last served by: there its prompt cache is warm. Bounded; sans-IO.

A session is what `session_id` or `prompt_cache_key` names, within one project.
"""

from __future__ import annotations

from collections import OrderedDict

from antiphon.core.records import Target

_MOST = 50_000
_LIFETIME = 3600.0
"""Seconds: the longest that providers keep a prompt cache without being asked to."""


class Affinity:
    """Remembers the latest sessions."""

    def __init__(self, most: int = _MOST, lifetime: float = _LIFETIME) -> None:
        self._most = most
        self._lifetime = lifetime
        self._sessions: OrderedDict[tuple[str, str], tuple[Target, float]] = OrderedDict()

    @property
    def held(self) -> list[tuple[str, int, int]]:
        """See antiphon.measures."""
        return [("sessions", len(self._sessions), self._most)]

    def target(self, project_id: str, session: str, now: float) -> Target | None:
        found = self._sessions.get((project_id, session))
        return found[0] if found is not None and now - found[1] < self._lifetime else None

    def served(self, project_id: str, session: str, target: Target, now: float) -> None:
        self._sessions[project_id, session] = (target, now)
        self._sessions.move_to_end((project_id, session))
        if len(self._sessions) > self._most:
            self._sessions.popitem(last=False)
