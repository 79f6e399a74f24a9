"""The request: what a client may ask of `POST /v1/responses`, and whether it may ask it.

`create_response` takes the parsed body through four gates, in this order:

    types and ranges      every field of OpenAI's surface and of its relatives (`CreateResponse`, `OPTIONS`)
    items, tools          each against the type it names; kinds we have not met are carried
    sense                 what must not stand together, or needs something beside it
    service               what is known and well-formed, but not served (yet): `UnsupportedParameter`

`null` means the same as leaving a field out. What we act on is typed; objects inside are carried as they
came. Fields nobody has told us about are in `extra`, for upstreams that speak Responses.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from antiphon.protocol.conversations import conversation_id
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.items import brought, check_items
from antiphon.protocol.json import JSON, MalformedJSON
from antiphon.protocol.metadata import check_metadata
from antiphon.protocol.options import OPTIONS, Effort
from antiphon.protocol.schema import check, missing, out_of_range, wrong_length
from antiphon.protocol.tool_choice import check_form, check_offered
from antiphon.protocol.tools import check_tools

Include = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
    "routing",
]
ROUTING = "routing"  # of what can be included, that which the gateway says
LARGEST = 2**31 - 1
Count = Annotated[int, Meta(ge=0, le=LARGEST)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
ModelName = Annotated[str, Meta(min_length=1, max_length=256)]
LONGEST_IDENTIFIER = 128
Identifier = Annotated[str, Meta(max_length=LONGEST_IDENTIFIER)]
Strictness = Literal["lenient", "strict"]
_AUTO = "What `model: auto` chooses from; without it, all listed models."
_ROUTE = "Old name of `providers.sort.partition`: `fallback` is `model`, `sort` is `none`."
_STRICT = "`strict` refuses what cannot be sent exactly as asked; `lenient` lists it in `adaptations`."


class Limits(Struct, frozen=True):
    """Bounds on which the services of this protocol differ, and caps of our own.

    OpenAI wants at least 16 output tokens, others 1; one caps them at 8,000. `user` may have 128, 200 or
    (OpenAI) any number of characters. `store` is true by default at OpenAI, false elsewhere.
    `adaptation` is a field of this gateway alone.
    """

    body_bytes: int = 64 * 1024 * 1024
    max_output_tokens_minimum: int = 1
    max_output_tokens_maximum: int = LARGEST
    user: int = 512  # characters
    store: bool = True  # when the request does not say
    adaptation: Strictness = "lenient"  # likewise
    tools: int = 1000  # in `tools`
    input_items: int = 100_000  # in `input`
    depth: int = 128  # of arrays and objects within one another, the body itself being the first


class CreateResponse(Struct, kw_only=True):
    """A request for one response."""

    model: Annotated[ModelName, Meta(description="`provider/model`, an alias, or `auto`.")]
    input: Annotated[str | list[JSON], Meta(description="Text of the user, or items.")] = ""
    instructions: Annotated[str, Meta(description="Not carried over to the next response.")] | None = None
    previous_response_id: Annotated[str, Meta(description="The response that this one continues.")] | None = (
        None
    )
    stream: Annotated[bool, Meta(description="Answer with server-sent events.")] = False
    stream_options: Annotated[JSON, Meta(description="Only with `stream`.")] | None = None
    store: Annotated[bool, Meta(description="Keep the response for later requests.")] = True
    tools: list[JSON] = field(default_factory=list)
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: Annotated[Count, Meta(description="Of hosted tools, all together.")] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1, le=LARGEST, description="Reasoning included.")] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[Count, Meta(description="For providers that know it.")] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    reasoning: JSON | None = None
    reasoning_effort: Annotated[Effort, Meta(description="The same as `reasoning.effort`.")] | None = None
    text: JSON | None = None
    include: list[Include] = field(default_factory=list)
    truncation: Literal["auto", "disabled"] | None = None
    service_tier: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    metadata: Annotated[JSON, Meta(description="Up to 16 strings of up to 512 characters.")] | None = None
    user: Annotated[str, Meta(description="Who the end user is.")] | None = None
    safety_identifier: Identifier | None = None
    session_id: Annotated[Identifier, Meta(description="Groups requests; beats the header.")] | None = None
    prompt_cache_key: Annotated[str, Meta(max_length=512)] | None = None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None
    prompt_cache_options: JSON | None = None
    cache_control: Annotated[JSON, Meta(description="Cache the prompt as far as it goes.")] | None = None
    moderation: JSON | None = None
    adaptation: Annotated[Strictness, Meta(description=_STRICT)] = "lenient"
    fallbacks: Annotated[list[ModelName], Meta(max_length=3, description="Tried in order.")] | None = None
    models: Annotated[list[ModelName], Meta(max_length=20, description="Tried after them.")] | None = None
    router_candidates: Annotated[list[ModelName], Meta(max_length=1000, description=_AUTO)] | None = None
    providers: Annotated[JSON, Meta(description="Who may answer; see docs/routing.md.")] | None = None
    provider: Annotated[JSON, Meta(description="The same as `providers`.")] | None = None
    route: Annotated[Literal["fallback", "sort"], Meta(description=_ROUTE)] | None = None
    continuation: Annotated[bool, Meta(description="Another target goes on with a broken answer.")] = False
    background: Annotated[bool, Meta(description="Answer at once, and make the response meanwhile.")] = False
    conversation: Annotated[str | JSON, Meta(description="That it is part of, by its id.")] | None = None
    # Known, checked, and not served yet: see `_NOT_SERVED`.
    prompt: JSON | None = None
    context_management: list[JSON] | None = None
    max_cost: Annotated[float, Meta(ge=0)] | None = None
    multi_agent: JSON | None = None
    generate: Annotated[bool, Meta(description="false: only prepare, over a WebSocket.")] = True
    # Not a field of the body: the fields of the body that are none of the above.
    extra: JSON = field(default_factory=dict)


FIELDS = frozenset(CreateResponse.__struct_fields__) - {"extra"}

_NOT_SERVED = {
    "max_cost": "Costs cannot be capped yet: leave 'max_cost' out, and set 'max_output_tokens'.",
}

# Whole numbers that some clients write as 100.0, which JSON Schema takes for an integer too.
_WHOLE = frozenset({"max_output_tokens", "max_tool_calls", "top_k", "top_logprobs"})

# What of it `POST /v1/responses/input_tokens` knows, beside `personality`.
COUNTED = (
    "model",
    "input",
    "instructions",
    "previous_response_id",
    "conversation",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "truncation",
)
Personality = Annotated[str, Meta(max_length=64)]


def input_tokens_request(body: JSON, limits: Limits) -> CreateResponse:
    """The request whose tokens are to be counted: a request for a response, with a personality perhaps.

    The personality stays in `extra`. Raises as `create_response` does.
    """
    if body.get("personality") is not None:
        check(body["personality"], Personality, "personality")
    return create_response(body, limits)


def compact_request(body: JSON, limits: Limits) -> CreateResponse:
    """The request for a compaction: as for a response, of which nothing is streamed or kept.

    Raises as `create_response` does.
    """
    for name in ("stream", "background", "conversation", "context_management"):
        if body.get(name):
            raise UnsupportedParameter(
                f"A compaction knows no '{name}': leave it out. What comes back is the input to go on from.",
                param=name,
            )
    return create_response(body, limits)


def packed(request: CreateResponse) -> bytes:
    """A request that was checked, to be made later: `unpacked` gives back the same."""
    return msgspec.json.encode(request)


def unpacked(data: bytes) -> CreateResponse:
    """Raises MalformedJSON for what `packed` did not make, or that of a version with other fields."""
    try:
        return _unpack.decode(data)
    except msgspec.DecodeError as error:
        raise MalformedJSON(str(error)) from None


_unpack = msgspec.json.Decoder(CreateResponse)

# Without any of these fields there is nothing that might not be served.
_DOUBTFUL = frozenset(_NOT_SERVED) | {"background", "multi_agent", "generate", "prompt_cache_options"}


def create_response(body: JSON, limits: Limits, *, may_prepare: bool = False) -> CreateResponse:
    """The request in `body`, checked. Raises InvalidRequest; UnsupportedParameter for what is not served.

    `may_prepare`: `generate: false` is served, as it is over a WebSocket.
    """
    request = _typed(body)
    for name, kind in OPTIONS.items():
        if (value := body.get(name)) is not None:
            check(value, kind, name)
    if request.metadata is not None:
        check_metadata(request.metadata)
    _check_limits(request, limits)
    if body.get("store") is None:
        request.store = limits.store
    if body.get("adaptation") is None:
        request.adaptation = limits.adaptation
    if isinstance(request.input, list):
        check_items(request.input)
    check_tools(request.tools)
    if request.tool_choice is not None:
        _check_tool_choice(request)
    _check_sense(request, body)
    conversation_id(request.conversation)
    _check_served(request, body, may_prepare)
    return request


def _typed(body: JSON) -> CreateResponse:
    known, extra = JSON(), JSON()
    for name, value in body.items():
        if name not in FIELDS:
            extra[name] = value
        elif value.__class__ is float and name in _WHOLE and value.is_integer():
            known[name] = int(value)
        elif value is not None:
            known[name] = value
    known["extra"] = extra
    request: CreateResponse = check(known, CreateResponse, "")
    return request


def _check_limits(request: CreateResponse, limits: Limits) -> None:
    tokens = request.max_output_tokens
    if tokens is not None and tokens < limits.max_output_tokens_minimum:
        raise out_of_range("max_output_tokens", "int", ">=", limits.max_output_tokens_minimum, tokens)
    if tokens is not None and tokens > limits.max_output_tokens_maximum:
        raise out_of_range("max_output_tokens", "int", "<=", limits.max_output_tokens_maximum, tokens)
    if request.user is not None and len(request.user) > limits.user:
        raise wrong_length("user", "str", "<=", limits.user, len(request.user))
    if len(request.tools) > limits.tools:
        raise wrong_length("tools", "array", "<=", limits.tools, len(request.tools))
    if isinstance(request.input, list) and len(request.input) > limits.input_items:
        raise wrong_length("input", "array", "<=", limits.input_items, len(request.input))


def _check_tool_choice(request: CreateResponse) -> None:
    """The form always; whether it is offered only when no earlier response can have brought tools."""
    check_form(request.tool_choice)
    if request.previous_response_id is None and request.conversation is None:
        items = request.input if isinstance(request.input, list) else []
        check_offered(request.tool_choice, request.tools + brought(items))


def _check_sense(request: CreateResponse, body: JSON) -> None:
    if request.previous_response_id is not None and request.conversation is not None:
        raise InvalidRequest(
            "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Give only one.",
            code="mutually_exclusive_parameters",
            param="conversation",
        )
    if request.stream_options is not None and not request.stream:
        raise InvalidRequest(
            "Invalid 'stream_options': it is only allowed when 'stream' is true.",
            code="invalid_value",
            param="stream_options",
        )
    if request.provider is not None and request.providers is not None:
        raise InvalidRequest(
            "Mutually exclusive parameters: 'provider' and 'providers', which are the same. Give only one.",
            code="mutually_exclusive_parameters",
            param="provider",
        )
    _fold_effort(request)
    needs = (
        request.input,
        request.previous_response_id,
        request.instructions,
        request.conversation,
        request.prompt,
    )
    if request.generate and not any(needs):
        raise missing("input")


def _fold_effort(request: CreateResponse) -> None:
    """Some clients say the effort at the top level."""
    effort = request.reasoning_effort
    if effort is None:
        return
    reasoning = request.reasoning or {}
    if reasoning.get("effort") not in (None, effort):
        raise InvalidRequest(
            "Invalid 'reasoning_effort': it differs from 'reasoning.effort'. Give only one.",
            code="invalid_value",
            param="reasoning_effort",
        )
    request.reasoning = {**reasoning, "effort": effort}


def _check_served(request: CreateResponse, body: JSON, may_prepare: bool) -> None:
    if _DOUBTFUL.isdisjoint(body):
        return
    for name, sentence in _NOT_SERVED.items():
        value = getattr(request, name)
        if value is not None and value is not False and value not in ([], {}):
            raise UnsupportedParameter(sentence, param=name)
    _check_background(request)
    if request.multi_agent is not None and request.multi_agent["enabled"]:
        raise UnsupportedParameter("Multi-agent responses are not served yet.", param="multi_agent")
    if not request.generate and not may_prepare:
        raise UnsupportedParameter(
            "Nothing can be prepared over HTTP: leave 'generate' out.", param="generate"
        )
    options = request.prompt_cache_options or {}
    for name in ("prewarm", "comparison_response_id"):
        if options.get(name):
            raise UnsupportedParameter(
                f"'prompt_cache_options.{name}' is not served: leave it out.",
                param=f"prompt_cache_options.{name}",
            )


def _check_background(request: CreateResponse) -> None:
    if request.background and not request.store:
        raise UnsupportedParameter(
            "A background response is stored, or nobody could ask for it: send 'store': true, or leave "
            "'background' out.",
            param="background",
        )
