"""`antiphon serve`: the gateway, until it is told to stop."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from antiphon.cli import banner
from antiphon.cli.options import Config, Data, load_settings
from antiphon.serving import serve as run_gateway


def serve(
    *,
    host: Annotated[str | None, Parameter(help="The address to listen on.")] = None,
    port: Annotated[int | None, Parameter(help="The TCP port to listen on.")] = None,
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
    """Start the gateway. What is not said here comes from the environment, the file, the defaults."""
    options = {"host": host, "port": port, "data": data, "log.level": log_level, "log.format": log_format}
    settings = load_settings(config, options).settings

    def announce(url: str, key: str | None) -> None:
        print(banner.text(url, key, settings, banner.key_command(sys.argv[0], settings)), flush=True)

    return run_gateway(settings, announce=announce)
