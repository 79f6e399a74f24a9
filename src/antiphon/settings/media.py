"""Settings of what is fetched for clients."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import ByteSize, Field, StringConstraints

from antiphon.settings.section import Section

Host: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:\[\]-]+$")]


class Media(Section):
    """Images and files that a request names by URL, for models whose provider takes them as data only."""

    fetch: bool = True
    """Whether the gateway fetches them; otherwise such a URL is refused."""

    max_bytes: Annotated[ByteSize, Field(ge=1024)] = ByteSize(20 * 1024 * 1024)
    """The largest size of one of them, in bytes or with a unit (`20MiB`)."""

    max_request_bytes: Annotated[ByteSize, Field(ge=1024)] = ByteSize(64 * 1024 * 1024)
    """The largest size of all that is fetched for one request."""

    ports: list[Annotated[int, Field(ge=1, le=65535)]] = [80, 443]
    """The TCP ports that URLs may name."""

    allow_hosts: list[Host] = []
    """Hosts that may have private addresses, as they stand in URLs: `files.internal`, `10.0.0.5`. All others
    must be public."""
