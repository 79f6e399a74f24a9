"""Vertex AI: Gemini in a project of one's own on Google Cloud.

A key alone cannot enable it, for the base URL names the project and the location:

    providers:
      vertex:
        base_url: https://aiplatform.googleapis.com/v1/projects/PROJECT/locations/global/publishers/google
        service_account: google.json

A regional location has a host of its own (https://LOCATION-aiplatform.googleapis.com/v1/…). Instead of a
service account there may be an API key (`api_key`), or a token in `headers`
(https://docs.cloud.google.com/vertex-ai/generative-ai/docs/start/api-keys), or what Google's own tools find
(settings/google.py).
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.gemini import Gemini

VERTEX = Provider(
    name="vertex",
    dialect=Gemini(vertex=True),
    base_url="",
    key_header="x-goog-api-key",
    key_prefix="",
)
