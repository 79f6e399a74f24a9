"""`antiphon check`: whether the gateway would start with this configuration, and what it would serve."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from antiphon.cli.options import Json
from antiphon.cli.tables import print_table
from antiphon.settings.problems import ConfigurationError
from antiphon.settings.providers import build, simulated
from antiphon.settings.sources import Loaded, load
from antiphon.upstream.base import Provider
from antiphon.upstream.simulated import SIMULATED


def check(
    file: Annotated[
        Path | None, Parameter(help="The configuration file, instead of antiphon.yaml here.")
    ] = None,
    /,
    *,
    as_json: Json = False,
) -> int:
    """Check the configuration and change nothing. Exit code 2 if the gateway would not start."""
    if as_json:
        return _printed_as_json(file)
    loaded = load(os.environ, config=file)
    print(f"{loaded.file or 'No configuration file'}: no problems")
    for warning in loaded.warnings:
        print(warning)
    print_table(("provider", "dialect", "base URL", "key from", "models"), _rows(loaded))
    return 0


def _printed_as_json(file: Path | None) -> int:
    try:
        loaded = load(os.environ, config=file)
    except ConfigurationError as error:
        problems = [
            {"place": problem.place, "setting": problem.path, "message": problem.message}
            for problem in error.problems
        ]
        print(json.dumps({"ok": False, "problems": problems}, indent=2))
        return 2
    report = {
        "ok": True,
        "file": str(loaded.file) if loaded.file else None,
        "warnings": loaded.warnings,
        "providers": [_row(loaded, provider) for provider in build(loaded.settings).values()],
        "settings": loaded.settings.model_dump(mode="json"),
    }
    print(json.dumps(report, indent=2))
    return 0


def _row(loaded: Loaded, provider: Provider) -> dict[str, Any]:
    return {
        "name": provider.name,
        "dialect": provider.dialect.name,
        "base_url": provider.base_url,
        "key": _place_of_key(loaded, provider),
        "models": list(provider.models),
    }


def _place_of_key(loaded: Loaded, provider: Provider) -> str | None:
    entry = loaded.settings.providers[provider.name]
    proofs = ("client_secret", "client_certificate", "federated_token_file", "identity_header")
    ways: dict[tuple[str, ...], object] = {
        ("service_account",): entry.service_account,
        ("aws", "access_key_id"): entry.aws.access_key_id,
        ("aws", "profile"): entry.aws.profile,
        **{("entra", proof): getattr(entry.entra, proof, None) for proof in proofs},
        ("entra",): entry.entra,
        ("api_keys",): entry.api_keys or None,
        ("api_key",): provider.key,
    }
    for path, given in ways.items():
        if given is not None:
            return loaded.layer.place(("providers", provider.name, *path))
    return None if provider.auth is None else "what the cloud's own tools find"


def _rows(loaded: Loaded) -> Iterator[tuple[str, ...]]:
    for provider in build(loaded.settings).values():
        row = _row(loaded, provider)
        models = ", ".join(row["models"]) or "any"
        yield row["name"], row["dialect"], row["base_url"], row["key"] or "none", models
    if loaded.settings.simulated.enabled:
        models = ", ".join(simulated(loaded.settings).models)
        yield SIMULATED, "simulated", "in this process", "none", models
