"""GET /metrics: what the gateway counts, for Prometheus; in OpenMetrics where the scraper prefers that."""

from __future__ import annotations

from antiphon.edge.exchange import Exchange
from antiphon.observe.metrics import Metrics


async def expose(exchange: Exchange, metrics: Metrics) -> None:
    accept = (exchange.header(b"accept") or b"").decode("latin-1")
    body, content_type = metrics.exposition(accept)
    await exchange.answer(200, body, [(b"content-type", content_type.encode())])
