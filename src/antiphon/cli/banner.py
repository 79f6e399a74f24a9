"""The banner: what somebody who has just started the gateway wants to know and to paste."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path

from antiphon.settings import Settings
from antiphon.settings.places import data_folder
from antiphon.version import __version__

UNDER_UV = "UV_RUN_RECURSION_DEPTH"
"""Set by `uv run` for what it runs, beside a PATH that no other shell has."""


def text(url: str, key: str | None, settings: Settings, key_command: str) -> str:
    """The banner; a blank line sets it apart from the log.

    `url` is where the gateway listens, without a slash at its end. `key` is a gateway key that was made
    just now, and is shown here and never again; `key_command` makes another one.
    """
    providers = [name for name, provider in settings.providers.items() if provider.enabled]
    served = [*providers, *(["sim (simulated, needs no key)"] if settings.simulated.enabled else [])]
    return "\n".join(
        (
            f"Antiphon {__version__} listens on {url}",
            f"  providers    {', '.join(served) or 'none: see antiphon init'}",
            f"  data         {settings.data}",
            f"  key          {_known(key, settings)}",
            f"  another key  {key_command}",
            "",
            "Try it:",
            f"  {_curl(url, key, settings)}",
            "",
        )
    )


def _known(key: str | None, settings: Settings) -> str:
    if key:
        return f"{key} (shown this once)"
    return "one of those in the configuration" if settings.keys else "one that was made before"


def key_command(program: str, settings: Settings) -> str:
    """The command that makes a key for this very data folder, as it can be pasted here."""
    if Path(program).name == "__main__.py":
        words = [sys.executable, "-m", "antiphon"]
    elif UNDER_UV in os.environ:
        words = ["uv", "run", "antiphon"]
    else:
        words = ["antiphon" if _is_on_path(program) else program]
    words += ["keys", "create", "NAME"]
    if settings.data != data_folder():
        words += ["--data", str(settings.data)]
    return shlex.join(words)


def _is_on_path(program: str) -> bool:
    found = shutil.which("antiphon")
    return found is not None and Path(found).resolve() == Path(program).resolve()


def _curl(url: str, key: str | None, settings: Settings) -> str:
    body = json.dumps({"model": _model(settings), "input": "Hello!"})
    # In double quotes the shell fills in the variable; a key has no character that means anything there.
    authorization = f'"Authorization: Bearer {key or "$GATEWAY_KEY"}"'
    return (
        f"curl {shlex.quote(url + '/v1/responses')} -H {authorization} "
        f"-H 'Content-Type: application/json' -d {shlex.quote(body)}"
    )


def _model(settings: Settings) -> str:
    if settings.simulated.enabled:
        return "sim/echo"
    for name, provider in settings.providers.items():
        if provider.enabled:
            return f"{name}/{provider.models[0] if provider.models else 'MODEL'}"
    return "PROVIDER/MODEL"
