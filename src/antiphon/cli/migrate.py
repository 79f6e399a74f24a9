"""`antiphon migrate`: bring the schema of the database up to date before a new version starts."""

from __future__ import annotations

import asyncio
import json

from antiphon.cli.options import Config, Data, Json, load_settings
from antiphon.storage import migrate as migrate_database
from antiphon.stores import urls


def migrate(*, data: Data = None, config: Config = None, as_json: Json = False) -> int:
    """Bring the schema of the database up to date; `antiphon serve` does the same when it starts.

    Any number of gateways may start, or do this, at once: one migrates, the others wait for it.
    """
    settings = load_settings(config, {"data": data}).settings
    found, reached = asyncio.run(migrate_database(settings))
    shown = urls.shown(settings.database)
    if as_json:
        print(json.dumps({"database": shown, "from": found, "to": reached}, indent=2))
    elif found == reached:
        print(f"{shown}: at revision {reached} already")
    else:
        print(f"{shown}: from {f'revision {found}' if found else 'nothing'} to revision {reached}")
    return 0
