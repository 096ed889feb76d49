"""The tables as they were when revisions began: version 4 of a SQLite file."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from coach.service.schema import Words

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "calls",
        sa.Column("call_id", Words(128), primary_key=True),
        sa.Column("agent_id", Words(128), nullable=False),
        sa.Column("started_at", sa.Float, nullable=False),
        sa.Column("slots", Words(), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("ended_ms", sa.Integer),
    )
    op.create_table(
        "utterances",
        sa.Column("call_id", Words(128), primary_key=True),
        sa.Column("utterance_id", Words(128), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("speaker", Words(16), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("start_ms", sa.Integer, nullable=False),
        sa.Column("end_ms", sa.Integer, nullable=False),
    )
    op.create_table(
        "advice",
        sa.Column("id", Words(128), primary_key=True),
        sa.Column("call_id", Words(128), nullable=False),
        sa.Column("utterance_id", Words(128), nullable=False),
        sa.Column("rule", Words(128), nullable=False),
        sa.Column("category", Words(64), nullable=False),
        sa.Column("severity", Words(16), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("quote", Words(), nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("suggestions", Words(), nullable=False),
        sa.Column("why", Words(), nullable=False),
        sa.Column("by_sound", sa.Boolean, nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("digest", Words(64), nullable=False),
        sa.Column("outcome", Words(16)),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
    )
    op.create_table(
        "feedback",
        sa.Column("advice_id", Words(128), primary_key=True),
        sa.Column("kind", Words(16), primary_key=True),
        sa.Column("value", Words(128), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "moments",
        sa.Column("id", Words(128), primary_key=True),
        sa.Column("call_id", Words(128), nullable=False),
        sa.Column("utterance_id", Words(128), nullable=False),
        sa.Column("kind", Words(64), nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("details", Words(), nullable=False),
    )
    op.create_table(
        "snoozes",
        sa.Column("call_id", Words(128), primary_key=True),
        sa.Column("rule", Words(128), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("quiet", sa.Boolean, nullable=False),
    )
    op.create_table(
        "decisions",
        sa.Column("id", Words(32), primary_key=True),
        sa.Column("review_id", Words(32), nullable=False),
        sa.Column("call_id", Words(128), nullable=False),
        sa.Column("place", Words(128), nullable=False),
        sa.Column("rule", Words(128), nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("agent_id", Words(128), nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("digest", Words(64), nullable=False),
        sa.Column("verdict", Words(16), nullable=False),
        sa.Column("state", Words(16), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "decision_history",
        sa.Column("decision_id", Words(32), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("kind", Words(16), nullable=False),
        sa.Column("verdict", Words(16), nullable=False),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("who", Words(128), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "batch_answers",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("identity", Words(64), nullable=False, unique=True),
        sa.Column("body", Words(64), nullable=False),
        sa.Column("acked", sa.Integer),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("batch_answers_at", "batch_answers", ["at"])
    op.create_index("advice_rule", "advice", ["rule", "withdrawn"])
    op.create_index("decisions_rule", "decisions", ["rule", "at"])
    op.create_index("decisions_call", "decisions", ["call_id"])
    op.create_index("decisions_review", "decisions", ["review_id"])
    op.create_index("advice_call", "advice", ["call_id"])
    op.create_index("moments_call", "moments", ["call_id"])
    is_open = sa.text("ended_ms IS NULL")
    op.create_index("calls_open", "calls", ["started_at"], sqlite_where=is_open, postgresql_where=is_open)
