"""Jobs of the service for tests, and databases of their own to keep them in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from servers import Postgres

from dubkit.database import Database
from dubkit.service.jobs.job import Film, NewJob, Output

REMEDY = "the service goes on by itself once it is there"


def a_film(name: str = "talk.mp4", duration: float = 60.0) -> Film:
    """A film that lies nowhere."""
    return Film(name, f"films/{name}", 1000, duration)


def asked(owner: str = "anna", **changed: Any) -> NewJob:
    """A new film into Portuguese."""
    return NewJob(**{"owner": owner, "film": a_film(), "target": "pt", **changed})


def an_output(kind: str = "video", place: str = "dubs/talk.pt.mp4") -> Output:
    """A file that a job made."""
    return Output(kind, "talk.pt.mp4", place, 2000, "video/mp4", "pt")


@contextlib.contextmanager
def opened(url: str, **options: Any) -> Iterator[Database]:
    """A database for the length of a with block."""
    database = Database(url, "job database", REMEDY, **{"connections": 10, **options})
    try:
        yield database
    finally:
        database.engine.dispose()


@contextlib.contextmanager
def new_database(server: Postgres) -> Iterator[str]:
    """The URL of a new database of a server, for the length of a with block."""
    import psycopg

    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        try:
            yield server.url.removesuffix("postgres") + name
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


_numbers = iter(range(1_000_000))
