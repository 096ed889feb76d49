"""Whose supervisors see a call, what its agent is called, and what supervisors whispered."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from coach.service.schema import Words

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Add the columns, their index and the table."""
    op.add_column("calls", sa.Column("team", Words(128)))
    op.add_column("calls", sa.Column("agent_name", Words(40), nullable=False, server_default=""))
    op.create_index("calls_team", "calls", ["team", "started_at"])
    op.create_table(
        "whispers",
        sa.Column("call_id", Words(128), primary_key=True),
        sa.Column("id", Words(128), primary_key=True),
        sa.Column("text", Words(), nullable=False),
        sa.Column("sender", Words(128), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("read_at", sa.Float),
    )
