"""API keys, which were in a file before."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from coach.service.schema import Words

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "api_keys",
        sa.Column("id", Words(32), primary_key=True),
        sa.Column("name", Words(128), nullable=False),
        sa.Column("hash", Words(64), nullable=False, unique=True),
        sa.Column("secret", Words(16), nullable=False),
        sa.Column("tenant", Words(64), nullable=False),
        sa.Column("role", Words(16), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("last_used_at", sa.Float),
        sa.Column("revoked_at", sa.Float),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("api_keys_name", "api_keys", ["name"])
