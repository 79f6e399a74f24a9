"""Conversations, their items, and the place of a response in its conversation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("project_id", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("metadata", sa.LargeBinary, nullable=False),
        sa.Column("next_position", sa.Integer, nullable=False),
        sa.Column("writer", sa.Text),
        sa.Column("writer_until", sa.BigInteger),
    )
    op.create_table(
        "conversation_items",
        sa.Column("project_id", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "conversation_id"],
            ["conversations.project_id", "conversations.id"],
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "conversation_items_by_item_id",
        "conversation_items",
        ["project_id", "item_id", "conversation_id"],
        unique=True,
    )
    op.add_column("responses", sa.Column("conversation_id", sa.Text))
    op.add_column("responses", sa.Column("conversation_position", sa.Integer))
