"""One run: start everybody, check their answers, measure in turns, stop everybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

from bench import growth, machine, routing
from bench.bodies import WrongAnswer
from bench.contenders import ROOT, Contender, Site, Skipped, direct
from bench.contenders.antiphon import antiphon, on_postgres
from bench.contenders.floor import floor
from bench.contenders.litellm import litellm
from bench.contenders.nginx import nginx
from bench.loads import Generator, LoadFailed
from bench.measure import Laboratory
from bench.plan import Plan
from bench.results import Footprint, Results
from bench.servers import Command, NotStarted, Server
from bench.targets import US

CONTENDERS: dict[str, Callable[[Site], Contender]] = {
    "direct": direct,
    "nginx": nginx,
    "floor": floor,
    "antiphon": antiphon,
    "postgres": on_postgres,
    "litellm": litellm,
}


class _Running(NamedTuple):
    contender: Contender
    server: Server | None  # None: the upstream itself
    starts: list[tuple[float, int]]  # seconds, and resident bytes right after


class Run:
    """Does what the plan says and gathers it in Results."""

    def __init__(self, site: Site, plan: Plan, cores: machine.Cores) -> None:
        self._site = site
        self._plan = plan
        self._cores = cores
        described = machine.describe() | {
            "instruments": f"upstream and load generator in {site.instruments.kind}"
        }
        rounds = "1 round" if plan.rounds == 1 else f"median of {plan.rounds} rounds"
        self._results = Results(described, f"{rounds}, windows of {plan.window[1]:g} s")

    def measure(self, names: Sequence[str]) -> Results:
        """A contender that cannot be had, started or trusted is skipped, and the results say why."""
        contenders = [found for name in names if (found := self._prepare(name))]
        swift = [contender for contender in contenders if not contender.patient]
        with ExitStack() as stack:
            upstream = self._start(self._upstream(), self._cores.others, "upstream")
            stack.callback(upstream.stop)
            generator = Generator(self._site.instruments.load, self._cores.others)
            laboratory = Laboratory(self._cores, upstream, generator, self._site.folder("requests"))
            self._measure_in_turns(laboratory, swift, self._plan.rounds)
            for contender in contenders:
                if contender.patient:
                    self._measure_in_turns(laboratory, [contender], 1)
        return self._results

    def _prepare(self, name: str) -> Contender | None:
        try:
            contender = CONTENDERS[name](self._site)
        except Skipped as reason:
            self._skip(name, str(reason))
            return None
        self._results.contenders[name] = contender.what
        return contender

    def _skip(self, name: str, why: str) -> None:
        self._results.contenders.pop(name, None)
        self._results.skipped[name] = why
        self._site.tell(f"{name} skipped: {why}")

    def _upstream(self) -> Command:
        port = self._site.upstream_port
        return Command([*self._site.instruments.upstream, str(port)], port, "/", ROOT)

    def _start(self, command: Command, cores: frozenset[int], name: str) -> Server:
        return Server(command, cores, self._site.folder("logs") / f"{name}.log")

    def _measure_in_turns(self, laboratory: Laboratory, contenders: list[Contender], rounds: int) -> None:
        with ExitStack() as stack:
            running = [opened for contender in contenders if (opened := self._open(contender, stack))]
            for number in range(rounds):
                for one in running:
                    self._site.tell(f"round {number + 1} of {rounds}: {one.contender.name}")
                    self._round(laboratory, one.contender, one.server)
            for one in running:
                if one.server:
                    self._footprint(one.contender, one.server, one.starts)
                if one.server and one.contender.name == US:
                    self._lengths(laboratory, one.contender, one.server)
                    self._routes(laboratory, one.contender, one.server, rounds)

    def _open(self, contender: Contender, stack: ExitStack) -> _Running | None:
        """Start it (several times, for a start-up time), check it. None when it is skipped."""
        server: Server | None = None
        starts: list[tuple[float, int]] = []
        try:
            for _ in range(1 if contender.patient else self._plan.starts):
                if server:
                    server.stop()
                if contender.command:
                    self._site.tell(f"starting {contender.name}")
                    server = self._start(contender.command, frozenset({self._cores.subject}), contender.name)
                    stack.callback(server.stop)
                    starts.append((server.startup_seconds, machine.resident_bytes(server.pids)))
            for workload in contender.workloads:
                contender.ask.check(workload)
        except (NotStarted, WrongAnswer, OSError, ValueError) as error:
            self._skip(contender.name, str(error))
            return None
        return _Running(contender, server, starts)

    def _round(self, laboratory: Laboratory, contender: Contender, server: Server | None) -> None:
        for workload, connections, window in self._plan.cells(contender):
            try:
                cell = laboratory.measure(
                    contender.name, server, contender.ask, workload, connections, window
                )
            except LoadFailed as error:
                self._site.tell(f"{contender.name}, {workload}, {connections} connections: {error}")
                continue
            self._results.cells.append(cell)

    def _footprint(self, contender: Contender, server: Server, starts: list[tuple[float, int]]) -> None:
        self._results.footprints[contender.name] = Footprint(
            startup_seconds=median(seconds for seconds, _ in starts),
            resident_idle=int(median(resident for _, resident in starts)),
            resident_loaded=machine.resident_bytes(server.pids),
        )

    def _lengths(self, laboratory: Laboratory, contender: Contender, server: Server) -> None:
        self._site.tell("conversations of " + ", ".join(map(str, self._plan.turns)) + " turns")
        try:
            self._results.lengths += growth.lengths(laboratory, server, contender.ask, self._plan.turns)
        except (LoadFailed, WrongAnswer) as error:
            self._site.tell(f"conversation length: {error}")

    def _routes(self, laboratory: Laboratory, contender: Contender, server: Server, rounds: int) -> None:
        self._site.tell("routes of several targets")
        try:
            self._results.routes += routing.routes(laboratory, server, contender.ask, rounds)
        except (LoadFailed, WrongAnswer) as error:
            self._site.tell(f"routes: {error}")
