"""What the gateway answers, as types: the source of the answers' schemas in the OpenAPI document.

Nothing is made from these types; the objects themselves are plain JSON, so that fields of an upstream
survive. The tests hold real answers against the schemas. Fields without a default are always there.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from antiphon.core.adaptations import Action
from antiphon.core.records import CostSource
from antiphon.protocol.json import JSON

Seconds = Annotated[int, Meta(description="Seconds since 1970.")]
Tokens = Annotated[int, Meta(ge=0)]
ItemStatus = Literal["in_progress", "completed", "incomplete"]


class Answer(Struct, kw_only=True):
    """The ground of all answers: fields by name, in any order."""


class InputTokensDetails(Answer):
    """Of which: read from a cache, written to one."""

    cached_tokens: Tokens
    cache_write_tokens: Tokens


class OutputTokensDetails(Answer):
    """Of which: thoughts."""

    reasoning_tokens: Tokens


class Usage(Answer):
    """Tokens of the whole response, over all its turns."""

    input_tokens: Tokens
    input_tokens_details: InputTokensDetails
    output_tokens: Tokens
    output_tokens_details: OutputTokensDetails
    total_tokens: Tokens


class ResponseError(Answer):
    """Why a response failed."""

    code: str
    message: str


class IncompleteDetails(Answer):
    """Why a response ended early."""

    reason: Annotated[str, Meta(description="`max_output_tokens`, `content_filter`, or a provider's own.")]


class MessageOutput(Answer):
    """What the model said. Parts: `output_text` and `refusal`."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    status: ItemStatus
    content: list[JSON]


class FunctionCallOutput(Answer):
    """The model calls a function. `arguments` is JSON text."""

    id: str
    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str
    status: ItemStatus
    namespace: str | UnsetType = UNSET


class CustomToolCallOutput(Answer):
    """The model calls a custom tool. `input` is any text."""

    id: str
    type: Literal["custom_tool_call"]
    call_id: str
    name: str
    input: str
    status: ItemStatus
    namespace: str | UnsetType = UNSET


class ReasoningOutput(Answer):
    """What the model thought: for readers in `summary`, word for word in `content`."""

    id: str
    type: Literal["reasoning"]
    summary: list[JSON]
    content: list[JSON] | UnsetType = UNSET
    encrypted_content: Annotated[str, Meta(description="When asked for by `include`.")] | UnsetType = UNSET


class Adapted(Answer):
    """What of the request could not be sent as asked, or of the answer told as it came, and what was done."""

    param: Annotated[
        str, Meta(description="Its path in the request (`[*]`: many indexes), or `output` for the answer.")
    ]
    action: Annotated[Action, Meta(description="`translated`: said in another form.")]
    detail: str


class CostDetails(Answer):
    """Where a cost comes from, and of which: input, output, and tools that the provider ran; US dollars."""

    currency: Literal["USD"]
    source: Annotated[CostSource, Meta(description="`estimate`: somebody counted no tokens.")]
    attempts: Annotated[int, Meta(ge=1, description="Calls to providers, failed ones too.")]
    input: float
    output: float
    tools: float


class Considered(Answer):
    """A target that was thought of. Prices in US dollars for a million tokens."""

    target: str
    dropped: Annotated[str, Meta(description="Why it may not answer.")] | None
    input_price: float | None
    output_price: float | None


class Route(Answer):
    """Who is asked, in which order."""

    targets: list[str]
    considered: list[Considered]
    difficulty: Annotated[float, Meta(description="0 to 1, for `model: auto`.")] | UnsetType = UNSET


class Response(Answer):
    """One response: all keys of Open Responses, and `provider`, `cost`, `adaptations` and `conversation`;
    `routing` where it was asked for.
    """

    id: str
    object: Literal["response"]
    created_at: Seconds
    completed_at: Seconds | None
    status: Literal["completed", "failed", "in_progress", "cancelled", "queued", "incomplete"]
    incomplete_details: IncompleteDetails | None
    error: ResponseError | None
    model: str
    provider: Annotated[str, Meta(description="Who served it.")]
    previous_response_id: str | None
    conversation: JSON | None
    instructions: str | None
    output: list[JSON]
    usage: Usage | None
    cost: Annotated[float, Meta(description="US dollars; null where a price is not known.")] | None
    adaptations: list[Adapted]
    metadata: dict[str, str]
    tools: list[JSON]
    tool_choice: Literal["none", "auto", "required"] | JSON
    parallel_tool_calls: bool
    max_tool_calls: int | None
    max_output_tokens: int | None
    temperature: float
    top_p: float
    top_logprobs: int
    presence_penalty: float
    frequency_penalty: float
    truncation: Literal["auto", "disabled"]
    text: JSON
    reasoning: JSON | None
    background: bool
    store: bool
    service_tier: str
    safety_identifier: str | None
    prompt_cache_key: str | None
    cost_details: CostDetails | UnsetType = UNSET
    routing: Annotated[Route, Meta(description="When asked for by `include`.")] | UnsetType | None = UNSET


