"""Why a target may not answer a request: each rule says it in words, or None. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.core.records import Target
from antiphon.routing.asked import Asked, Policy
from antiphon.routing.catalogue import Facts
from antiphon.routing.preferences import Preferences
from antiphon.routing.pricing import Rate, base


def reason_against(
    target: Target, facts: Facts, rates: Mapping[str, Rate], policy: Policy, asked: Asked
) -> str | None:
    """What follows from the request's names, preferences and needs; not from its size, see `too_large`."""
    wanted = asked.preferences
    return (
        _not_wanted(target, wanted)
        or _breaks_policy(policy, wanted)
        or _too_dear(rates, wanted)
        or _cannot(facts, asked)
    )


def too_large(facts: Facts, asked: Asked) -> str | None:
    """What the catalogue does not know is not held against a model, nor what a client insists on."""
    if not is_demanding(asked):
        return None
    if facts.context_window is not None and asked.input_tokens > facts.context_window:
        return f"its context window of {facts.context_window:,} tokens is too small"
    if facts.max_output_tokens is not None and asked.output_tokens > facts.max_output_tokens:
        return f"it says {facts.max_output_tokens:,} tokens at most, fewer than max_output_tokens"
    return None


def is_demanding(asked: Asked) -> bool:
    """Whether a target must be able to do what is asked, or may have it adapted."""
    return asked.needs.required or asked.preferences.require_parameters


def _not_wanted(target: Target, wanted: Preferences) -> str | None:
    named = {target.provider, target.public_name}
    if wanted.only is not None and wanted.only.isdisjoint(named):
        return "not in providers.only"
    if not wanted.ignore.isdisjoint(named):
        return "in providers.ignore"
    if wanted.order and not wanted.allow_fallbacks and named.isdisjoint(wanted.order):
        return "not in providers.order, and providers.allow_fallbacks is false"
    return None


def _breaks_policy(policy: Policy, wanted: Preferences) -> str | None:
    """A promise that nobody made does not count as made."""
    if wanted.zdr and not policy.zdr:
        return "providers.zdr: it is not configured to keep nothing"
    if wanted.no_data_collection and policy.collects_data is not False and not policy.zdr:
        return "providers.data_collection: it is not configured to collect no data"
    if wanted.regions is not None and (policy.region or "").lower() not in wanted.regions:
        return f"providers.region: it is in {policy.region or 'no configured region'}"
    quantization = (policy.quantization or "unknown").lower()
    if wanted.quantizations is not None and quantization not in wanted.quantizations:
        return f"providers.quantizations: it has {quantization}"
    return None


def _too_dear(rates: Mapping[str, Rate], wanted: Preferences) -> str | None:
    bounds = (
        ("prompt", "input_tokens", wanted.max_prompt),
        ("completion", "output_tokens", wanted.max_completion),
    )
    for name, unit, bound in bounds:
        if bound is not None:
            rate = base(rates.get(unit))
            if rate is None:
                return f"providers.max_price.{name}: its price is not known"
            if rate > bound:
                return f"providers.max_price.{name}: it costs {rate / 1e9:g}, more than {bound / 1e9:g}"
    if wanted.max_request is not None and (base(rates.get("requests")) or 0) / 1e6 > wanted.max_request:
        return "providers.max_price.request: it costs more"
    return None


def _cannot(facts: Facts, asked: Asked) -> str | None:
    """What the catalogue does not know is not held against a model."""
    if not is_demanding(asked) or facts.can is None:
        return None
    missing = asked.needs.capabilities - facts.can
    return f"it cannot do what the request needs: {', '.join(sorted(missing))}" if missing else None
