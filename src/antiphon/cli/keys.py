"""`antiphon keys`: the gateway keys in the database of this data folder. The gateway may run meanwhile."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import Parameter

from antiphon.cli.options import Config, Data, Json, load_settings
from antiphon.cli.tables import print_table
from antiphon.settings import Settings
from antiphon.storage import open_accounts
from antiphon.stores.accounts import KeyRow


def create(
    name: Annotated[str, Parameter(help="Who will use it; shown in lists.")],
    /,
    *,
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Make a key. It is printed on standard output and kept nowhere but as a digest."""
    key_id, key = asyncio.run(_create(load_settings(config, {"data": data}).settings, name))
    if as_json:
        print(json.dumps({"id": key_id, "name": name, "key": key}, indent=2))
    else:
        print(key)
        print(f"This is {key_id}, for {name}. It is shown this once.", file=sys.stderr)
    return 0


def list_keys(*, data: Data = None, config: Config = None, as_json: Json = False) -> int:
    """List the keys, revoked ones too, oldest first."""
    rows = asyncio.run(_list(load_settings(config, {"data": data}).settings))
    if as_json:
        print(json.dumps([_row(row) for row in rows], indent=2))
        return 0
    shown = ([str(value or "") for value in _row(row).values()] for row in rows)
    print_table(("id", "name", "begins with", "made", "revoked"), shown)
    return 0


def revoke(
    key_id: Annotated[str, Parameter(help="The id that `antiphon keys list` shows.")],
    /,
    *,
    data: Data = None,
    config: Config = None,
) -> int:
    """Revoke a key; exit code 1 if there is none in force with this id."""
    if not asyncio.run(_revoke(load_settings(config, {"data": data}).settings, key_id)):
        print(f"There is no key {key_id} in force.", file=sys.stderr)
        return 1
    print(f"Revoked {key_id}.")
    return 0


async def _create(settings: Settings, name: str) -> tuple[str, str]:
    async with open_accounts(settings) as accounts:
        return await accounts.create(name)


async def _list(settings: Settings) -> list[KeyRow]:
    async with open_accounts(settings) as accounts:
        return await accounts.list()


async def _revoke(settings: Settings, key_id: str) -> bool:
    async with open_accounts(settings) as accounts:
        return await accounts.revoke(key_id)


def _row(row: KeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "created_at": _time(row.created_at),
        "revoked_at": _time(row.revoked_at),
    }


def _time(seconds: int | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds is not None else None
