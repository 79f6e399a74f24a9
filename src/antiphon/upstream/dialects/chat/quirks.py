"""What a server that speaks Chat Completions takes, and in which words.

Everybody's dialect is a little different. Each field of Quirks is one difference; the defaults are what
most servers take, so that an unknown one works without any. They are also the names under `quirks:` of a
provider in antiphon.yaml. Where the figures come from: the recordings (the C rows of their table) and the
providers' own documentation; each provider's file says what is special about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """The differences between providers. A field named like one of the wire says: it is understood."""

    path: str = "/chat/completions"
    """Appended to the base URL; `{model}` stands for the model's name (deployments of Azure)."""

    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every request: objects are joined with what stands there, anything else takes its place."""

    # Messages

    developer_role: bool = False
    """Developer messages (and instructions) keep their role; otherwise they are said as system messages."""

    system_first: bool = True
    """Only the first message may be a system message: leading ones are joined, later ones said as user."""

    alternate_roles: bool = False
    """The chat template wants user and assistant in turn: neighbours of one role are joined."""

    user_after_tool: bool = True
    """A user message may follow a tool message; otherwise a word of the assistant stands between them."""

    user_last: bool = False
    """The last message must be the user's or a tool's; after any other the user says `Continue.`"""

    prefill: Literal["none", "prefix", "continue_final_message"] = "none"
    """How the model goes on with its own last message: by a mark on it (Mistral), or fields (vLLM)."""

    images: bool = True
    """Images may be in user messages."""

    image_urls: bool = True
    """Images may be URLs; otherwise they are sent as data, and the gateway fetches them."""

    files: Literal["none", "data", "data_or_url", "document_url"] = "none"
    """How files are sent: as OpenAI's `file` part (with data alone, or a URL too), or as Mistral's part."""

    file_ids: bool = False
    """Files may be named by the ids of the server's own files API."""

    tool_media: bool = False
    """Images and files may be in tool messages; otherwise a user message after them brings them."""

    cache_control: bool = False
    """`cache_control`, on content parts and for the request as a whole."""

    # Reasoning

    reasoning: Literal["none", "effort", "object", "thinking", "template"] = "effort"
    """Effort goes into `reasoning_effort`, `reasoning`, `thinking` (DeepSeek) or `chat_template_kwargs`."""

    replay: Literal[
        "none", "reasoning", "reasoning_content", "reasoning_details", "content", "extra_content"
    ] = "none"
    """Where earlier thoughts go back in an assistant message ("content": as parts before the text;
    "extra_content": Gemini's signatures alone, on the message and on calls)."""

    needs_thoughts: bool = False
    """The field of thoughts must be in each assistant message, empty where another model spoke."""

    # Tools

    tools: bool = True
    """Function tools."""

    custom_tools: bool = False
    """Tools with freeform input, as OpenAI has them."""

    tool_choice: Literal["named", "required", "auto"] = "named"
    """The strongest form that is obeyed: a named function, "required", or none of the field ("auto")."""

    call_ids: Literal["any", "short", "nine"] = "any"
    """Ids of calls may be any, at most 40 characters (OpenAI), or nine letters and digits (Mistral)."""

    allowed_tools: bool = False
    """`tool_choice` with a list of allowed tools; otherwise only these are offered."""

    parallel_tool_calls: bool = True
    strict: bool = True
    """`strict` on function tools."""

    web_search: Literal["none", "options", "server_tool", "always"] = "none"
    """What a web_search tool becomes: OpenAI's `web_search_options`, a tool of OpenRouter's, or settings."""

    built_in_tools: bool = False
    """It runs tools of its own, as Groq does: `browser_search` and `code_interpreter` for GPT-OSS, and
    whatever a compound system likes. A web search and a code interpreter are met by them."""

    # Output

    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The name of the field that limits the output."""

    json_schema: bool = True
    """`response_format` with a schema; otherwise JSON is asked for, and the schema told in words."""

    json_object: bool = True
    """`response_format` json_object; otherwise a schema that any object meets stands for it."""

    stream_options: bool = True
    """`stream_options: {include_usage: true}`; some send usage unasked and refuse the field."""

    logprobs: bool = True
    verbosity: bool = False

    # Other fields of the request

    penalties: bool = True
    """`presence_penalty` and `frequency_penalty`."""

    top_k: bool = False
    service_tier: bool = False
    user: bool = True
    safety_identifier: bool = False
    prompt_cache_key: bool = False
    prompt_cache_retention: bool = False
    prompt_cache_options: bool = False
    """`prompt_cache_options`, and `prompt_cache_breakpoint` on content parts."""

    moderation: bool = False
    store: bool = False
    """`store: false`: the provider is told to keep nothing."""
