"""The plan: a request, its history and a target, made into what a run needs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from antiphon.core.history import check_calls, with_call_ids
from antiphon.core.records import Target
from antiphon.core.turn import Turn
from antiphon.engine.places import Places, places_of
from antiphon.protocol.items import COMPACTION_TRIGGER, split
from antiphon.protocol.json import JSON
from antiphon.protocol.request import ROUTING, CreateResponse
from antiphon.protocol.response import begun, without_secrets
from antiphon.protocol.tool_choice import check_offered


class Plan(Struct, frozen=True):
    """One response to be made.

    `own_input` holds the items of this request alone, as they are stored: each with an id, without
    secrets. `strict`: nothing may be adapted. `continues`: another target may go on with what one said.
    """

    turn: Turn  # for the first target
    response: JSON
    own_input: list[JSON]
    store: bool
    reveal_sealed: bool
    places: Places
    strict: bool
    continues: bool = False
    generates: bool = True  # or only prepares what a later one continues
    context: Sequence[JSON] = ()  # the history and the input, for who continues it without a store
    routing: JSON | None = None  # why it is asked of whom; kept with the response
    reveal_routing: bool = False
    first_sequence: int = 0  # the number of its first event; those before were said elsewhere


def turn_of(request: CreateResponse, target: Target, items: list[JSON]) -> Turn:
    """What the model is asked; `items` are the history and the input. Raises InvalidRequest.

    Tools that came as items, in this request or before, are offered beside the request's own.
    """
    said, added = split(items)
    compacts = bool(said) and said[-1]["type"] == COMPACTION_TRIGGER
    tools = [*request.tools, *(tool for tool in added if tool not in request.tools)]
    if request.tool_choice is not None:
        check_offered(request.tool_choice, tools)
    return Turn(
        model=target.model,
        items=said[:-1] if compacts else said,
        stream=bool(request.stream),
        instructions=request.instructions,
        tools=tools,
        tool_choice=request.tool_choice,
        parallel_tool_calls=request.parallel_tool_calls,
        max_output_tokens=request.max_output_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        top_logprobs=request.top_logprobs,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        reasoning=request.reasoning,
        text=request.text,
        include=[wish for wish in request.include if wish != ROUTING],
        service_tier=request.service_tier,
        truncation=request.truncation,
        compaction="only" if compacts else None,
        max_tool_calls=request.max_tool_calls,
        metadata=request.metadata,
        user=request.user,
        safety_identifier=request.safety_identifier,
        prompt_cache_key=request.prompt_cache_key,
        prompt_cache_retention=request.prompt_cache_retention,
        prompt_cache_options=request.prompt_cache_options,
        cache_control=request.cache_control,
        moderation=request.moderation,
        extra=request.extra,
    )


def places_in(request: CreateResponse, history: Sequence[JSON], own_input: Sequence[JSON]) -> Places:
    """Where in the request the items and tools of a turn stand that `turn_of` made."""
    origin = "previous_response_id" if request.conversation is None else "conversation"
    return places_of(history, own_input, request.tools, origin)


def plan(
    request: CreateResponse,
    *,
    target: Target,
    history: Sequence[JSON],
    own_input: Sequence[JSON],
    new_id: Callable[[str], str],
    created_at: int,
    routing: JSON | None = None,
) -> Plan:
    """`target` is the first to be asked. Raises InvalidRequest when calls and outputs do not match."""
    items = with_call_ids([*history, *own_input])
    own_input = items[len(history) :]
    check_calls(items)
    response = begun(
        request,
        response_id=new_id("response"),
        created_at=created_at,
        provider=target.provider,
        model=request.model,
    )
    return Plan(
        turn=turn_of(request, target, items),
        response=response,
        own_input=[as_stored(item, new_id) for item in own_input if _is_kept(item)] if request.store else [],
        store=request.store,
        reveal_sealed="reasoning.encrypted_content" in (request.include or ()),
        places=places_in(request, history, own_input),
        strict=request.adaptation == "strict",
        generates=request.generate,
        context=items,
        continues=request.continuation and not _is_shaped(request.text),
        routing=routing,
        reveal_routing=ROUTING in request.include,
    )


def _is_shaped(text: JSON | None) -> bool:
    """Whether the answer must have a shape, of which nobody could say a half."""
    return ((text or {}).get("format") or {}).get("type") not in (None, "text")


def _is_kept(item: JSON) -> bool:
    return bool(item["type"] != COMPACTION_TRIGGER)


def as_stored(item: JSON, new_id: Callable[[str], str]) -> JSON:
    """The item of a client as it is kept: with an id of ours, without secrets."""
    stored = {**item, "id": new_id(item["type"])}
    if isinstance(tools := item.get("tools"), list):
        stored["tools"] = [without_secrets(tool) for tool in tools]
    return stored
