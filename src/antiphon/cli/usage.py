"""`antiphon usage`: what the calls to providers cost, out of the ledger. The gateway may run meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from cyclopts import Parameter

from antiphon.cli.options import Config, Data, Json, load_settings
from antiphon.cli.tables import print_table
from antiphon.core.records import Target
from antiphon.protocol.json import JSON
from antiphon.settings import Settings
from antiphon.storage import open_ledger
from antiphon.stores.ledger import Total
from antiphon.stores.schema import DEFAULT_PROJECT

_HEAD = ("model", "calls", "tokens in", "tokens out", "US dollars", "calls without a price")

Spent: TypeAlias = Sequence[tuple[Target, Total]]


def usage(
    *,
    since: Annotated[
        datetime | None, Parameter(help="Only calls of this day (UTC) and later, as 2026-11-01.")
    ] = None,
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Add up every call: failed ones too, and those of responses that were not stored or are deleted."""
    began = since.replace(tzinfo=UTC).timestamp() if since else 0.0
    found = asyncio.run(_found(load_settings(config, {"data": data}).settings, began))
    if as_json:
        models = [{"model": target.public_name, **_sums(total)} for target, total in found]
        print(json.dumps({"models": models, "total": _sums(_whole(found))}, indent=2))
    else:
        print_table(_HEAD, _rows(found))
    return 0


async def _found(settings: Settings, since: float) -> Spent:
    async with open_ledger(settings) as ledger:
        return await ledger.by_model(DEFAULT_PROJECT, since=since)


def _whole(found: Spent) -> Total:
    sums = (
        sum(getattr(total, name) for _, total in found)
        for name in ("attempts", "cost", "unpriced", "input_tokens", "output_tokens")
    )
    return Total(*sums)


def _sums(total: Total) -> JSON:
    return {
        "calls": total.attempts,
        "input_tokens": total.input_tokens,
        "output_tokens": total.output_tokens,
        "cost": total.cost / 1e9,
        "unpriced": total.unpriced,
    }


def _rows(found: Spent) -> Iterator[tuple[str, ...]]:
    named = [(target.public_name, total) for target, total in found]
    for name, total in [*named, ("all", _whole(found))]:
        counts = (f"{count:,}" for count in (total.attempts, total.input_tokens, total.output_tokens))
        yield name, *counts, f"{total.cost / 1e9:.9f}", f"{total.unpriced:,}"
