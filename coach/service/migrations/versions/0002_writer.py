"""Who moved a call last, and the list of calls without SQLite's row numbers."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from coach.service.schema import Words

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Add the column and the indexes."""
    op.add_column("calls", sa.Column("writer", Words(32), nullable=False, server_default=""))
    op.create_index("calls_youngest", "calls", ["started_at", "call_id"])
    op.create_index("calls_agent", "calls", ["agent_id", "started_at", "call_id"])
