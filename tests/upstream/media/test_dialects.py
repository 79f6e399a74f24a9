"""Which providers take which URLs, after their documentation; the gateway fetches all others."""

from __future__ import annotations

import pytest

from antiphon.protocol.json import JSON
from antiphon.upstream.base import Dialect
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.gemini import Gemini
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.providers import PROVIDERS

URLS: dict[str, JSON] = {
    "image": {"type": "input_image", "image_url": "https://a.example/a.png"},
    "screen": {"type": "computer_screenshot", "image_url": "https://a.example/a.png"},
    "pdf": {"type": "input_file", "file_url": "https://a.example/a.PDF?x=1"},
    "nameless": {"type": "input_file", "file_url": "https://a.example/v1.2/files/17"},
    "text": {"type": "input_file", "file_url": "https://a.example/a.txt"},
}
IMAGES, FILES = {"image", "screen"}, {"pdf", "nameless", "text"}
ALL, NONE = IMAGES | FILES, IMAGES & FILES

TAKEN: dict[str, set[str]] = {
    **dict.fromkeys(["openai", "azure", "xai", "mistral", "openrouter"], ALL),
    "azure_chat": IMAGES,
    "anthropic": IMAGES | {"pdf", "nameless"},
    "gemini": ALL - {"nameless"},
    "vertex": ALL - {"nameless"},
    "cohere": IMAGES,
    **dict.fromkeys(["bedrock", "bedrock_anthropic", "vertex_anthropic", "ollama_native"], NONE),
    # these take no files at all, and refuse them
    **dict.fromkeys(["groq", "together", "fireworks", "perplexity", "huggingface", "vllm", "llamacpp"], ALL),
    **dict.fromkeys(["bedrock_openai", "deepseek"], ALL),
    **dict.fromkeys(["cerebras", "ollama", "lmstudio"], FILES),
}
MODELS = {"gemini": "gemini-3-pro", "vertex": "gemini-2.0-flash"}


def taken(dialect: Dialect, model: str) -> set[str]:
    return {name for name, part in URLS.items() if dialect.takes_url(part, model)}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_gets_the_urls_that_it_takes(provider: str) -> None:
    assert taken(PROVIDERS[provider].dialect, MODELS.get(provider, "model")) == TAKEN[provider]


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (Anthropic(urls=False), set()),
        (Anthropic(platform="bedrock", urls=True), IMAGES | {"pdf", "nameless"}),
        (Responses(image_urls=False), FILES),
        (Responses(file_urls=False), IMAGES),
        (Chat(image_urls=False, files="data"), set()),
        (Chat(image_urls=False, images=False), ALL),  # and refuses them
    ],
)
def test_a_quirk_says_otherwise(dialect: Dialect, expected: set[str]) -> None:
    assert taken(dialect, "model") == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://generativelanguage.googleapis.com/v1beta/files/a",
        "https://www.youtube.com/watch?v=a",
        "https://youtu.be/a",
    ],
)
@pytest.mark.parametrize("model", ["gemini-2.0-flash", "gemini-3-pro"])
def test_gemini_gets_what_google_has(url: str, model: str) -> None:
    assert Gemini().takes_url({"type": "input_file", "file_url": url}, model)


def test_an_old_gemini_fetches_nothing() -> None:
    assert taken(Gemini(), "gemini-2.0-flash") == set()