class LifecycleEvent(Answer):
    """The response begins, goes on, or (the last event) ends."""

    type: Literal[
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.completed",
        "response.incomplete",
        "response.failed",
    ]
    sequence_number: Annotated[int, Meta(ge=0)]
    response: Response


class ErrorEvent(Answer):
    """Something went wrong; `response.failed` follows."""

    type: Literal["error"]
    sequence_number: Annotated[int, Meta(ge=0)]
    code: str | None
    message: str
    param: str | None


class ItemEvent(Answer):
    """An item is added, or done."""

    type: Literal["response.output_item.added", "response.output_item.done"]
    sequence_number: Annotated[int, Meta(ge=0)]
    output_index: Annotated[int, Meta(ge=0)]
    item: JSON


class ProgressEvent(Answer):
    """Something happens within an item: text, arguments, a search, …"""

    type: Annotated[str, Meta(pattern=r"^response\.[a-z_]+\.[a-z_.]+$")]
    sequence_number: Annotated[int, Meta(ge=0)]
    output_index: Annotated[int, Meta(ge=0)]
    item_id: str


class ContinuationEvent(Answer):
    """One target broke off, and another goes on with its words; only where `continuation` is asked for."""

    type: Literal["antiphon:continuation"]
    sequence_number: Annotated[int, Meta(ge=0)]
    after: Annotated[str, Meta(description="`provider/model` that broke off.")]
    by: Annotated[str, Meta(description="`provider/model` that goes on.")]
    characters: Annotated[int, Meta(ge=0, description="Of text, that were said before.")]
    code: Annotated[str, Meta(description="What went wrong.")] | None


class Deleted(Answer):
    """The response is gone."""

    id: str
    object: Literal["response"]
    deleted: Literal[True]


class InputItemList(Answer):
    """A page of the items that a response was asked with, or that a conversation has."""

    object: Literal["list"]
    data: list[JSON]
    first_id: str | None
    last_id: str | None
    has_more: bool


class CompactedConversation(Answer):
    """What a conversation goes on from: the next input, with what is new behind it."""

    id: str
    object: Literal["response.compaction"]
    created_at: int
    model: str
    output: Annotated[list[JSON], Meta(description="Messages as they were, and one `compaction`.")]
    usage: Usage | None
    cost: Annotated[float | None, Meta(description="US dollars; null where no price is known.")]


class InputTokenCount(Answer):
    """How many tokens the input has."""

    object: Literal["response.input_tokens"]
    input_tokens: Tokens


class Measured(Answer):
    """Of the latest requests that were measured."""

    p50: float
    p90: float
    p99: float


class AliasMember(Answer):
    """A model that an alias stands for, and how much of the requests it should get beside the others."""

    model: str
    weight: float


class Model(Answer):
    """A model that can be asked for, or an alias of one or several, of which it says what holds for all.

    null is what nobody knows. `pricing` is in US dollars: for a million tokens (`input`, `output`,
    `cached_input`, …), for a thousand calls (`web_search`, …); under `above`, for requests with more input.
    """

    id: Annotated[str, Meta(description="`provider/model`, or an alias.")]
    object: Literal["model"]
    created: Seconds
    owned_by: str
    context_window: Tokens | None
    max_output_tokens: Tokens | None
    capabilities: Annotated[list[str], Meta(description="`tools`, `reasoning`, `image`, …")] | None
    pricing: JSON | None
    status: Literal["closed", "open", "half_open", "cooling"]
    latency: Annotated[Measured, Meta(description="Seconds to the first event.")] | None
    throughput: Annotated[Measured, Meta(description="Tokens a second.")] | None
    members: Annotated[list[AliasMember], Meta(description="Of an alias.")] | UnsetType = UNSET


class ModelList(Answer):
    """All models that are known by name."""

    object: Literal["list"]
    data: list[Model]
    models: Annotated[list[JSON], Meta(description="With `client_version`: empty.")] | UnsetType = UNSET


class Health(Answer):
    """The gateway is well."""

    status: Literal["ok"]


class ErrorBody(Answer):
    """What went wrong: `code` for programs, `message` for people, `param` the field it is about."""

    message: str
    type: Literal["invalid_request_error", "rate_limit_error", "server_error"]
    param: str | None
    code: str | None


class Error(Answer):
    """Every answer that is not a success."""

    error: ErrorBody


ANSWERS: tuple[type[Struct], ...] = (
    LifecycleEvent,
    ErrorEvent,
    ItemEvent,
    ProgressEvent,
    ContinuationEvent,
    MessageOutput,
    FunctionCallOutput,
    CustomToolCallOutput,
    ReasoningOutput,
    Deleted,
    InputItemList,
    CompactedConversation,
    InputTokenCount,
    Route,
    ModelList,
    Health,
    Error,
)
