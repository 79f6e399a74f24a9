"""What becomes of a failure before anything was said: another target, the same once more, or the client.

400 and its like     the client: another provider would say the same, and a content filter is not
                     there to be got round
404                  another target: this one does not have the model
all other failures   another target; without one, once more after a status that says it may pass

A target that is in trouble bears few of either: see the budget of retries in `routing/health.py`.
"""

from __future__ import annotations

from antiphon.protocol.errors import ProviderError, UpstreamFailed, UpstreamRejected

_PASSING = (500, 502, 503, 529)


def another_may_do_better(error: ProviderError) -> bool:
    return not isinstance(error, UpstreamRejected) or error.status == 404


def may_pass(error: ProviderError) -> bool:
    """Whether the same target may succeed when it is asked again at once, and has not answered already: what
    broke off may have been paid for.
    """
    return isinstance(error, UpstreamFailed) and error.status in _PASSING


def pause(times: int, chance: float) -> float:
    """Seconds before the next try: doubled each time, with jitter; `chance` is between 0 and 1."""
    return min(0.1 * 2.0**times, 2.0) * (0.5 + chance)
