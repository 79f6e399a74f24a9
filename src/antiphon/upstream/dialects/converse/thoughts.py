"""How a model is told to think, in the words of its family.

    thinking (Claude)       {"thinking": {"type": "enabled", "budget_tokens": n}}, for older ones
                            {"thinking": {"type": "adaptive"}} and `outputConfig.effort`
    reasoningConfig (Nova)  {"type": "enabled", "maxReasoningEffort": low | medium | high}
    reasoning_effort        {"reasoning_effort": low | medium | high}

All but `outputConfig` stand among the additional fields. Nova's high effort takes no bound of the output: if
there is one, it thinks with less.
"""

from __future__ import annotations

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.json import JSON
from antiphon.upstream.claude.models import BINDING_CONTROLS, Abilities
from antiphon.upstream.dialects.converse.arrange import answers_without_thoughts
from antiphon.upstream.dialects.converse.families import Family
from antiphon.upstream.dialects.converse.tools import Offer

ADDITIONAL = "additionalModelRequestFields"
"""Where Converse takes the fields of one model."""

_BUDGETS = {"minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 16_384, "xhigh": 24_576, "max": 32_000}
_LEAST_BUDGET = 1_024  # tokens; Claude takes no less
_DEFAULT_LIMIT = 8_192  # tokens


def think(turn: Turn, family: Family, offer: Offer, body: JSON, adapted: Adaptations) -> None:
    """Adds to the body what the turn asks of thoughts. Its messages, tools and bounds stand there already."""
    reasoning = turn.reasoning or {}
    effort = reasoning.get("effort")
    if effort is not None and effort != "none" and effort not in _BUDGETS:
        adapted.dropped("reasoning.effort", NOT_OFFERED)
        effort = None
    wants_summary = bool(reasoning.get("summary") or reasoning.get("generate_summary"))
    if family.claude is not None:
        _think_as_claude(family.claude, effort, wants_summary, offer, body, adapted)
    elif effort is not None and family.reasoning == "none":
        if effort != "none":
            adapted.dropped("reasoning.effort", NOT_OFFERED)
    elif effort == "none":
        if family.reasoning == "reasoning_effort":
            adapted.dropped("reasoning.effort", "this model is not told to think, and may")
    elif effort is not None:
        _think_by_effort(effort, family, body, adapted)


def _think_by_effort(effort: str, family: Family, body: JSON, adapted: Adaptations) -> None:
    said = _nearest(effort, family.efforts)
    if family.reasoning == "reasoningConfig" and said == "high" and "inferenceConfig" in body:
        said = "medium"
        adapted.clamped("reasoning.effort", f"{effort} takes no max_output_tokens, sent as {said}")
    elif said != effort:
        adapted.clamped("reasoning.effort", f"{effort} is sent as {said}")
    if family.reasoning == "reasoningConfig":
        _add(body, "reasoningConfig", {"type": "enabled", "maxReasoningEffort": said})
    else:
        _add(body, "reasoning_effort", said)


def _think_as_claude(
    claude: Abilities, effort: str | None, summary: bool, offer: Offer, body: JSON, adapted: Adaptations
) -> None:
    limit = body.get("inferenceConfig", {}).get("maxTokens") or claude.most_tokens or _DEFAULT_LIMIT
    obstacle = _obstacle(claude, offer, body, limit) if effort != "none" else None
    if obstacle is not None and effort is not None:
        adapted.dropped("reasoning.effort", obstacle)
    if obstacle is not None or effort == "none":
        _do_not_think(claude, effort, body, adapted)
    elif claude.thinking == "budget" and effort is not None:
        half = max(_LEAST_BUDGET, limit // 2)  # an answer must fit in as well
        _add(body, "thinking", {"type": "enabled", "budget_tokens": min(_BUDGETS[effort], half)})
    elif claude.thinking == "adaptive":
        _think_adaptively(claude, effort, summary, body, adapted)
    if claude.binds_thoughts and _has_thoughts(body["messages"]):
        thinking = body.setdefault(ADDITIONAL, {}).setdefault("thinking", {"type": "adaptive"})
        thinking["block_binding"] = {"prefix_mismatch_behavior": "drop_block"}
        _add(body, "anthropic_beta", [BINDING_CONTROLS])


def _has_thoughts(messages: list[JSON]) -> bool:
    return any("reasoningContent" in block for message in messages for block in message["content"])


def _obstacle(claude: Abilities, offer: Offer, body: JSON, limit: int) -> str | None:
    """Why there can be no thoughts in this turn, if there is a reason."""
    if claude.thinks == "always":
        return None
    if claude.thinking == "none":
        return "this model does not think"
    if offer.forces:
        return "a forced tool call leaves no room for thoughts"
    if claude.thinking == "budget" and limit <= _LEAST_BUDGET:
        return f"thoughts need max_output_tokens above {_LEAST_BUDGET}"
    if claude.thinking == "budget" and answers_without_thoughts(body["messages"]):
        return "the calls being answered were made without thoughts that this model can read"
    return None


def _do_not_think(claude: Abilities, effort: str | None, body: JSON, adapted: Adaptations) -> None:
    if claude.thinks == "default":
        _add(body, "thinking", {"type": "disabled"})
    elif claude.thinks == "always":
        _set_effort(body, "low")
        adapted.clamped("reasoning.effort", "this model always thinks, none is sent as low")


def _think_adaptively(
    claude: Abilities, effort: str | None, summary: bool, body: JSON, adapted: Adaptations
) -> None:
    if effort is not None:
        said = _nearest(effort, claude.efforts)
        if said != effort:
            adapted.clamped("reasoning.effort", f"{effort} is sent as {said}")
        _set_effort(body, said)
    if effort is not None or summary:
        thinking = {"type": "adaptive", "display": "summarized"} if summary else {"type": "adaptive"}
        _add(body, "thinking", thinking)


def _nearest(effort: str, efforts: tuple[str, ...]) -> str:
    """The effort itself, or the highest one below it, or the lowest there is."""
    order = list(_BUDGETS)
    below = [known for known in efforts if order.index(known) <= order.index(effort)]
    return below[-1] if below else efforts[0]


def _set_effort(body: JSON, effort: str) -> None:
    body.setdefault("outputConfig", {})["effort"] = effort


def _add(body: JSON, name: str, value: object) -> None:
    body.setdefault(ADDITIONAL, {})[name] = value
