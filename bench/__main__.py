"""`python -m bench`: measure, print the tables, keep the figures.

--quick                    one round, short windows: about a minute
--peers none|nginx|litellm|all   what to measure beside the gateway (default all)
--only NAMES               measure only these, for example direct,antiphon; dialects: each dialect by itself;
                           routing: the router by itself
--json                     print the figures as JSON instead of tables
--markdown FILE            also write the tables as Markdown
--check                    exit with status 1 when a target that was measured is missed
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import dialects, machine, report, routing
from bench.bodies import WrongAnswer
from bench.contenders import ROOT, Site
from bench.native import instruments
from bench.plan import QUICK, THOROUGH, Plan
from bench.results import Results, plain
from bench.run import Run
from bench.servers import NotStarted, free_port
from bench.targets import US, targets

WORK = ROOT / "bench/.work"
RESULTS = ROOT / "bench/results"
PEERS = {"none": (), "nginx": ("nginx",), "litellm": ("litellm",), "all": ("nginx", "litellm")}
ORDER = ("direct", "nginx", "floor", "antiphon", "postgres", "litellm")
DIALECTS, ROUTING = "dialects", "routing"  # measured in this process, and no contenders


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line. Raises SystemExit as argparse does."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of short windows, about a minute")
    parser.add_argument("--peers", choices=PEERS, default="all", help="what to measure beside the gateway")
    parser.add_argument("--only", default="", help=f"measure only these (or {DIALECTS}, {ROUTING})")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of tables")
    parser.add_argument("--markdown", type=Path, help="also write the tables as Markdown to this file")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a measured target is missed")
    parser.add_argument(
        "--litellm-version", default="", help="this version instead of the newest installable"
    )
    parser.add_argument("--python-instruments", action="store_true", help="do without the C compiler")
    found = parser.parse_args(arguments)
    names = [name for name in found.only.split(",") if name]
    there_are = (*ORDER, DIALECTS, ROUTING)
    if unknown := sorted(set(names) - set(there_are)):
        parser.error(f"--only: no such contender: {', '.join(unknown)}; there are {', '.join(there_are)}")
    asked = names or [name for name in there_are if name not in PEERS["all"] or name in PEERS[found.peers]]
    found.contenders = [name for name in asked if name in ORDER]
    found.dialects, found.routing = DIALECTS in asked, ROUTING in asked
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    chosen = options(arguments)
    if not hasattr(os, "sched_setaffinity"):
        print("The benchmark needs Linux: it keeps programs to their cores and reads /proc.", file=sys.stderr)
        return 2
    progress = Console(stderr=True)
    plan = QUICK if chosen.quick else THOROUGH
    try:
        results = _measured(chosen, plan, progress)
    except NotStarted as error:
        progress.print(f"The static upstream did not start: {error}", style="red")
        return 2
    except WrongAnswer as error:
        progress.print(f"A dialect is wrong: {error}", style="red")
        return 2
    for name in set(PEERS["all"]) - set(chosen.contenders):
        results.skipped[name] = "not asked for"
    figures = _figures(results)
    kept = _keep(figures)
    if chosen.json:
        print(json.dumps(figures, indent=1))
    else:
        report.show(results, Console(width=None if sys.stdout.isatty() else 180))
        print(f"\nkept in {kept.relative_to(ROOT)}")
    if chosen.markdown:
        before = chosen.markdown.read_text() if chosen.markdown.exists() else ""
        chosen.markdown.write_text(report.written_into(before, report.markdown(results)))
    missed = any(target.met is False for target in targets(results))
    return int(US in results.skipped.keys() & set(chosen.contenders) or (chosen.check and missed))


def _measured(chosen: argparse.Namespace, plan: Plan, progress: Console) -> Results:
    """Raises NotStarted when there is no upstream, WrongAnswer when a dialect does not say what it heard."""
    cores = machine.divide_cores()
    results = Results(machine.describe(), f"the least of {plan.repeats} repeats")
    if chosen.contenders:
        tools = instruments(WORK / "bin", in_python=chosen.python_instruments)
        site = Site(
            WORK, free_port(), tools, chosen.litellm_version, lambda line: progress.print(line, style="dim")
        )
        os.sched_setaffinity(0, cores.others)
        if not cores.apart:
            progress.print("Only one core: nothing can be kept apart, the rates are too low.", style="yellow")
        results = Run(site, plan, cores).measure(chosen.contenders)
    if chosen.dialects:
        progress.print("each dialect by itself", style="dim")
        os.sched_setaffinity(0, {cores.subject})
        results.dialects += dialects.costs(plan.repeats)
    if chosen.routing:
        progress.print("the router by itself", style="dim")
        os.sched_setaffinity(0, {cores.subject})
        results.routing += routing.costs(plan.repeats)
    return results


def _figures(results: Results) -> dict[str, Any]:
    return asdict(results) | {
        "medians": plain(results),
        "targets": [asdict(target) for target in targets(results)],
        "finished": int(time.time()),
    }


def _keep(figures: dict[str, Any]) -> Path:
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept = RESULTS / f"{time.strftime('%Y-%m-%d-%H%M%S')}.json"
    kept.write_text(json.dumps(figures, indent=1))
    return kept


if __name__ == "__main__":
    sys.exit(main())
