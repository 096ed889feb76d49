"""How a SQLite file from before the revisions becomes one of the first revision (`PRAGMA user_version`).

Nothing is added here any more: what changes a table is a revision in `migrations/versions`.
"""

from __future__ import annotations

from typing import Final

# LEGACY_STEPS[n] turns version n + 1 into version n + 2.
LEGACY_STEPS: Final[tuple[tuple[str, ...], ...]] = (
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
            n INTEGER NOT NULL PRIMARY KEY, identity VARCHAR(64) NOT NULL, body VARCHAR(64) NOT NULL,
            acked INTEGER, at FLOAT NOT NULL, UNIQUE (identity)
        )""",
        "CREATE INDEX batch_answers_at ON batch_answers (at)",
    ),
)
LEGACY_VERSION: Final = 1 + len(LEGACY_STEPS)
