"""Who calls a provider in Google Cloud: a service account, or whoever Google's own tools find.

The latter (application default credentials) where there is no key, for base URLs of Vertex AI, if the extra
`antiphon[google]` is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from antiphon.settings.problems import SettingPath
from antiphon.upstream.auth import google_default
from antiphon.upstream.auth.google import ServiceAccount, service_account
from antiphon.upstream.auth.google_default import DefaultCredentials

_VERTEX = re.compile(r"https://([a-z0-9-]+-)?aiplatform(\.[a-z0-9-]+)*\.googleapis\.com(/.*)?")

MISSING = "or install `antiphon[google]` for what Google's own tools find"
"""How to do without a key, where the extra is not installed."""


def is_googles(base_url: str) -> bool:
    """Whether it belongs to Vertex AI."""
    return _VERTEX.fullmatch(base_url) is not None


def problems(entry: Mapping[str, Any]) -> Iterator[tuple[SettingPath, str]]:
    """What is wrong with an unchecked entry that has a service account.

    The file is read here too, so that `antiphon check` knows whether it can be.
    """
    if entry.get("api_key") or entry.get("api_keys"):
        yield ("service_account",), "stands in place of api_key, so one of them is too much"
    try:
        _account(Path(str(entry["service_account"])))
    except OSError as error:
        yield ("service_account",), f"cannot be read: {error.strerror}"
    except ValueError as error:
        yield ("service_account",), str(error)


def credentials(
    account: Path | None, base_url: str, *, keyed: bool
) -> ServiceAccount | DefaultCredentials | None:
    """For checked settings; `keyed`: there is a key, or a header that may be one.

    Raises OSError and ValueError.
    """
    if account is not None:
        return _account(account)
    if not keyed and is_googles(base_url) and google_default.is_available():
        return DefaultCredentials()
    return None


def _account(path: Path) -> ServiceAccount:
    """Raises OSError and ValueError."""
    return service_account(path.expanduser().read_bytes())
