"""What a request asks of those who may answer, and what providers promise. Values only."""

from __future__ import annotations

from msgspec import Struct

from antiphon.core.records import Target
from antiphon.routing.preferences import NONE, Preferences


class Policy(Struct, frozen=True):
    """What a provider promises about data, and where and how it computes; as its operator configured it."""

    collects_data: bool | None = None  # keeps or trains on what it is sent
    zdr: bool = False  # keeps nothing at all
    region: str | None = None
    quantization: str | None = None


class Needs(Struct, frozen=True):
    """What a request needs of a model: words of the catalogue's `can`, and whether that must be so.

    Without `required` they count only where a model was not named, for much of it can be adapted.
    """

    capabilities: frozenset[str] = frozenset()
    required: bool = False


class Asked(Struct, frozen=True):
    """What a request says about who should answer it.

    Among the first `choices` of the names the gateway chooses, by `difficulty`; the others are tried in
    order.
    """

    names: tuple[str, ...]
    preferences: Preferences = NONE
    needs: Needs = Needs()
    input_tokens: int = 0  # about; 0: not known
    output_tokens: int = 0  # at most; 0: not said
    choices: int = 0
    difficulty: float = 0.0  # 0 to 1 (see `automatic`)
    first: tuple[Target | str, ...] = ()  # targets, or names of providers, that should be tried first
