"""`antiphon worker`: makes background responses, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated, Literal

from cyclopts import Parameter

from antiphon.app import open_gateway
from antiphon.cli.options import Config, Data, load_settings
from antiphon.observe import log
from antiphon.serving import run, settle_memory
from antiphon.settings import Settings


def worker(
    *,
    data: Data = None,
    config: Config = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None,
        Parameter(help="The least severe messages to write."),
    ] = None,
    log_format: Annotated[
        Literal["text", "json"] | None, Parameter(help="Log lines for people, or as JSON.")
    ] = None,
) -> int:
    """Make the responses that wait in the database, beside any number of others who do so.

    It listens nowhere. Told to stop, it finishes what it has begun, for as long as a gateway would.
    """
    options = {"data": data, "log.level": log_level, "log.format": log_format}
    settings = load_settings(config, options).settings

    log.configure(settings.log.level, settings.log.format)
    willing = settings.background.model_copy(update={"worker": True})
    return run(_work(settings.model_copy(update={"background": willing})))


async def _work(settings: Settings) -> int:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with open_gateway(settings) as gateway:
        settle_memory()
        print(f"antiphon worker makes up to {settings.background.concurrency} responses at once", flush=True)
        await told.wait()
        await gateway.drain(settings.drain_timeout)
    return 0
