"""What a run does, in which order, and how long each window is: thorough (ten minutes) or quick (one).

Contenders take turns within a round, so that a slow minute of the machine hits all of them; the report takes
the median of the rounds. A patient contender (seconds for a response under load) is measured in one round
with long windows, because a short one would end before its first responses do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.bodies import Workload
from bench.contenders import Contender

PACED_CONNECTIONS = 128
TURNS = (10, 100, 1000)


@dataclass(frozen=True)
class Plan:
    """Times in seconds: (warm-up, measured)."""

    rounds: int
    window: tuple[float, float]
    patient_window: tuple[float, float]
    connections: tuple[int, ...]
    patient_connections: tuple[int, ...]
    starts: int
    turns: tuple[int, ...]
    paced: bool
    repeats: int  # of what is done in this process

    def cells(self, contender: Contender) -> Iterator[tuple[Workload, int, tuple[float, float]]]:
        """The cells of one contender in one round."""
        counts = self.patient_connections if contender.patient else self.connections
        window = self.patient_window if contender.patient else self.window
        for workload in contender.workloads:
            if workload != "paced":
                yield from ((workload, count, window) for count in counts)
            elif self.paced:
                # A paced stream lasts two seconds: all are in full flow when the window opens.
                yield workload, PACED_CONNECTIONS, (2.2, max(window[1], 2.0))


THOROUGH = Plan(3, (0.7, 3.0), (3.0, 8.0), (1, 32, 256), (1, 32, 256), 5, TURNS, True, 100)
QUICK = Plan(1, (0.3, 1.0), (1.0, 3.0), (1, 32, 256), (1, 32), 1, TURNS[:2], False, 20)
