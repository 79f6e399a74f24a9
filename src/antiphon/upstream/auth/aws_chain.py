"""Credentials as all of AWS's tools find them: variables, profiles, SSO, web identity, ECS, instances.

botocore looks for them and renews them (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html);
requests are signed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from antiphon.upstream.auth.leases import Kept, Lease
from antiphon.upstream.auth.libraries import NotFound, Search, is_installed
from antiphon.upstream.auth.sigv4 import Signer, SigV4
from antiphon.upstream.base import Ask, Outgoing

GOOD_FOR: Final = 600
"""Seconds that keys are good for at least: botocore gives out none that end within ten minutes."""


@dataclass(frozen=True, slots=True)
class AWSChain:
    """Whatever credentials there are for one service in one region, or those of a profile."""

    region: str
    profile: str | None = None
    service: str = "bedrock"

    def begin(self) -> ChainSigner:
        return ChainSigner(self)

    @property
    def secrets(self) -> tuple[str, ...]:
        """They are not known beforehand."""
        return ()


class ChainSigner:
    """Signs requests with the keys of the moment."""

    __slots__ = ("_chain", "_credentials", "_kept", "_search")

    def __init__(self, chain: AWSChain) -> None:
        self._chain = chain
        self._credentials: Any = None
        self._search = Search("botocore", self._keys)
        self._kept: Kept[Signer] = Kept()

    async def headers(self, outgoing: Outgoing, now: float, ask: Ask) -> Mapping[str, str]:
        signer = await self._kept.get(now, lambda: self._signer(now))
        return signer.sign("POST", outgoing, now)

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._kept.held.secrets if self._kept.held is not None else ()

    async def _signer(self, now: float) -> Lease[Signer]:
        return Lease(Signer(await self._search.found()), now + GOOD_FOR)

    def _keys(self) -> SigV4:
        """Blocks. Raises NotFound."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.session import Session

        try:
            if self._credentials is None:
                self._credentials = Session(profile=self._chain.profile).get_credentials()
            if self._credentials is None:
                raise NotFound("there are none")
            keys = self._credentials.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError, ValueError, LookupError, RuntimeError) as error:
            raise NotFound(type(error).__name__) from None
        return SigV4(keys.access_key, keys.secret_key, self._chain.region, keys.token, self._chain.service)


def is_available() -> bool:
    """Whether the extra is installed."""
    return is_installed("botocore")
