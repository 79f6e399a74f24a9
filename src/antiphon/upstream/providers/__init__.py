"""Providers that are known by name: one value each, one file each, and this table.

A cloud provider is enabled by its key in the environment; one on this machine, and one whose base URL names
a resource of one's own, by the configuration. Any other is added there, with its dialect and base URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from antiphon.upstream.base import Provider
from antiphon.upstream.providers.anthropic import ANTHROPIC
from antiphon.upstream.providers.azure import AZURE, AZURE_CHAT
from antiphon.upstream.providers.bedrock import BEDROCK, BEDROCK_ANTHROPIC, BEDROCK_OPENAI
from antiphon.upstream.providers.cerebras import CEREBRAS
from antiphon.upstream.providers.cohere import COHERE
from antiphon.upstream.providers.deepseek import DEEPSEEK
from antiphon.upstream.providers.fireworks import FIREWORKS
from antiphon.upstream.providers.gemini import GEMINI
from antiphon.upstream.providers.groq import GROQ
from antiphon.upstream.providers.huggingface import HUGGINGFACE
from antiphon.upstream.providers.llamacpp import LLAMACPP
from antiphon.upstream.providers.lmstudio import LMSTUDIO
from antiphon.upstream.providers.mistral import MISTRAL
from antiphon.upstream.providers.ollama import OLLAMA, OLLAMA_NATIVE
from antiphon.upstream.providers.openai import OPENAI
from antiphon.upstream.providers.openrouter import OPENROUTER
from antiphon.upstream.providers.perplexity import PERPLEXITY
from antiphon.upstream.providers.together import TOGETHER
from antiphon.upstream.providers.vertex import VERTEX
from antiphon.upstream.providers.vertex_anthropic import VERTEX_ANTHROPIC
from antiphon.upstream.providers.vllm import VLLM
from antiphon.upstream.providers.xai import XAI

PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        provider.name: provider
        for provider in (
            OPENAI,
            AZURE,
            AZURE_CHAT,
            ANTHROPIC,
            BEDROCK,
            BEDROCK_ANTHROPIC,
            BEDROCK_OPENAI,
            GEMINI,
            VERTEX,
            VERTEX_ANTHROPIC,
            GROQ,
            DEEPSEEK,
            OPENROUTER,
            MISTRAL,
            XAI,
            TOGETHER,
            FIREWORKS,
            CEREBRAS,
            PERPLEXITY,
            HUGGINGFACE,
            COHERE,
            OLLAMA,
            OLLAMA_NATIVE,
            VLLM,
            LLAMACPP,
            LMSTUDIO,
        )
    }
)
