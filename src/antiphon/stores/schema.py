"""The tables, once, for every database.

    projects ──< keys                  who may ask
    responses ──< items                what was asked and said; a response may continue an earlier one
    attempts                           the ledger: every call to a provider, and what it cost
    probe                              what `Driver.ready` writes to learn whether it can

Bodies are the bytes of JSON texts (BLOB, bytea), never the database's own JSON type, which refuses
U+0000 and reorders keys. Everything that belongs to somebody carries `project_id` and begins its keys
with it, so that no statement can be written that finds a row by id alone.

`alembic_version` (whose row is the revision of the schema) is alembic's own. A change here needs a
migration in `migrations/versions`; a test compares what the migrations build with these tables.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

DEFAULT_PROJECT = "default"  # made by the first migration

metadata = MetaData()

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("project_id", Text, ForeignKey("projects.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # HMAC-SHA256 of the key
    Column("prefix", Text, nullable=False),  # its first characters, to tell keys apart in a list
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("keys_by_digest", "digest", unique=True),
)

responses = Table(
    "responses",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("previous_response_id", Text),
    Column("status", Text),
    Column("model", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the response object without `output`
    Index("responses_by_age", "project_id", "created_at"),
)

items = Table(
    "items",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),  # input first, then output
    Column("kind", Text, nullable=False),  # "input" or "output"
    Column("item_id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["project_id", "response_id"], ["responses.project_id", "responses.id"], ondelete="CASCADE"
    ),
    Index("items_by_item_id", "project_id", "item_id"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),  # which may not be stored, or be deleted since
    Column("number", Integer, primary_key=True, autoincrement=False),  # of the call, from 1
    Column("key_id", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("began_at", BigInteger, nullable=False),  # milliseconds since 1970
    Column("milliseconds", BigInteger, nullable=False),
    Column("first_event", BigInteger),  # milliseconds
    Column("outcome", Text, nullable=False),
    Column("code", Text),
    Column("status", Integer),
    Column("service_tier", Text),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("cache_write_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("cost", BigInteger),  # nano-US-dollars; null: no price is known
    Column("cost_source", Text),
    Index("attempts_by_age", "project_id", "began_at"),
)

probe = Table(
    "probe",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("filler", LargeBinary, nullable=False),
)
