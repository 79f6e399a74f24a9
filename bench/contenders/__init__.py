"""Who is measured: each is a value that says how it is started, how it is asked, and for which workloads.

direct    the upstream itself: what the instruments can do
nginx     proxy_pass: what a proxy costs that understands nothing of what it carries
floor     the gateway's web server and HTTP client with nothing between: what its choices cost
antiphon  the gateway
postgres  the gateway again, on PostgreSQL
litellm   a peer that does the same work: a Responses request in, a chat completion upstream
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.bodies import Ask, Workload
from bench.native import Instruments
from bench.servers import Command

ROOT = Path(__file__).parents[2]


class Skipped(Exception):
    """This contender cannot be measured here; the message says why."""


@dataclass(frozen=True)
class Site:
    """Where a run takes place."""

    work: Path
    upstream_port: int
    instruments: Instruments
    litellm_version: str = ""
    tell: Callable[[str], None] = print

    def folder(self, name: str) -> Path:
        """A folder of one contender, made."""
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass(frozen=True)
class Contender:
    """One row of the tables."""

    name: str
    what: str
    command: Command | None  # None: it runs already
    ask: Ask
    workloads: tuple[Workload, ...]
    patient: bool = False  # so slow that it is measured once, in long windows


def direct(site: Site) -> Contender:
    """The upstream, asked by the load generator without anything between."""
    ask = Ask("chat", site.upstream_port)
    return Contender(
        "direct", f"the static upstream, in {site.instruments.kind}", None, ask, ("json", "stream", "paced")
    )
