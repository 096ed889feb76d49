"""The audit log: who did what, row after row. The database itself refuses to change or delete one."""

from __future__ import annotations

from typing import Final

from sqlalchemy import DDL, BigInteger, Column, Float, Index, Integer, Table, event

from coach.service.schema import Words, metadata

audit = Table(
    "audit",
    metadata,
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    # Seconds since 1970.
    Column("at", Float, nullable=False),
    # The name of a key or whom a token is for; "-" where nobody is known.
    Column("who", Words(128), nullable=False),
    Column("role", Words(16), nullable=False),
    Column("address", Words(64), nullable=False),
    Column("action", Words(32), nullable=False),
    # The call, review, key … that it was done to.
    Column("target", Words(), nullable=False),
    # JSON object, without personal data.
    Column("details", Words(), nullable=False),
    # A number is never given twice.
    sqlite_autoincrement=True,
)
Index("audit_at", audit.c.at)
Index("audit_who", audit.c.who, audit.c.n)
Index("audit_action", audit.c.action, audit.c.n)

APPEND_ONLY: Final[dict[str, tuple[str, ...]]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        """CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
        """CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        EXECUTE FUNCTION audit_append_only()""",
    ),
}
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        # Doubled: DDL formats its text.
        _ddl = DDL(_statement.replace("%", "%%")).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
        event.listen(audit, "after_create", _ddl)
