"""The tables of outgoing webhooks: who wants to be told, and what is still to be told."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table

from coach.service.schema import Words, metadata

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Words(32), primary_key=True),
    Column("url", Words(), nullable=False),
    # JSON array of event types
    Column("events", Words(), nullable=False),
    # To sign with; a receiver has the same.
    Column("secret", Words(128), nullable=False),
    # Signs beside the new one up to its end (seconds since 1970), so that a receiver can change over.
    Column("old_secret", Words(128)),
    Column("old_secret_until", Float),
    # active or disabled
    Column("state", Words(16), nullable=False),
    # Why it was disabled; "" when by hand or never.
    Column("reason", Words(), nullable=False),
    Column("created_at", Float, nullable=False),
    # Since when nothing was delivered any more; null when the last delivery went well.
    Column("failing_since", Float),
)
# A row for each event and endpoint; what was delivered is deleted.
webhook_outbox = Table(
    "webhook_outbox",
    metadata,
    # In the order in which it was committed.
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    # The webhook-id: of an event, the same for every endpoint.
    Column("id", Words(64), nullable=False),
    Column("endpoint_id", Words(32), nullable=False),
    Column("call_id", Words(128), nullable=False),
    Column("type", Words(32), nullable=False),
    # What is sent, JSON. Null: made when it is first delivered (a score).
    Column("body", Words()),
    Column("at", Float, nullable=False),
    # waiting or dead
    Column("state", Words(16), nullable=False),
    Column("tries", Integer, nullable=False),
    # Not tried before (seconds since 1970).
    Column("next_at", Float, nullable=False),
    # Which worker delivers it now, and until when it is his.
    Column("lease", Words(32)),
    Column("lease_until", Float),
    # Of the last try: HTTP status (0: no answer) and why it failed.
    Column("status", Integer, nullable=False),
    Column("says", Words(), nullable=False),
    # A number is never given twice.
    sqlite_autoincrement=True,
)
Index("webhook_outbox_once", webhook_outbox.c.endpoint_id, webhook_outbox.c.id, unique=True)
Index(
    "webhook_outbox_due",
    webhook_outbox.c.endpoint_id,
    webhook_outbox.c.state,
    webhook_outbox.c.next_at,
    webhook_outbox.c.n,
)
Index("webhook_outbox_call", webhook_outbox.c.endpoint_id, webhook_outbox.c.call_id, webhook_outbox.c.n)
