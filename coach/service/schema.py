"""The tables of the store. A change here needs a revision in `migrations/versions`, which a test compares with it.

Columns of words are `Words`, so that what a SQLite file takes a server takes too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine


class Words(TypeDecorator[str]):
    """Text of any length; `length` is what a SQLite file says of it, which binds nobody.

    PostgreSQL knows no character 0: what somebody said is stored with U+FFFD in its place, at the same offsets.
    """

    impl = Text
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__()
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the type of a database."""
        limited = dialect.name == "sqlite" and self.length is not None
        return dialect.type_descriptor(String(self.length) if limited else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Make a value one that the database takes."""
        if value is None or dialect.name == "sqlite" or "\x00" not in value:
            return value
        return value.replace("\x00", "\ufffd")


metadata = MetaData()

calls = Table(
    "calls",
    metadata,
    Column("call_id", Words(128), primary_key=True),
    Column("agent_id", Words(128), nullable=False),
    # Seconds since 1970, by the service's clock.
    Column("started_at", Float, nullable=False),
    Column("slots", Words(), nullable=False),
    # The last event that is on disk; a writer changes it only from the value it knows.
    Column("seq", Integer, nullable=False),
    # When that was, seconds since 1970, by the service's clock; null: an older program wrote it.
    Column("moved_at", Float),
    Column("ended_ms", Integer),
    # Who moved `seq` last: two writers may mean to move it to the same number.
    Column("writer", Words(32), nullable=False, server_default=""),
    # Keyed hash of the customer's id in the platform, to find what is kept of him.
    Column("customer", Words(80)),
    # Whose supervisors see it; null: nobody's.
    Column("team", Words(128)),
    Column("agent_name", Words(40), nullable=False, server_default=""),
)
utterances = Table(
    "utterances",
    metadata,
    Column("call_id", Words(128), primary_key=True),
    Column("utterance_id", Words(128), primary_key=True),
    Column("revision", Integer, nullable=False),
    # Place in the call: the order in which the call's finals are heard again.
    Column("seq", Integer, nullable=False),
    Column("speaker", Words(16), nullable=False),
    Column("text", Words(), nullable=False),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
)
advice = Table(
    "advice",
    metadata,
    Column("id", Words(128), primary_key=True),
    Column("call_id", Words(128), nullable=False),
    Column("utterance_id", Words(128), nullable=False),
    Column("rule", Words(128), nullable=False),
    Column("category", Words(64), nullable=False),
    Column("severity", Words(16), nullable=False),
    Column("title", Words(), nullable=False),
    Column("quote", Words(), nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("suggestions", Words(), nullable=False),
    Column("why", Words(), nullable=False),
    Column("by_sound", Boolean, nullable=False),
    Column("at_ms", Integer, nullable=False),
    # Of the rule set that found it.
    Column("digest", Words(64), nullable=False),
    Column("outcome", Words(16)),
    Column("withdrawn", Boolean, nullable=False),
)
feedback = Table(
    "feedback",
    metadata,
    Column("advice_id", Words(128), primary_key=True),
    # verdict, used or dismissed
    Column("kind", Words(16), primary_key=True),
    Column("value", Words(128), nullable=False),
    Column("at", Float, nullable=False),
)
# What happened in a call, see docs/moments.md.
moments = Table(
    "moments",
    metadata,
    Column("id", Words(128), primary_key=True),
    Column("call_id", Words(128), nullable=False),
    Column("utterance_id", Words(128), nullable=False),
    Column("kind", Words(64), nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    # JSON object
    Column("details", Words(), nullable=False),
)
snoozes = Table(
    "snoozes",
    metadata,
    Column("call_id", Words(128), primary_key=True),
    Column("rule", Words(128), primary_key=True),
    # The call's seq at that moment, so that a call heard again falls silent, and speaks, at the same places.
    Column("seq", Integer, primary_key=True),
    # False where the agent took it back.
    Column("quiet", Boolean, nullable=False),
)
# What supervisors told the agent during a call.
whispers = Table(
    "whispers",
    metadata,
    Column("call_id", Words(128), primary_key=True),
    Column("id", Words(128), primary_key=True),
    Column("text", Words(), nullable=False),
    Column("sender", Words(128), nullable=False),
    Column("at", Float, nullable=False),
    # When the agent took note of it; null: he has not.
    Column("read_at", Float),
)
# What reviewers hold of a hit, in a live call or in a review; how it came to that is in the history.
decisions = Table(
    "decisions",
    metadata,
    # A function of what follows up to `end`.
    Column("id", Words(32), primary_key=True),
    # "" for a live call
    Column("review_id", Words(32), nullable=False),
    Column("call_id", Words(128), nullable=False),
    # The utterance id of a live call, the number of the turn (from 0) in a review.
    Column("place", Words(128), nullable=False),
    Column("rule", Words(128), nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("agent_id", Words(128), nullable=False),
    Column("text", Words(), nullable=False),
    # Of the rule set that found it.
    Column("digest", Words(64), nullable=False),
    # right or wrong
    Column("verdict", Words(16), nullable=False),
    # decided, appealed or settled
    Column("state", Words(16), nullable=False),
    Column("at", Float, nullable=False),
)
decision_history = Table(
    "decision_history",
    metadata,
    Column("decision_id", Words(32), primary_key=True),
    Column("n", Integer, primary_key=True),
    # decided, appealed or settled
    Column("kind", Words(16), nullable=False),
    # "" for an appeal
    Column("verdict", Words(16), nullable=False),
    Column("reason", Words(), nullable=False),
    Column("who", Words(128), nullable=False),
    Column("at", Float, nullable=False),
)
# What batches with an Idempotency-Key were answered.
batch_answers = Table(
    "batch_answers",
    metadata,
    # Every repetition uses up a number of a server's: 32 bits would last for days.
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # Hash of who sent it, the call and the key.
    Column("identity", Words(64), nullable=False, unique=True),
    # Hash of the events.
    Column("body", Words(64), nullable=False),
    # Null: some events were refused; they will be again.
    Column("acked", Integer),
    Column("at", Float, nullable=False),
)
Index("batch_answers_at", batch_answers.c.at)
Index("advice_rule", advice.c.rule, advice.c.withdrawn)
Index("decisions_rule", decisions.c.rule, decisions.c.at)
Index("decisions_call", decisions.c.call_id)
Index("decisions_review", decisions.c.review_id)
_is_open = calls.c.ended_ms.is_(None)
Index("calls_open", calls.c.started_at, sqlite_where=_is_open, postgresql_where=_is_open)
# In the order of the list of calls, all together and each agent's.
Index("calls_customer", calls.c.customer)
Index("calls_youngest", calls.c.started_at, calls.c.call_id)
Index("calls_agent", calls.c.agent_id, calls.c.started_at, calls.c.call_id)
# A team's day.
Index("calls_team", calls.c.team, calls.c.started_at)
Index("advice_call", advice.c.call_id)
Index("moments_call", moments.c.call_id)
