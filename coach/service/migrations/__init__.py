"""The revisions of the tables, for Alembic; `coach.service.migrate` runs them."""
