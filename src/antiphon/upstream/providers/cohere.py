"""Cohere: https://docs.cohere.com/reference/chat. Its own API has citations, plans and thoughts."""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.cohere import Cohere

COHERE = Provider(
    name="cohere",
    dialect=Cohere(),
    base_url="https://api.cohere.com",
    key_from="COHERE_API_KEY",
)
