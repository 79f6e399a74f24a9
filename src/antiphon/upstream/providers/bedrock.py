"""Amazon Bedrock: models of many makers in an AWS account, three ways.

`bedrock` speaks Converse, which all of them know, and is enabled by the environment: AWS_REGION and either
a Bedrock key (AWS_BEARER_TOKEN_BEDROCK) or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. The others are
enabled by the configuration:

    providers:
      bedrock_anthropic:
        aws: {region: eu-central-1}
        api_key: ${AWS_BEARER_TOKEN_BEDROCK}

`bedrock_anthropic` speaks Anthropic's own language to Claude: all that Claude can do, and nobody else. The
tools that Anthropic runs itself are not there.
`bedrock_openai` speaks Chat Completions, for OpenAI's open models (B10), whose thoughts come in tags there.
"""

from __future__ import annotations

from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.anthropic import Anthropic
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.converse import Converse
from antiphon.upstream.filters.reasoning_tags import ReasoningTags

_RUNTIME = "https://bedrock-runtime.{region}.amazonaws.com"

BEDROCK = Provider(
    name="bedrock",
    dialect=Converse(),
    base_url=_RUNTIME,
    key_from="AWS_BEARER_TOKEN_BEDROCK",
)

BEDROCK_ANTHROPIC = Provider(
    name="bedrock_anthropic",
    dialect=Anthropic(platform="bedrock", web_search=None, code_execution=None, mcp=None),
    base_url=_RUNTIME,
)

BEDROCK_OPENAI = Provider(
    name="bedrock_openai",
    dialect=Chat(),
    base_url=f"{_RUNTIME}/openai/v1",
    filters=(ReasoningTags,),
)
