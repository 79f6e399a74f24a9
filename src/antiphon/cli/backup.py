"""`antiphon backup`: a copy of the database, while gateways run on it."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from antiphon.cli.options import Config, Data, load_settings
from antiphon.settings import Settings
from antiphon.storage import backup as copy_database
from antiphon.stores import urls


def backup(
    file: Annotated[Path, Parameter(help="The file to make. One that is there is not replaced.")],
    /,
    *,
    data: Data = None,
    config: Config = None,
) -> int:
    """Copy the database as it is at one moment, while gateways go on writing to it.

    PostgreSQL has its own tool for that: then the command for it is printed, and the exit code is 1.
    """
    settings = load_settings(config, {"data": data}).settings
    if urls.is_postgres(settings.database):
        print(shlex.join(["pg_dump", "--format=custom", f"--file={file}", urls.for_tools(settings.database)]))
        print(
            "Nothing was copied: this is the command that copies a PostgreSQL database while it is used."
            " The password comes from PGPASSWORD or ~/.pgpass.",
            file=sys.stderr,
        )
        return 1
    size = asyncio.run(copy_database(settings, file))
    print(f"{file}: {size:,} bytes")
    print(_reminder(settings), file=sys.stderr)
    return 0


def _reminder(settings: Settings) -> str:
    where = "ANTIPHON_PEPPER" if settings.pepper is not None else settings.data / "pepper"
    return f"Gateway keys also need the pepper, which is not in the copy: {where}"
