"""Settings of where things are kept: the types of those that are secrets with a form."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, SecretStr, StringConstraints

from antiphon.stores import urls


def _database(url: SecretStr) -> SecretStr:
    if wrong := urls.mistake(url.get_secret_value()):
        raise ValueError(wrong)
    return url


def _redis(url: SecretStr) -> SecretStr:
    if wrong := urls.mistake_of_redis(url.get_secret_value()):
        raise ValueError(wrong)
    return url


def _pepper(secret: SecretStr) -> SecretStr:
    if not re.fullmatch("[0-9A-Fa-f]{64}", secret.get_secret_value()):
        raise ValueError("not 64 hexadecimal digits, such as `openssl rand -hex 32` makes")
    return secret


DatabaseURL: TypeAlias = Annotated[SecretStr, AfterValidator(_database)]
RedisURL: TypeAlias = Annotated[SecretStr, AfterValidator(_redis)]
RedisPrefix: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,100}$")]
Pepper: TypeAlias = Annotated[SecretStr, AfterValidator(_pepper)]
