"""The gateway, as a user would run it: `antiphon serve` with a configuration file, one provider, one key.

Beside the provider stand one that is nobody, and an alias of many targets: routes of bench/routing.py.

SQLite in a fresh folder on this machine's disk, durability as it comes, the access log written to a file.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from antiphon.version import __version__
from bench.bodies import WORKLOADS, Ask
from bench.contenders import Contender, Site, Skipped
from bench.routing import DEAD, FIFTY
from bench.servers import Command, free_port

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
    binary = Path(sys.executable).parent / "antiphon"
    if not binary.exists():
        raise Skipped(f"there is no {binary}; install the project first")
    folder, port = site.folder("antiphon-run"), free_port()
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
    configuration.write_text(text)
    command = Command(
        [str(binary), "serve"], port, "/health/ready", folder, {"ANTIPHON_CONFIG": str(configuration)}
    )
    ask = Ask("responses", port, model_prefix="bench/", key=_KEY)
    return Contender("antiphon", f"Antiphon {__version__}, SQLite", command, ask, WORKLOADS)
