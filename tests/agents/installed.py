"""Where `make test-clients` installs the agents, and how they are started: each in a folder of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.processes import environment
from tests.agents.site import Site

HERE = Path(__file__).parent
FOLDER = HERE.parent.parent / ".clients"
BIN = FOLDER / "node_modules" / ".bin"
OPENAI_2, OPENAI_3 = (FOLDER / f"openai-{major}" / "bin" / "python" for major in (2, 3))
PATIENCE = 120  # seconds for a run of an agent, on the busiest machine


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


def run(command: list[str | Path], folder: Path, extra: Mapping[str, str], text: str = "") -> Ran:
    """The command in this folder; `text` is its standard input. Raises subprocess.TimeoutExpired."""
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment({**extra, "PWD": str(folder)}),
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ran(ended.returncode, ended.stdout, ended.stderr)


def javascript(site: Site, file: str, *arguments: str) -> Any:
    """What the script prints, as JSON. It is read from standard input, to find packages where they are."""
    text = (HERE / "js" / file).read_text()
    return _printed(run(["node", "--input-type=module", "-", *arguments], FOLDER, _own(site), text))


def python(site: Site, interpreter: Path, file: str, *arguments: str) -> Any:
    """What the script prints, as JSON."""
    return _printed(run([interpreter, HERE / "python" / file, *arguments], FOLDER, _own(site)))


def _own(site: Site) -> dict[str, str]:
    """`OPENAI_…` are the variables that most libraries read."""
    key = site.gateway.key
    names = {"BASE_URL": site.base_url, "GATEWAY_KEY": key}
    return names | {"OPENAI_BASE_URL": site.base_url, "OPENAI_API_KEY": key}


def _printed(ran: Ran) -> Any:
    assert ran.code == 0, ran.out + ran.err
    return json.loads(ran.out.splitlines()[-1])
