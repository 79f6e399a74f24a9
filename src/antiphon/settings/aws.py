"""Amazon's regions and credentials: from settings, or from the variables that all of AWS's tools read.

A provider of Amazon's is one whose base URL has a place for the region. In the environment a region and
either a Bedrock key (AWS_BEARER_TOKEN_BEDROCK) or a pair of access keys enable it; the Bedrock key wins, as
it does with AWS's own tools. In settings, access keys win over `api_key`: they are written for that provider.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from antiphon.settings import ProviderAWS
from antiphon.settings.layers import Layer, single
from antiphon.settings.problems import SettingPath
from antiphon.upstream.auth.sigv4 import SigV4
from antiphon.upstream.base import Provider

REGION = "{region}"
"""The place of the region in a base URL."""

_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_KEYS = {"access_key_id": "AWS_ACCESS_KEY_ID", "secret_access_key": "AWS_SECRET_ACCESS_KEY"}
_TOKEN = {"session_token": "AWS_SESSION_TOKEN"}
_IN_HOST = re.compile(r"//bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")


def is_amazons(provider: Provider) -> bool:
    return REGION in provider.base_url


def has_region(environ: Mapping[str, str]) -> bool:
    return any(environ.get(variable) for variable in _REGIONS)


def discovered(name: str, environ: Mapping[str, str], *, keyed: bool) -> Layer:
    """The region and, unless the provider is `keyed`, the access keys; nothing if one of them is missing."""
    layer = Layer()
    if not has_region(environ) or not (keyed or all(environ.get(variable) for variable in _KEYS.values())):
        return layer
    found = {"region": next(variable for variable in _REGIONS if environ.get(variable))}
    if not keyed:
        found |= _KEYS | {key: variable for key, variable in _TOKEN.items() if environ.get(variable)}
    for setting, variable in found.items():
        path = ("providers", name, "aws", setting)
        layer = layer.covered_by(single(path, environ[variable], variable))
    return layer


def problems(entry: Mapping[str, Any], base_url: str) -> Iterator[tuple[SettingPath, str]]:
    """What is wrong with an unchecked entry, whose provider has this base URL."""
    given = entry.get("aws")
    aws = given if isinstance(given, dict) else {}
    if REGION in base_url and not aws.get("region"):
        yield (), "needs aws.region or AWS_REGION, or base_url"
    missing = [key for key in _KEYS if not aws.get(key)]
    if len(missing) == 1 or (aws.get("session_token") and missing):
        yield ("aws",), f"needs {' and '.join(missing)}"
    if not missing and not (aws.get("region") or REGION in base_url or _IN_HOST.search(base_url)):
        yield ("aws",), "needs region, which base_url does not name"


def has_keys(entry: Mapping[str, Any]) -> bool:
    """Whether an unchecked entry has access keys."""
    aws = entry.get("aws")
    return isinstance(aws, dict) and bool(aws.get("access_key_id"))


def placed(base_url: str, aws: ProviderAWS) -> str:
    """The base URL with its region."""
    return base_url.replace(REGION, aws.region or "")


def credentials(aws: ProviderAWS, base_url: str) -> SigV4 | None:
    """For a base URL with its region; None without access keys."""
    if aws.access_key_id is None or aws.secret_access_key is None:
        return None
    in_host = _IN_HOST.search(base_url)
    return SigV4(
        aws.access_key_id,
        aws.secret_access_key.get_secret_value(),
        aws.region or (in_host[1] if in_host else ""),
        aws.session_token.get_secret_value() if aws.session_token else None,
    )
