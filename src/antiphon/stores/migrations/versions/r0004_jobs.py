"""What is made in the background: its jobs, and the journals of its events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _jobs()
    op.create_table(
        "journals",
        sa.Column("project_id", sa.Text, primary_key=True),
        sa.Column("response_id", sa.Text, primary_key=True),
        sa.Column("first", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("events", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "response_id"], ["jobs.project_id", "jobs.response_id"], ondelete="CASCADE"
        ),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("project_id", sa.Text, primary_key=True),
        sa.Column("response_id", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("cancel_requested", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.ForeignKeyConstraint(
            ["project_id", "response_id"], ["responses.project_id", "responses.id"], ondelete="CASCADE"
        ),
    )
    waiting = sa.text("due_at IS NOT NULL")
    op.create_index(
        "jobs_by_due", "jobs", ["project_id", "due_at"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index("jobs_by_end", "jobs", ["ended_at"])
