"""The gateway, as a user would run it: `antiphon serve` with a configuration file, one provider, one key.

Beside the provider stand one that is nobody, and an alias of many targets: routes of bench/routing.py.

SQLite in a fresh folder on this machine's disk, or PostgreSQL with a fresh database, durability as it comes,
the access log written to a file.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from antiphon.version import __version__
from bench.bodies import WORKLOADS, Ask, Workload
from bench.contenders import Contender, Site, Skipped
from bench.routing import DEAD, FIFTY
from bench.servers import Command, free_port

POSTGRES = os.environ.get("ANTIPHON_BENCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
_DATABASE = "antiphon_bench"  # dropped, if it is there, and made
_KEY = "sk-gateway-bench-0123456789abcdef0123456789abcdef"

_CONFIGURATION = """\
host: 127.0.0.1
port: {port}
data: {data}
keys:
  - name: bench
    key: {key}
providers:
  bench:
    dialect: chat
    base_url: http://127.0.0.1:{upstream}/v1
    api_key: sk-upstream
  {dead}:
    dialect: chat
    base_url: http://127.0.0.1:{closed}/v1
    api_key: sk-nobody
aliases:
  {fifty}: [{members}]
"""


def antiphon(site: Site) -> Contender:
    """Raises Skipped when the command is not installed beside the Python that runs this."""
    return _contender(site, "antiphon", "SQLite", "", WORKLOADS)


def on_postgres(site: Site) -> Contender:
    """The same with a local PostgreSQL, whose processes run on all cores; only what is stored is asked.

    Raises Skipped when no PostgreSQL can be reached.
    """
    storage = f"storage: {asyncio.run(_fresh_database())}\n"
    return _contender(site, "postgres", "PostgreSQL on this machine", storage, ("stored",))


async def _fresh_database() -> str:
    try:
        connection = await asyncpg.connect(POSTGRES, timeout=5)
    except (OSError, asyncpg.PostgresError) as error:
        raise Skipped(f"no PostgreSQL at ANTIPHON_BENCH_POSTGRES or the usual port: {error}") from error
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {_DATABASE}")
    finally:
        await connection.close()
    return urlunsplit(urlsplit(POSTGRES)._replace(path=f"/{_DATABASE}"))


def _contender(
    site: Site, name: str, kept_in: str, storage: str, workloads: tuple[Workload, ...]
) -> Contender:
    binary = Path(sys.executable).parent / "antiphon"
    if not binary.exists():
        raise Skipped(f"there is no {binary}; install the project first")
    folder, port = site.folder(f"{name}-run"), free_port()
    shutil.rmtree(folder / "data", ignore_errors=True)
    configuration = folder / "antiphon.yaml"
    text = _CONFIGURATION.format(
        port=port,
        data=folder / "data",
        key=_KEY,
        upstream=site.upstream_port,
        dead=DEAD,
        closed=free_port(),
        fifty=FIFTY,
        members=", ".join(f"bench/static-{number}" for number in range(50)),
    )
    configuration.write_text(text + storage)
    command = Command(
        [str(binary), "serve"], port, "/health/ready", folder, {"ANTIPHON_CONFIG": str(configuration)}
    )
    ask = Ask("responses", port, model_prefix="bench/", key=_KEY)
    return Contender(name, f"Antiphon {__version__}, {kept_in}", command, ask, workloads)
