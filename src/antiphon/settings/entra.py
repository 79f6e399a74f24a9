"""Who calls a provider in Azure: from settings, or from the variables that Azure's own tools read.

A provider is in Azure if its base URL says so, or if it has `entra`. The variables are used where it has no
key. An application proves itself in one way; the first that is found in the environment is taken where the
settings name none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from antiphon.settings.clouds import ProviderEntra
from antiphon.settings.problems import SettingPath
from antiphon.upstream.auth.entra import (
    METADATA,
    Application,
    ClientCertificate,
    ClientSecret,
    Credential,
    FederatedToken,
    ManagedIdentity,
    client_certificate,
)

_IDS = {
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "authority_host": "AZURE_AUTHORITY_HOST",
}
_PROOFS = {
    "client_secret": "AZURE_CLIENT_SECRET",
    "client_certificate": "AZURE_CLIENT_CERTIFICATE_PATH",
    "federated_token_file": "AZURE_FEDERATED_TOKEN_FILE",
}
_PASSWORD = {"client_certificate_password": "AZURE_CLIENT_CERTIFICATE_PASSWORD"}
_APP_SERVICE = {"identity_endpoint": "IDENTITY_ENDPOINT", "identity_header": "IDENTITY_HEADER"}

_AZURE = re.compile(r"https://[^/]+\.azure\.(com|us|cn)(:\d+)?(/.*)?")
_YES = ("true", "yes", "on", "1", "t", "y")  # what pydantic reads as True


def is_azures(base_url: str) -> bool:
    return _AZURE.fullmatch(base_url) is not None


def discovered(
    entry: Mapping[str, Any], environ: Mapping[str, str], base_url: str, *, keyed: bool
) -> dict[str, str]:
    """Which settings of `entra` come from which variables, for an unchecked entry."""
    given = entry.get("entra")
    if given is None and (keyed or not is_azures(base_url)):
        return {}
    known = given if isinstance(given, dict) else {}
    found = {name: variable for name, variable in _IDS.items() if environ.get(variable)}
    found |= _proof(known, environ)
    if given is None and not _is_whole(found):
        return {}
    return {name: variable for name, variable in found.items() if name not in known}


def _is_whole(found: Mapping[str, str]) -> bool:
    """Whether what stands in the environment is enough, so that it was meant."""
    return "identity_header" in found or (found.keys() >= {"tenant_id", "client_id"} and _ways(found) != [])


def _proof(known: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    ways = _ways(known)
    if not ways:
        ways = [name for name, variable in _PROOFS.items() if environ.get(variable)][:1]
    proof = {name: _PROOFS[name] for name in ways if name in _PROOFS}
    if "client_certificate" in proof:
        proof |= _PASSWORD
    elif not proof and all(environ.get(variable) for variable in _APP_SERVICE.values()):
        proof = _APP_SERVICE
    return {name: variable for name, variable in proof.items() if environ.get(variable)}


def _ways(known: Mapping[str, Any]) -> list[str]:
    """How a caller proves who he is."""
    ways = [name for name in _PROOFS if known.get(name)]
    machine = str(known.get("managed_identity", "")).lower() in _YES
    return [*ways, "managed_identity"] if machine else ways


def problems(entry: Mapping[str, Any]) -> Iterator[tuple[SettingPath, str]]:
    """What is wrong with the `entra` of an unchecked entry."""
    given = entry["entra"] if isinstance(entry["entra"], dict) else {}
    if entry.get("api_key") or entry.get("api_keys"):
        yield ("entra",), "stands in place of api_key, so one of them is too much"
    ways = _ways(given)
    if len(ways) > 1:
        yield ("entra",), f"has {' and '.join(ways)}, of which one is enough"
    if bool(given.get("identity_endpoint")) != bool(given.get("identity_header")):
        yield ("entra",), "needs identity_endpoint and identity_header, or neither"
    if not ways and not given.get("identity_header"):
        yield ("entra",), f"needs {', '.join(_PROOFS)} or managed_identity"
    elif ways and ways != ["managed_identity"]:
        missing = [name for name in ("tenant_id", "client_id") if not given.get(name)]
        if missing:
            yield ("entra",), f"needs {' and '.join(f'{name} or {_IDS[name]}' for name in missing)}"
    if not _may_have_secrets(str(given.get("authority_host") or "https://")):
        yield ("entra", "authority_host"), "secrets only go to https://, or to this machine"
    yield from _problems_of_files(given)


def _may_have_secrets(url: str) -> bool:
    parts = urlsplit(_url(url))
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def _problems_of_files(given: Mapping[str, Any]) -> Iterator[tuple[SettingPath, str]]:
    """They are read here too, so that `antiphon check` knows whether they can be."""
    for name in ("client_certificate", "federated_token_file"):
        if not given.get(name):
            continue
        try:
            data = Path(str(given[name])).expanduser().read_bytes()
            if name == "client_certificate":
                client_certificate(data, _text(given.get("client_certificate_password")))
        except OSError as error:
            yield ("entra", name), f"cannot be read: {error.strerror}"
        except ValueError as error:
            yield ("entra", name), str(error)


def credentials(entra: ProviderEntra | None) -> Application | ManagedIdentity | None:
    """For checked settings. Raises OSError and ValueError for a certificate that changed in the meantime."""
    if entra is None:
        return None
    proof = _credential(entra)
    if proof is not None:
        assert entra.tenant_id is not None and entra.client_id is not None  # `problems` saw to it
        authority = _url(entra.authority_host).rstrip("/")
        return Application(entra.tenant_id, entra.client_id, proof, authority, entra.scope)
    return ManagedIdentity(
        client_id=entra.client_id,
        endpoint=entra.identity_endpoint or METADATA,
        header=_revealed(entra.identity_header),
        scope=entra.scope,
    )


def _credential(entra: ProviderEntra) -> Credential | None:
    if entra.client_secret is not None:
        return ClientSecret(entra.client_secret.get_secret_value())
    if entra.client_certificate is not None:
        return _certificate(entra.client_certificate, _revealed(entra.client_certificate_password))
    if entra.federated_token_file is not None:
        return FederatedToken(entra.federated_token_file.expanduser())
    return None


def _certificate(path: Path, password: str | None) -> ClientCertificate:
    return client_certificate(path.expanduser().read_bytes(), password)


def _url(authority: str) -> str:
    """Azure's own tools also take the host alone."""
    return authority if "://" in authority else f"https://{authority}"


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def _text(value: Any) -> str | None:
    return str(value) if value else None
