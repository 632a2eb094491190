"""The ledger's table."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

    from dubkit.database import Database


@functools.cache
def table() -> Table:
    """The table: one row per batch and id."""
    from sqlalchemy import JSON, Column, Double, Index, Integer, MetaData, Table, Text

    texts = [Column(name, Text, nullable=False, default="") for name in ("worker", "note", "reason")]
    # `due` is when a waiting row may be claimed, and when the lease of a running one ends: seconds since 1970.
    times = [Column(name, Double, nullable=False, default=0.0) for name in ("due", "began", "seconds", "changed")]
    counts = [Column(name, Integer, nullable=False, default=0) for name in ("attempts", "fence")]
    made = Table(
        "dubkit_batch_rows",
        MetaData(),
        Column("batch", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("number", Integer, nullable=False),
        Column("state", Text, nullable=False, default="waiting"),
        *counts,
        *texts,
        *times,
        Column("result", JSON, nullable=False, default=dict),
        Column("payload", JSON, nullable=False),
    )
    Index("dubkit_batch_rows_state", made.c.batch, made.c.state, made.c.due)
    Index("dubkit_batch_rows_changed", made.c.batch, made.c.changed)
    return made


def create(made: Engine) -> None:
    """Make the table where there is none."""
    from sqlalchemy import inspect
    from sqlalchemy.exc import DBAPIError

    if inspect(made).has_table(table().name):
        return
    try:
        table().metadata.create_all(made)
    except DBAPIError:
        # Another process was first.
        if not inspect(made).has_table(table().name):
            raise


def insert_new(database: Database) -> Any:
    """An insert that leaves rows alone that are there already."""
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = sqlite if database.engine.dialect.name == "sqlite" else postgresql
    return dialect.insert(table()).values(due=database.now, changed=database.now).on_conflict_do_nothing()
