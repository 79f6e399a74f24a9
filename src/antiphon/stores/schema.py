"""The tables, once, for every database.

    projects ──< keys                  who may ask
    responses ──< items                what was asked and said; a response may continue an earlier one
    conversations ──< conversation_items   what was said in them; who may write now (stores/conversations.py)
    responses ──  jobs ──< journals    what is made in the background, and the events it has said so far
    deliveries                         what webhooks are to be told of background responses
    answers                            what was answered to requests with an Idempotency-Key
    prompts                            templates of requests
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
    text,
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
    Column("conversation_id", Text),  # that it was made in, which may be deleted since
    Column("conversation_position", Integer),  # of its own first item there; what is before, it was told
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

conversations = Table(
    "conversations",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("metadata", LargeBinary, nullable=False),
    Column("next_position", Integer, nullable=False),  # never given twice
    Column("writer", Text),  # the token of who may append; null: nobody does
    Column("writer_until", BigInteger),  # milliseconds since 1970, by the database's clock
)

conversation_items = Table(
    "conversation_items",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("conversation_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("item_id", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["project_id", "conversation_id"],
        ["conversations.project_id", "conversations.id"],
        ondelete="CASCADE",
    ),
    Index("conversation_items_by_item_id", "project_id", "item_id", "conversation_id", unique=True),
)

jobs = Table(
    "jobs",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),
    Column("key_id", Text, nullable=False),  # whose request it is
    Column("request", LargeBinary, nullable=False),  # empty once the job has ended
    Column("attempts", Integer, nullable=False),  # how often somebody began it
    Column("fence", Integer, nullable=False),  # of who holds it; higher for each holder
    Column(
        "due_at", BigInteger
    ),  # from when it may be taken: now, or when its lease ends; null: it has ended
    Column("cancel_requested", Integer, nullable=False),  # 1: whoever takes it ends it
    Column("created_at", BigInteger, nullable=False),  # this and the others in milliseconds since 1970
    Column("ended_at", BigInteger),
    ForeignKeyConstraint(
        ["project_id", "response_id"], ["responses.project_id", "responses.id"], ondelete="CASCADE"
    ),
    Index(
        "jobs_by_due",
        "project_id",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index("jobs_by_end", "ended_at"),
)

journals = Table(
    "journals",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),
    Column("first", Integer, primary_key=True, autoincrement=False),  # sequence numbers of the batch
    Column("last", Integer, nullable=False),
    Column("events", LargeBinary, nullable=False),  # one JSON text a line
    ForeignKeyConstraint(
        ["project_id", "response_id"], ["jobs.project_id", "jobs.response_id"], ondelete="CASCADE"
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("webhook", Text, primary_key=True),  # its id: a digest of its URL
    Column("event_id", Text, primary_key=True),
    Column("type", Text, nullable=False),  # of the event
    Column("response_id", Text, nullable=False),  # which may be deleted since
    Column("attempts", Integer, nullable=False),  # and the fence of who makes the latest
    Column("due_at", BigInteger),  # milliseconds since 1970; null: it has ended
    Column("created_at", BigInteger, nullable=False),  # likewise
    Column("retained_from", BigInteger, nullable=False),  # from when on its age counts: its end
    Column("outcome", Text),  # "delivered" or "given_up"
    Index(
        "deliveries_by_due",
        "project_id",
        "webhook",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index("deliveries_by_age", "retained_from"),
)

answers = Table(
    "answers",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("route", Text, primary_key=True),  # method and path
    Column("key", Text, primary_key=True),  # what the client calls its request
    Column("fingerprint", LargeBinary, nullable=False),  # SHA-256 of the body
    Column("token", Text, nullable=False),  # of who answers it
    Column("held_until", BigInteger),  # milliseconds since 1970; null: it is answered
    Column("created_at", BigInteger, nullable=False),  # likewise
    Column("status", Integer),
    Column("content_type", Text),
    Column("body", LargeBinary),
    Column("subject", Text),  # the response or conversation whose deletion deletes this too
    Index("answers_by_age", "created_at"),
    Index("answers_by_subject", "project_id", "subject"),
)

prompts = Table(
    "prompts",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),  # from 1
    Column("name", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the template
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
