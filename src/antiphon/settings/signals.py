"""What the configuration says of several processes, made into signals between them.

redis is set                   Redis
else storage is PostgreSQL     LISTEN and NOTIFY
else                           this process alone; others look twice a second
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.engine.ports import Bus, Signals
from antiphon.engine.signals import LocalSignals, SharedSignals
from antiphon.settings import Settings
from antiphon.stores import urls


@asynccontextmanager
async def open_signals(settings: Settings, sender: str) -> AsyncIterator[Signals]:
    """Working, also while the server that carries them is away. `sender`: an id of this process."""
    bus = _bus(settings, sender)
    if bus is None:
        yield LocalSignals()
        return
    signals = SharedSignals(bus)
    signals.start()
    try:
        yield signals
    finally:
        await signals.close()


def _bus(settings: Settings, sender: str) -> Bus | None:
    """Only the one in use is imported."""
    if settings.redis is not None:
        from antiphon.stores.drivers.redis import RedisBus

        return RedisBus(settings.redis.get_secret_value(), sender, prefix=settings.redis_prefix)
    if urls.is_postgres(settings.database):
        from antiphon.stores.drivers.postgres_bus import PostgresBus

        return PostgresBus(settings.database, sender)
    return None
