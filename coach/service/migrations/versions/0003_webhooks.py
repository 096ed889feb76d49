"""Who is told of what happens in calls, and what is still to be told."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from coach.service.schema import Words

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", Words(32), primary_key=True),
        sa.Column("url", Words(), nullable=False),
        sa.Column("events", Words(), nullable=False),
        sa.Column("secret", Words(128), nullable=False),
        sa.Column("old_secret", Words(128)),
        sa.Column("old_secret_until", sa.Float),
        sa.Column("state", Words(16), nullable=False),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("failing_since", sa.Float),
    )
    op.create_table(
        "webhook_outbox",
        sa.Column(
            "n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("id", Words(64), nullable=False),
        sa.Column("endpoint_id", Words(32), nullable=False),
        sa.Column("call_id", Words(128), nullable=False),
        sa.Column("type", Words(32), nullable=False),
        sa.Column("body", Words()),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("state", Words(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", sa.Float, nullable=False),
        sa.Column("lease", Words(32)),
        sa.Column("lease_until", sa.Float),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("says", Words(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("webhook_outbox_once", "webhook_outbox", ["endpoint_id", "id"], unique=True)
    op.create_index("webhook_outbox_due", "webhook_outbox", ["endpoint_id", "state", "next_at", "n"])
    op.create_index("webhook_outbox_call", "webhook_outbox", ["endpoint_id", "call_id", "n"])
