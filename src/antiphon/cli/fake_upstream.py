"""`antiphon fake-upstream`: a model provider that goes wrong on request, to test gateways and agents with."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from antiphon.cli.options import Json
from antiphon.cli.tables import print_table
from antiphon.fake_upstream import builtin
from antiphon.fake_upstream.faulty_ports import faulty_ports
from antiphon.fake_upstream.ledger import Entry
from antiphon.fake_upstream.script import Script, read
from antiphon.fake_upstream.server import FakeUpstream
from antiphon.fake_upstream.wires import PATHS


def fake_upstream(
    script: Annotated[Path | None, Parameter(help="What its models say; see docs/fake-upstream.md.")] = None,
    /,
    *,
    host: Annotated[str | None, Parameter(help="The address to listen on.")] = None,
    port: Annotated[int | None, Parameter(help="The TCP port to listen on; 0 for any that is free.")] = None,
    with_faulty_ports: Annotated[
        bool,
        Parameter(
            name="--faulty-ports",
            negative="",
            show_default=False,
            help="Open ports that refuse, swallow, or show certificates that are not in order.",
        ),
    ] = False,
    print_script: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Print the script of the built-in models, and end."),
    ] = False,
    as_json: Json = False,
) -> int:
    """Serve until told to stop; one line for each request, as it ends."""
    if print_script:
        print(builtin.FILE.read_text(encoding="utf-8"), end="")
        return 0
    given = read(script, os.environ) if script else Script()
    upstream = FakeUpstream({**builtin.models(), **given.models}, _tell_json if as_json else _tell)
    place = given.host if host is None else host, given.port if port is None else port
    try:
        asyncio.run(_serve(upstream, *place, faulty=with_faulty_ports, quiet=as_json))
    except OSError as error:
        print(f"{place[0]}:{place[1]}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


async def _serve(upstream: FakeUpstream, host: str, port: int, *, faulty: bool, quiet: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        ports = {}
        if faulty:
            opened = await stack.enter_async_context(faulty_ports(upstream.serve))
            upstream.about = {"ports": opened.ports, "authority": opened.authority}
            ports = opened.ports
        server = await asyncio.start_server(upstream.serve, host, port)
        stack.callback(server.close)
        stack.callback(upstream.close)
        url = f"http://{host}:{server.sockets[0].getsockname()[1]}"
        print(json.dumps({"url": url, "ports": ports}) if quiet else _banner(url), flush=True)
        if ports and not quiet:
            print_table(("port", "what is wrong with it"), ((str(at), name) for name, at in ports.items()))
        await stopped.wait()


def _banner(url: str) -> str:
    lines = (f"  {dialect:<10} {url}{path}" for dialect, path in PATHS.items())
    return "\n".join(
        (f"The fake upstream listens on {url}", *lines, f"Models: {url}/ · what was billed: {url}/ledger")
    )


def _tell(entry: Entry) -> None:
    print(entry, flush=True)


def _tell_json(entry: Entry) -> None:
    print(json.dumps(entry.json), flush=True)
