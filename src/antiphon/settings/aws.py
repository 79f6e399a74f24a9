"""Amazon's regions and credentials: from settings, or from the variables that all of AWS's tools read.

A provider of Amazon's is one whose base URL has a place for the region. In the environment a region and
either a Bedrock key (AWS_BEARER_TOKEN_BEDROCK) or a pair of access keys enable it; the Bedrock key wins, as
it does with AWS's own tools. In settings, access keys win over `api_key`: they are written for that provider,
and so is a profile. Where there is neither, nor a key, it is whoever AWS's own tools find, if the extra
`antiphon[aws]` is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from antiphon.settings.clouds import ProviderAWS
from antiphon.settings.layers import Layer, single
from antiphon.settings.problems import SettingPath
from antiphon.upstream.auth import aws_chain
from antiphon.upstream.auth.aws_chain import AWSChain
from antiphon.upstream.auth.sigv4 import SigV4
from antiphon.upstream.base import Provider

REGION = "{region}"
"""The place of the region in a base URL."""

MISSING = "or install `antiphon[aws]` for what AWS's own tools find"
"""How to do without a key, where the extra is not installed."""

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


def region_for(entry: Mapping[str, Any], environ: Mapping[str, str], base_url: str) -> dict[str, str]:
    """The setting `region` and its variable, for an unchecked entry that has no other."""
    given = entry.get("aws")
    if REGION not in base_url or (isinstance(given, dict) and given.get("region")):
        return {}
    found = [variable for variable in _REGIONS if environ.get(variable)]
    return {"region": found[0]} if found else {}


def problems(entry: Mapping[str, Any], base_url: str) -> Iterator[tuple[SettingPath, str]]:
    """What is wrong with an unchecked entry, whose provider has this base URL."""
    given = entry.get("aws")
    aws = given if isinstance(given, dict) else {}
    if REGION in base_url and not aws.get("region"):
        yield (), "needs aws.region or AWS_REGION, or base_url"
    missing = [key for key in _KEYS if not aws.get(key)]
    if len(missing) == 1 or (aws.get("session_token") and missing):
        yield ("aws",), f"needs {' and '.join(missing)}"
    if aws.get("profile") and len(missing) < len(_KEYS):
        yield ("aws", "profile"), "stands in place of access keys, so one of them is too much"
    elif aws.get("profile") and not aws_chain.is_available():
        yield ("aws", "profile"), "needs the extra `antiphon[aws]`, which is not installed"
    signs = aws.get("profile") or not missing
    if signs and not (aws.get("region") or REGION in base_url or _IN_HOST.search(base_url)):
        yield ("aws",), "needs region, which base_url does not name"


def is_in_aws(entry: Mapping[str, Any], base_url: str) -> bool:
    """Whether an unchecked entry is somebody who wants signatures, if he has no key."""
    given = entry.get("aws")
    region = given.get("region") if isinstance(given, dict) else None
    return bool(region) or REGION in base_url or _IN_HOST.search(base_url) is not None


def has_keys(entry: Mapping[str, Any]) -> bool:
    """Whether an unchecked entry has access keys, or a profile that has."""
    aws = entry.get("aws")
    return isinstance(aws, dict) and bool(aws.get("access_key_id") or aws.get("profile"))


def placed(base_url: str, aws: ProviderAWS) -> str:
    """The base URL with its region."""
    return base_url.replace(REGION, aws.region or "")


def credentials(aws: ProviderAWS, base_url: str, *, keyed: bool) -> SigV4 | AWSChain | None:
    """For a base URL with its region; `keyed`: there is a key, or a header that may be one."""
    in_host = _IN_HOST.search(base_url)
    region = aws.region or (in_host[1] if in_host else "")
    if aws.access_key_id is not None and aws.secret_access_key is not None:
        token = aws.session_token.get_secret_value() if aws.session_token else None
        return SigV4(aws.access_key_id, aws.secret_access_key.get_secret_value(), region, token)
    if aws.profile is not None or (not keyed and region and aws_chain.is_available()):
        return AWSChain(region, aws.profile)
    return None
