"""The tables of the store, and how an older database becomes a newer one (`PRAGMA user_version`)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

calls = Table(
    "calls",
    metadata,
    Column("call_id", String(128), primary_key=True),
    Column("agent_id", String(128), nullable=False),
    # Seconds since 1970, by the service's clock.
    Column("started_at", Float, nullable=False),
    Column("slots", Text, nullable=False),
    # The last event that is on disk; a writer changes it only from the value it knows.
    Column("seq", Integer, nullable=False),
    Column("ended_ms", Integer),
)
utterances = Table(
    "utterances",
    metadata,
    Column("call_id", String(128), primary_key=True),
    Column("utterance_id", String(128), primary_key=True),
    Column("revision", Integer, nullable=False),
    # Place in the call: the order in which the call's finals are heard again.
    Column("seq", Integer, nullable=False),
    Column("speaker", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
)
advice = Table(
    "advice",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("call_id", String(128), nullable=False),
    Column("utterance_id", String(128), nullable=False),
    Column("rule", String(128), nullable=False),
    Column("category", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("quote", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("suggestions", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("by_sound", Boolean, nullable=False),
    Column("at_ms", Integer, nullable=False),
    # Of the rule set that found it.
    Column("digest", String(64), nullable=False),
    Column("outcome", String(16)),
    Column("withdrawn", Boolean, nullable=False),
)
feedback = Table(
    "feedback",
    metadata,
    Column("advice_id", String(128), primary_key=True),
    # verdict, used or dismissed
    Column("kind", String(16), primary_key=True),
    Column("value", String(128), nullable=False),
    Column("at", Float, nullable=False),
)
# What happened in a call, see docs/moments.md.
moments = Table(
    "moments",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("call_id", String(128), nullable=False),
    Column("utterance_id", String(128), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    # JSON object
    Column("details", Text, nullable=False),
)
snoozes = Table(
    "snoozes",
    metadata,
    Column("call_id", String(128), primary_key=True),
    Column("rule", String(128), primary_key=True),
    # The call's seq at that moment, so that a call heard again falls silent, and speaks, at the same places.
    Column("seq", Integer, primary_key=True),
    # False where the agent took it back.
    Column("quiet", Boolean, nullable=False),
)
# What reviewers hold of a hit, in a live call or in a review; how it came to that is in the history.
decisions = Table(
    "decisions",
    metadata,
    # A function of what follows up to `end`.
    Column("id", String(32), primary_key=True),
    # "" for a live call
    Column("review_id", String(32), nullable=False),
    Column("call_id", String(128), nullable=False),
    # The utterance id of a live call, the number of the turn (from 0) in a review.
    Column("place", String(128), nullable=False),
    Column("rule", String(128), nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("agent_id", String(128), nullable=False),
    Column("text", Text, nullable=False),
    # Of the rule set that found it.
    Column("digest", String(64), nullable=False),
    # right or wrong
    Column("verdict", String(16), nullable=False),
    # decided, appealed or settled
    Column("state", String(16), nullable=False),
    Column("at", Float, nullable=False),
)
decision_history = Table(
    "decision_history",
    metadata,
    Column("decision_id", String(32), primary_key=True),
    Column("n", Integer, primary_key=True),
    # decided, appealed or settled
    Column("kind", String(16), nullable=False),
    # "" for an appeal
    Column("verdict", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", String(128), nullable=False),
    Column("at", Float, nullable=False),
)
# What batches with an Idempotency-Key were answered.
batch_answers = Table(
    "batch_answers",
    metadata,
    Column("n", Integer, primary_key=True),
    # Hash of who sent it, the call and the key.
    Column("identity", String(64), nullable=False, unique=True),
    # Hash of the events.
    Column("body", String(64), nullable=False),
    # Null: some events were refused; they will be again.
    Column("acked", Integer),
    Column("at", Float, nullable=False),
)
Index("batch_answers_at", batch_answers.c.at)
Index("advice_rule", advice.c.rule, advice.c.withdrawn)
Index("decisions_rule", decisions.c.rule, decisions.c.at)
Index("decisions_call", decisions.c.call_id)
Index("decisions_review", decisions.c.review_id)
Index("calls_open", calls.c.started_at, sqlite_where=calls.c.ended_ms.is_(None))
Index("advice_call", advice.c.call_id)
Index("moments_call", moments.c.call_id)

# MIGRATIONS[n] turns version n + 1 into version n + 2; a new database starts at the newest version.
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE moments (
            id VARCHAR(128) NOT NULL PRIMARY KEY, call_id VARCHAR(128) NOT NULL,
            utterance_id VARCHAR(128) NOT NULL, kind VARCHAR(64) NOT NULL, at_ms INTEGER NOT NULL,
            turn INTEGER NOT NULL, details TEXT NOT NULL
        )""",
        "CREATE INDEX moments_call ON moments (call_id)",
        "ALTER TABLE snoozes RENAME TO snoozes_1",
        """CREATE TABLE snoozes (
            call_id VARCHAR(128) NOT NULL, rule VARCHAR(128) NOT NULL, seq INTEGER NOT NULL,
            quiet BOOLEAN NOT NULL, PRIMARY KEY (call_id, rule, seq)
        )""",
        "INSERT INTO snoozes SELECT call_id, rule, seq, 1 FROM snoozes_1",
        "DROP TABLE snoozes_1",
    ),
    (
        """CREATE TABLE decisions (
            id VARCHAR(32) NOT NULL PRIMARY KEY, review_id VARCHAR(32) NOT NULL, call_id VARCHAR(128) NOT NULL,
            place VARCHAR(128) NOT NULL, rule VARCHAR(128) NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
            agent_id VARCHAR(128) NOT NULL, text TEXT NOT NULL, digest VARCHAR(64) NOT NULL,
            verdict VARCHAR(16) NOT NULL, state VARCHAR(16) NOT NULL, at FLOAT NOT NULL
        )""",
        """CREATE TABLE decision_history (
            decision_id VARCHAR(32) NOT NULL, n INTEGER NOT NULL, kind VARCHAR(16) NOT NULL,
            verdict VARCHAR(16) NOT NULL, reason TEXT NOT NULL, who VARCHAR(128) NOT NULL, at FLOAT NOT NULL,
            PRIMARY KEY (decision_id, n)
        )""",
        "CREATE INDEX advice_rule ON advice (rule, withdrawn)",
        "CREATE INDEX decisions_rule ON decisions (rule, at)",
        "CREATE INDEX decisions_call ON decisions (call_id)",
        "CREATE INDEX decisions_review ON decisions (review_id)",
    ),
    (
        """CREATE TABLE batch_answers (
            n INTEGER NOT NULL PRIMARY KEY, identity VARCHAR(64) NOT NULL UNIQUE, body VARCHAR(64) NOT NULL,
            acked INTEGER, at FLOAT NOT NULL
        )""",
        "CREATE INDEX batch_answers_at ON batch_answers (at)",
    ),
)
VERSION: Final = 1 + len(MIGRATIONS)
