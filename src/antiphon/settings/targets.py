"""What the configuration says of targets, made into the values that the router is built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files

from antiphon.core.records import Target
from antiphon.routing.asked import Policy
from antiphon.routing.catalogue import Catalogue, Facts
from antiphon.routing.names import Names
from antiphon.routing.pricing import PriceList, Prices
from antiphon.settings import Settings
from antiphon.settings.providers import Table
from antiphon.settings.routing import facts, policy
from antiphon.upstream.providers import PROVIDERS
from antiphon.upstream.simulated import SIMULATED

_FREE = Facts(prices=PriceList((Prices({"input_tokens": 0, "output_tokens": 0}),)))


def listed(
    settings: Settings, simulated: Sequence[str], table: Table = PROVIDERS
) -> dict[str, tuple[str, ...]]:
    """The enabled providers, and the models that each lists: none where it takes any name."""
    found = {
        name: tuple(entry.models) or (table[name].models if name in table else ())
        for name, entry in settings.providers.items()
        if entry.enabled
    }
    return {**found, SIMULATED: tuple(simulated)} if settings.simulated.enabled else found


def catalogue(settings: Settings, simulated: Sequence[str]) -> Catalogue:
    """With what is known better here, and the simulated models, which cost nothing."""
    data = files("antiphon.routing").joinpath("catalogue.json.gz").read_bytes()
    like = {name: entry.like for name, entry in settings.providers.items() if entry.like}
    free = {Target(SIMULATED, model).public_name: _FREE for model in simulated}
    return Catalogue(data, like=like, overrides={**free, **facts(settings.models)})


def names(settings: Settings, listed: Mapping[str, Sequence[str]], known: Catalogue) -> Names:
    """Raises InvalidRequest for an alias of a model that does not exist."""
    aliases = {
        name: [(member.model, member.weight) for member in group] for name, group in settings.aliases.items()
    }
    return Names(listed, aliases, known.offers)


def policies(settings: Settings) -> dict[str, Policy]:
    """By provider."""
    return {name: policy(entry.policy) for name, entry in settings.providers.items()}


def everything(listed: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What `model: auto` chooses from: the listed models, a simulated one only where there is no provider.

    A provider that lists none serves any name, and none of them can be taken for granted.
    """
    if set(listed) == {SIMULATED}:
        return (f"{SIMULATED}/echo",)
    return tuple(
        f"{provider}/{model}"
        for provider, models in listed.items()
        if provider != SIMULATED
        for model in models
    )
