"""Names: which models can be asked for, and which targets a name means.

provider/model     that model there; the model's part may contain slashes itself
model              at every enabled provider that has it, in the order of the configuration
alias              what the configuration says: one target, or a group of several
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from antiphon.core.records import Target
from antiphon.protocol.errors import InvalidRequest


class Member(Struct, frozen=True):
    """A target of a name, and how much of the requests it should get beside the others."""

    target: Target
    weight: float = 1.0


def _has_none(provider: str, model: str) -> bool:
    return False


class Names:
    """`providers`: name of an enabled provider → the models it lists; empty: it takes any name.

    `aliases`: a name → (a name that is no alias, weight) of each member. `offers`: whether a provider that
    lists none is known to have a model of that name. Raises InvalidRequest for an alias of nothing.
    """

    def __init__(
        self,
        providers: Mapping[str, Sequence[str]],
        aliases: Mapping[str, Sequence[tuple[str, float]]] = {},
        offers: Callable[[str, str], bool] = _has_none,
    ) -> None:
        self._providers = {name: frozenset(models) for name, models in providers.items()}
        self._listed = [Target(name, model) for name, models in providers.items() for model in models]
        self._offers = offers
        self._aliases: dict[str, tuple[Member, ...]] = {}
        resolved = {
            alias: tuple(
                Member(member.target, weight) for name, weight in members for member in self.members(name)
            )
            for alias, members in aliases.items()
        }
        self._aliases = resolved

    def listed(self) -> list[Target]:
        """The models known by name, in the order of the configuration."""
        return list(self._listed)

    def aliases(self) -> Mapping[str, Sequence[Member]]:
        return self._aliases

    def members(self, name: str) -> tuple[Member, ...]:
        """The targets that the name means, one at least. Raises InvalidRequest `model_not_found`."""
        if (group := self._aliases.get(name)) is not None:
            return group
        provider, slash, model = name.partition("/")
        models = self._providers.get(provider) if slash else None
        if models is not None and model and (not models or model in models):
            return (Member(Target(provider, model)),)
        bare = tuple(
            Member(Target(at, name)) for at, listed in self._providers.items() if self._has(at, listed, name)
        )
        if bare:
            return bare
        raise InvalidRequest(
            self._explain(name, provider if slash else None), code="model_not_found", param="model"
        )

    def resolve(self, name: str) -> Target:
        """The first of them. Raises InvalidRequest `model_not_found`."""
        return self.members(name)[0].target

    def find(self, name: str) -> Target | None:
        """The target of a public name: a listed one, or any name at a provider that lists none."""
        try:
            return self.resolve(name)
        except InvalidRequest:
            return None

    def _has(self, provider: str, listed: frozenset[str], model: str) -> bool:
        return model in listed if listed else self._offers(provider, model)

    def _explain(self, name: str, provider: str | None) -> str:
        shown = name[:100]
        if provider is None:
            return f"The model '{shown}' does not exist. Model names are written 'provider/model'."
        if provider not in self._providers:
            enabled = ", ".join(sorted(self._providers))
            return (
                f"The model '{shown}' does not exist: no such provider is enabled here (enabled: {enabled})."
            )
        return f"The model '{shown}' does not exist: provider '{provider}' does not offer it."
