"""The Gemini API: https://ai.google.dev/api."""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.gemini import Gemini

GEMINI = Provider(
    name="gemini",
    dialect=Gemini(),
    base_url="https://generativelanguage.googleapis.com/v1beta",
    key_from="GEMINI_API_KEY",
    key_header="x-goog-api-key",
    key_prefix="",
)
