"""Who did what, in a table that is only added to, and which calls a customer had."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from coach.service.schema import Words
from coach.service.schema_audit import APPEND_ONLY

revision: Final = "0006"
down_revision: Final = "0005"


def upgrade() -> None:
    """Make the table with its triggers, and add the column."""
    op.create_table(
        "audit",
        sa.Column(
            "n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("who", Words(128), nullable=False),
        sa.Column("role", Words(16), nullable=False),
        sa.Column("address", Words(64), nullable=False),
        sa.Column("action", Words(32), nullable=False),
        sa.Column("target", Words(), nullable=False),
        sa.Column("details", Words(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_at", "audit", ["at"])
    op.create_index("audit_who", "audit", ["who", "n"])
    op.create_index("audit_action", "audit", ["action", "n"])
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
    op.add_column("calls", sa.Column("customer", Words(80)))
    op.create_index("calls_customer", "calls", ["customer"])
