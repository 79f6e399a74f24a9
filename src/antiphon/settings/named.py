"""Models that the settings name: those that aliases stand for, and those of which more is known (`models`).

An alias of nothing is wrong, for requests would fail that look right. Facts about nothing are only odd: their
provider may be enabled by a key that is missing today. What was written is not quoted, as in all problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from antiphon.routing.automatic import AUTOMATIC
from antiphon.routing.names import Names
from antiphon.settings import Settings
from antiphon.settings.problems import SettingPath, closest, near_miss
from antiphon.settings.providers import Table


@dataclass(frozen=True, slots=True)
class Named:
    """`listed`: enabled provider → the models it lists, none if it takes any name; see `routing.names`."""

    settings: Settings
    listed: Mapping[str, Sequence[str]]
    table: Table

    def problems(self, offers: Callable[[str, str], bool]) -> Iterator[tuple[SettingPath, str]]:
        """What is wrong with the aliases. `offers`: whether a provider is known to have a model."""
        names = Names(self.listed, offers=offers)
        for alias, members in self.settings.aliases.items():
            if alias in AUTOMATIC:
                yield ("aliases", alias), "this name leaves the choice to the gateway: no alias can have it"
            for index, member in enumerate(members):
                if names.find(member.model) is None:
                    place: SettingPath = (index, "model") if len(members) > 1 else ()
                    yield ("aliases", alias, *place), self._why_not(member.model)

    def oddities(self) -> Iterator[tuple[SettingPath, str]]:
        """What is perhaps not meant."""
        for alias in self.settings.aliases:
            if self._is_target(alias):
                yield ("aliases", alias), "hides the model of this name: requests for it go to the alias"
        for name in self.settings.models:
            if not self._is_target(name):
                yield ("models", name), f"has no effect: {self._why_not(name)}"

    def _is_target(self, name: str) -> bool:
        provider, _, model = name.partition("/")
        models = self.listed.get(provider)
        return models is not None and model != "" and (not models or model in models)

    def _why_not(self, name: str) -> str:
        """Why a name is none of a model. Names that are known may be quoted."""
        provider, slash, _ = name.partition("/")
        if name in self.settings.aliases or name in AUTOMATIC:
            return "this is no model but an alias; name the model itself"
        known = [f"{each}/{model}" for each, models in self.listed.items() for model in models]
        if not slash:
            whole = {each.partition("/")[2]: each for each in known}
            close = closest(name, whole)
            return f"names are written `provider/model`{near_miss(whole[close] if close else name, known)}"
        if provider in self.listed:
            return f"provider `{provider}` does not offer this model{near_miss(name, known)}"
        if provider in self.table or provider in self.settings.providers:
            return f"provider `{provider}` is not enabled"
        return f"no such provider is enabled{near_miss(provider, self.listed)}"
