"""How Alembic runs the migrations: in the transaction of whoever asks for them."""

from __future__ import annotations

from alembic import context

from dubkit.service.jobs.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite changes a table by making it anew.
    render_as_batch=True,
    # Also on SQLite: all of it is done, or nothing.
    transactional_ddl=True,
)
context.run_migrations()
