"""What a call cost, as some providers say it themselves in `usage`.

    cost_in_usd_ticks                  xAI: 10¹⁰ to the dollar (https://docs.x.ai/developers/cost-tracking)
    cost: 0.0012                       OpenRouter, Vercel: dollars, or credits of one dollar
    cost: {total_cost: 0.0012, …}      Perplexity: dollars, for the tokens and the search

With a key of one's own (`is_byok`) OpenRouter's `cost` is its fee alone, and what its provider takes stands
in `cost_details.upstream_inference_cost`; else that is a part of it
(https://openrouter.ai/docs/use-cases/usage-accounting).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from antiphon.protocol.json import JSON

_DOLLAR = 10**9  # nano-US-dollars
_TICK = Decimal(_DOLLAR) / 10**10
_MOST = 10**15  # a million dollars: nothing costs more, and what says so is no cost


def cost_from(usage: JSON) -> int | None:
    """In nano-US-dollars, rounded; None if it is not said."""
    if (ticks := _amount(usage.get("cost_in_usd_ticks"))) is not None:
        return _rounded(ticks * _TICK)
    match usage.get("cost"):
        case {"total_cost": total, **rest} if rest.get("currency") in (None, "USD"):
            dollars = _amount(total)
        case cost:
            dollars = _amount(cost)
    if dollars is not None and usage.get("is_byok") is True:
        details = usage.get("cost_details")
        upstream = details.get("upstream_inference_cost") if isinstance(details, dict) else None
        dollars += _amount(upstream) or 0
    return None if dollars is None else _rounded(dollars * _DOLLAR)


def _amount(value: Any) -> Decimal | None:
    """None for what is no amount of money."""
    if value.__class__ not in (int, float):  # True is no amount
        return None
    amount = Decimal(str(value))
    return amount if amount.is_finite() and amount >= 0 else None


def _rounded(nano: Decimal) -> int | None:
    return int(nano.to_integral_value(ROUND_HALF_UP)) if nano <= _MOST else None
