"""Chains: what a response continues, as far back as it goes.

A response continues another through `previous_response_id`; the chain from a response to its oldest
ancestor is walked inside the database, by one recursive statement, whatever its length:

    chain(id, previous, depth, …)   depth 0 is the response itself, then its parent, …
    whole                           the oldest row of the chain has no previous: nobody is missing;
                                    and none of them is still to be made in the background

A chain with a missing link (unknown, deleted, another project's, or not made yet) has no history at all: an
answer that silently forgot half of a conversation would be worse than none. The oldest response of a chain
may have been made in a conversation (stores/conversations.py). Then what it was told first are the items of
that conversation before its own; where the conversation is gone, a link is missing.
"""

from __future__ import annotations

from sqlalchemy import (
    CTE,
    ClauseElement,
    ColumnElement,
    FromClause,
    ScalarSelect,
    and_,
    bindparam,
    case,
    func,
    literal,
    select,
    union_all,
)

from antiphon.stores.bodies import joined
from antiphon.stores.schema import conversation_items, conversations, items, responses

LONGEST_CHAIN = 100_000  # a bound for the recursion; a longer chain counts as broken


def _chain() -> CTE:
    """The response and its ancestors, all of the project."""
    first = (
        select(
            responses.c.id,
            responses.c.previous_response_id.label("previous"),
            literal(0).label("depth"),
            responses.c.status.label("status"),
            responses.c.conversation_id.label("conversation"),
            responses.c.conversation_position.label("first"),
        )
        .where(responses.c.project_id == bindparam("project_id"), responses.c.id == bindparam("id"))
        .cte("chain", recursive=True)
    )
    parent = responses.alias("parent")
    return first.union_all(
        select(
            parent.c.id,
            parent.c.previous_response_id,
            first.c.depth + 1,
            parent.c.status,
            parent.c.conversation_id,
            parent.c.conversation_position,
        ).where(
            parent.c.project_id == bindparam("project_id"),
            parent.c.id == first.c.previous,
            first.c.depth < LONGEST_CHAIN,
        )
    )


def select_history() -> ClauseElement:
    """One row: whether nothing of the chain is missing, all its items, and those of the conversation before.

    All are joined.
    """
    chain = _chain()
    of_chain = and_(items.c.project_id == bindparam("project_id"), items.c.response_id == chain.c.id)
    of_all = joined(items.c.body, chain.c.depth.desc(), items.c.position)
    complete = and_(
        chain.c.previous.is_(None), chain.c.conversation.is_(None) | _conversation_is_there(chain)
    )
    has_ended = func.min(case((chain.c.status == "queued", 0), else_=1))
    whole = func.max(case((complete, 1), else_=0)) * has_ended
    return select(whole, of_all, _told_before(chain)).select_from(chain.outerjoin(items, of_chain))


def _conversation_is_there(chain: CTE) -> ColumnElement[bool]:
    return (
        select(conversations.c.id)
        .where(
            conversations.c.project_id == bindparam("project_id"), conversations.c.id == chain.c.conversation
        )
        .correlate(chain)
        .exists()
    )


def _told_before(chain: CTE) -> ScalarSelect[bytes]:
    """The items that the conversation had when the oldest of the chain was made in it, joined."""
    oldest = chain.alias("oldest")
    return (
        select(joined(conversation_items.c.body, conversation_items.c.position))
        .select_from(oldest.join(conversation_items, _before(oldest)))
        .scalar_subquery()
    )


def _before(oldest: FromClause) -> ColumnElement[bool]:
    return and_(
        conversation_items.c.project_id == bindparam("project_id"),
        conversation_items.c.conversation_id == oldest.c.conversation,
        conversation_items.c.position < oldest.c.first,
    )


def select_listing() -> ClauseElement:
    """Which items the response was made from, without their bodies; oldest first.

    Each with the id of the response or the conversation that it is of, and its position there.
    """
    chain = _chain()
    of_chain = and_(
        items.c.project_id == bindparam("project_id"),
        items.c.response_id == chain.c.id,
        (chain.c.depth > 0) | (items.c.kind == "input"),
    )
    of_responses = select(
        items.c.response_id.label("owner"), items.c.position, items.c.item_id, chain.c.depth
    ).select_from(chain.outerjoin(items, of_chain))
    oldest = chain.alias("oldest")
    of_conversation = select(
        conversation_items.c.conversation_id,
        conversation_items.c.position,
        conversation_items.c.item_id,
        literal(LONGEST_CHAIN + 1),
    ).select_from(oldest.join(conversation_items, _before(oldest)))
    listed = union_all(of_responses, of_conversation).subquery("listed")
    return select(listed.c.owner, listed.c.position, listed.c.item_id).order_by(
        listed.c.depth.desc(), listed.c.position
    )
