"""Settings of what models thought."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints, field_validator

from antiphon.settings.section import Section


class SealKey(Section):
    """A secret under which thoughts are sealed."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    """Its name, which stands in every envelope that it sealed, readable."""

    key: Annotated[SecretStr, Field(min_length=32, max_length=1000)]
    """The secret, random and best written as `${NAME}`; `openssl rand -base64 32` makes one."""


class Reasoning(Section):
    """What models thought: sealed for its way through clients, and brought back to who can read it."""

    seal_keys: list[SealKey] = []
    """Under what `encrypted_content` is sealed: the first key seals, all open. Without any, a secret of the
    data folder does, which also opens what it sealed when there are keys. Processes that serve the same
    clients need the same keys."""

    lifetime: Annotated[int, Field(ge=60, le=3_650 * 86_400)] = 90 * 86_400
    """Seconds after which sealed thoughts are left out of a conversation; 90 days."""

    foreign: Literal["drop", "summary"] = "drop"
    """What becomes of sealed thoughts that the model cannot read, because another one thought them: `drop`
    leaves them out, `summary` sends their summary as text, if there is one."""

    @field_validator("seal_keys")
    @classmethod
    def _have_names_of_their_own(cls, keys: list[SealKey]) -> list[SealKey]:
        if len({key.id for key in keys}) < len(keys):
            raise ValueError("two keys have the same id")
        return keys
