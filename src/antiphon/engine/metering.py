"""The meter: calls and responses as metrics, and a word in the log where a price is missing."""

from __future__ import annotations

import structlog

from antiphon.core.records import Attempt
from antiphon.observe.metrics import Metrics

log = structlog.get_logger()

_MOST_WARNINGS = 1000  # models that are told of, once each


class Meter:
    """Counts what the attempts of responses tell."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._unpriced: set[str] = set()

    def attempted(self, attempt: Attempt) -> None:
        """A call is over."""
        target, charge = attempt.target, attempt.charge
        calls = self._metrics.called(
            target.provider, target.model, attempt.outcome, attempt.seconds, attempt.first_event
        )
        calls.input_tokens.observe(attempt.input_tokens)
        calls.output_tokens.observe(attempt.output_tokens)
        if attempt.cached_tokens:
            calls.other_tokens["cached"] += attempt.cached_tokens
        if attempt.cache_write_tokens:
            calls.other_tokens["cache_write"] += attempt.cache_write_tokens
        if attempt.reasoning_tokens:
            calls.other_tokens["reasoning"] += attempt.reasoning_tokens
        if charge is None:
            calls.unpriced += 1
            self._warn(target.public_name)
        else:
            calls.charged[charge.source] = calls.charged.get(charge.source, 0) + charge.total

    def responded(self, status: str) -> None:
        """A response is over."""
        self._metrics.responded(status)

    def again(self, reason: str) -> None:
        """The same response takes another call."""
        self._metrics.again(reason)

    def _warn(self, model: str) -> None:
        if model not in self._unpriced and len(self._unpriced) < _MOST_WARNINGS:
            self._unpriced.add(model)
            log.warning("price_unknown", model=model, hint=f"models.{model}.prices")
