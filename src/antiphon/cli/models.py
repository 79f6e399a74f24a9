"""`antiphon models`: which models can be asked for by name, what they hold and cost, and what they can do."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from antiphon.cli.options import Config, Json, load_settings
from antiphon.cli.tables import print_table
from antiphon.observe.clock import today
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.routing.health import Health
from antiphon.routing.listing import MEASURED, Listing
from antiphon.settings import Settings, targets
from antiphon.settings.providers import simulated

_HEAD = ("model", "context", "most output", "input", "cached", "output", "can")


def models(
    *names: Annotated[
        str, Parameter(help="Only these: of providers that list no models, and take any name, too.")
    ],
    config: Config = None,
    as_json: Json = False,
) -> int:
    """List the models. Prices are US dollars for a million tokens. Exit code 1 for a name of no model."""
    settings = load_settings(config).settings
    own = simulated(settings).models
    listed = targets.listed(settings, own)
    try:
        entries = _found(settings, own, names)
    except InvalidRequest as error:
        print(error.message, file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(entries, indent=2))
        return 0
    print_table(_HEAD, map(_row, entries))
    if not names and (open_to_any := [name for name, models in listed.items() if not models]):
        print(
            f"Any other name is passed on to {', '.join(open_to_any)}: `antiphon models {open_to_any[0]}/…` "
            "shows what is known about it.",
            file=sys.stderr,
        )
    return 0


def _found(settings: Settings, own: Sequence[str], wanted: Sequence[str]) -> list[JSON]:
    """The entries of GET /v1/models, without what only a running gateway knows. Raises InvalidRequest."""
    known = targets.catalogue(settings, own)
    names = targets.names(settings, targets.listed(settings, own), known)
    listing = Listing(names, known.facts, Health())
    found = [listing.one(name, 0, today()) for name in wanted] if wanted else listing.all(0, today())
    return [{key: value for key, value in entry.items() if key not in MEASURED} for entry in found]


def _row(entry: JSON) -> tuple[str, ...]:
    prices = entry["pricing"] or {}
    name = entry["id"]
    if members := [member["model"] for member in entry.get("members", ())]:
        name += f" = {', '.join(members)}"
    return (
        name,
        _number(entry["context_window"]),
        _number(entry["max_output_tokens"]),
        *(_dollars(prices.get(kind)) for kind in ("input", "cached_input", "output")),
        "?" if entry["capabilities"] is None else ", ".join(entry["capabilities"]),
    )


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _dollars(price: Any) -> str:
    return "?" if price is None else f"{price:g}"
