"""When a call moved last, so that silence is known where no word is stored."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"


def upgrade() -> None:
    """Add the column."""
    op.add_column("calls", sa.Column("moved_at", sa.Float))
