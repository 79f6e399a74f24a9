"""What tests expect of adaptations."""

from __future__ import annotations

from antiphon.core.adaptations import Adaptation
from antiphon.core.unsaid import NOT_OFFERED


def dropped(*params: str) -> tuple[Adaptation, ...]:
    """These fields, each of which the model does not offer."""
    return tuple(Adaptation(param, "dropped", NOT_OFFERED) for param in params)
