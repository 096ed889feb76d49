"""Runs the revisions over the connection that `migrate` hands in; Alembic loads this file."""

from __future__ import annotations

from alembic import context

from coach.service.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can change little of a table that is there; Alembic makes it anew.
    render_as_batch=True,
    # The transaction is ours: either every revision is in force or none.
    transactional_ddl=False,
)
context.run_migrations()
