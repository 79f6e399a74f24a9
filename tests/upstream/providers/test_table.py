"""The table of providers: who is in it, and what holds for all of them."""

from __future__ import annotations

import dataclasses
from urllib.parse import urlsplit

import pytest

from antiphon.core.turn import Turn
from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.providers import PROVIDERS

CLOUD = {"openai", "anthropic", "groq", "deepseek", "openrouter", "mistral", "xai", "together", "fireworks"}
CLOUD |= {"cerebras", "perplexity", "huggingface", "cohere", "gemini", "bedrock"}
LOCAL = {"ollama", "ollama_native", "vllm", "llamacpp", "lmstudio"}
OF_ONES_OWN = {"azure", "azure_chat", "vertex", "vertex_anthropic"}
OF_A_REGION = {"bedrock", "bedrock_anthropic", "bedrock_openai"}

each_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)


def test_everybody_is_here_under_their_own_name() -> None:
    assert set(PROVIDERS) == CLOUD | LOCAL | OF_ONES_OWN | OF_A_REGION
    assert all(name == provider.name for name, provider in PROVIDERS.items())


@each_provider
def test_a_key_enables_those_in_the_cloud_and_no_others(provider: Provider) -> None:
    assert bool(provider.key_from) == (provider.name in CLOUD)
    assert provider.local == (provider.name in LOCAL)


@each_provider
def test_keys_only_go_to_https_or_to_this_machine(provider: Provider) -> None:
    url = urlsplit(provider.base_url)
    if provider.name in OF_ONES_OWN:
        assert not provider.base_url
    elif provider.local:
        assert (url.scheme, url.hostname) == ("http", "127.0.0.1")
    else:
        assert url.scheme == "https"
    assert not provider.base_url.endswith("/")
    assert ("{region}" in provider.base_url) == (provider.name in OF_A_REGION)


def test_two_providers_never_share_a_key() -> None:
    variables = [provider.key_from for provider in PROVIDERS.values() if provider.key_from]
    assert len(variables) == len(set(variables))


def test_a_key_goes_where_each_looks_for_it() -> None:
    headers = {name: (one.key_header, one.key_prefix) for name, one in PROVIDERS.items()}
    assert headers.pop("anthropic") == ("x-api-key", "")
    assert headers.pop("azure") == headers.pop("azure_chat") == ("api-key", "")
    assert headers.pop("gemini") == headers.pop("vertex") == ("x-goog-api-key", "")
    assert set(headers.values()) == {("Authorization", "Bearer ")}


@each_provider
def test_a_plain_turn_can_be_said_to_each(provider: Provider) -> None:
    items = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]
    request = provider.dialect.encode(Turn(model="m", items=items))
    assert request.body.get("model") == "m" or "/m:" in request.path or "/m/" in request.path
    assert request.path.startswith("/")


@each_provider
def test_quirks_can_be_changed_one_by_one(provider: Provider) -> None:
    if isinstance(provider.dialect, Chat):
        changed = dataclasses.replace(provider.dialect, top_k=not provider.dialect.top_k)
        assert changed.top_k != provider.dialect.top_k
        assert changed.path == provider.dialect.path
