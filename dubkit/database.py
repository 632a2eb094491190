"""A database that many processes share: its address, connections that suit it, its clock, and patience where it is away."""

from __future__ import annotations

import functools
import json
import math
import sqlite3
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from dubkit.errors import BadInput, DubkitError, MissingModel, OutOfSpace

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.sql import ColumnElement

PATIENCE = 60.0
"""Seconds to wait for a database that has gone away, such as one that starts again."""

LOCK_SECONDS = 60.0
"""The most that a process waits for another's write to SQLite."""

CONNECT_SECONDS, ANSWER_SECONDS, TURN_SECONDS = 10.0, 30.0, 120.0
"""For PostgreSQL: the most to wait for a host to take a connection, for it to answer, and for a connection to be free."""

UNWRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""SQLite's errors that no waiting mends."""

NOT_A_DATABASE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
"""SQLite's errors about a file that is none of its own, or is damaged."""

READING = "dubkit_reading"
"""The execution option of connections that just read, and need no turn for it."""

T = TypeVar("T")


class DatabaseAway(DubkitError):
    """A database does not answer."""


def parsed(url: str, what: str = "ledger") -> URL:
    """The address of a database, from a URL or the path of an SQLite file.

    Parameters
    ----------
    url : str
        As a person gave it.
    what : str
        What it is to hold, as errors call it.

    Raises
    ------
    BadInput
        If it is neither; what was given is not repeated, for it may hold a password.
    MissingModel
        If SQLAlchemy is not installed.
    """
    try:
        from sqlalchemy import URL, make_url
        from sqlalchemy.exc import ArgumentError
    except ImportError as error:
        raise MissingModel(
            f"A {what} needs the Python package 'sqlalchemy', which is not installed. "
            "Install it with: pip install 'dubkit[batch]'"
        ) from error
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = None
    kind = address.get_backend_name() if address is not None else ""
    if address is None or kind not in ("sqlite", "postgresql", "postgres"):
        raise BadInput(
            f"The {what}'s address is not one of a database that can hold it: give the path of an SQLite file, "
            "sqlite:///path, or postgresql://user:password@host/database."
        )
    if kind == "sqlite":
        if not address.database or address.database == ":memory:":
            raise BadInput(f"The {what}'s address names no file: give sqlite:///path, or just the path.")
        return address.set(drivername="sqlite")
    return address.set(drivername="postgresql+psycopg")


def shown(url: URL) -> str:
    """A database's address without user, password and options, which may be secret."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{url.host or ''}{port}/{url.database or ''}"


def engine(url: URL, connections: int = 1, patience: float = math.inf) -> Engine:
    """Connections to a database, made when they are needed.

    Parameters
    ----------
    url : URL
    connections : int
        The most that PostgreSQL is asked for, for there may be very many workers; SQLite gives any number.
    patience : float
        Seconds to wait for an answer; where the usual limits are less, those count.

    Raises
    ------
    MissingModel
        If the database's package is not installed.
    """
    from sqlalchemy import create_engine

    plain = functools.partial(json.dumps, allow_nan=False)
    if url.get_backend_name() == "sqlite":
        wait = {"timeout": min(LOCK_SECONDS, patience)}
        # A pool of size 0 has no limit.
        made = create_engine(url, json_serializer=plain, pool_size=0, connect_args=wait)
        _tune_sqlite(made)
        return made
    # The driver takes no less than two seconds; what it needs is whole numbers.
    reach = {
        "connect_timeout": max(2, round(min(CONNECT_SECONDS, patience))),
        "tcp_user_timeout": round(1000 * min(ANSWER_SECONDS, patience)),
    }
    pool = {"pool_size": connections, "max_overflow": 0, "pool_timeout": min(TURN_SECONDS, patience)}
    try:
        return create_engine(url, json_serializer=plain, pool_pre_ping=True, connect_args=reach, **pool)
    except ImportError as error:
        raise MissingModel(
            "PostgreSQL needs the Python package 'psycopg', which is not installed. "
            "Install it with: pip install 'dubkit[service]'"
        ) from error


def _tune_sqlite(made: Engine) -> None:
    """Let readers and a writer work at once, and let a transaction wait for its turn from its beginning."""
    from sqlalchemy import event

    @event.listens_for(made, "connect")
    def connect(connection: Any, _: object) -> None:
        # The driver's own transactions begin without the write lock, and then fail where they should wait for it.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        # A power cut may cost the last changes, whose rows are then done again; the file stays sound.
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(made, "begin")
    def begin(connection: Any) -> None:
        if not connection.get_execution_options().get(READING):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


class Database:
    """SQLite or PostgreSQL, read and changed with patience.

    Parameters
    ----------
    url : str
        The path of an SQLite file, ``sqlite:///path`` or ``postgresql://user:password@host/database``.
    what : str
        What it holds, as errors call it.
    remedy : str
        How to go on once it is there again, as errors say it.
    connections : int
        See :func:`engine`.
    patience : float, optional
        Seconds to wait for it where it is away; by default ``PATIENCE``, which suits who works through the night.

    Raises
    ------
    BadInput
        If the URL is of neither kind.
    MissingModel
        If the database's package is not installed.
    """

    def __init__(self, url: str, what: str, remedy: str, connections: int = 1, patience: float | None = None) -> None:
        self._url = parsed(url, what)
        self._what, self._remedy, self._patience = what, remedy, patience
        self.engine = engine(self._url, connections, math.inf if patience is None else patience)
        # A statement that just reads needs no transaction around it.
        level = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self.engine.execution_options(**{READING: True}, **level)

    def __str__(self) -> str:
        return shown(self._url)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file, which one process at a time changes."""
        return self.engine.dialect.name == "sqlite"

    @property
    def now(self) -> ColumnElement[float]:
        """Its time in seconds since 1970, as it is at the statement."""
        from sqlalchemy import Double, literal_column

        if self.is_sqlite:
            return literal_column("((julianday('now') - 2440587.5) * 86400.0)", Double)
        return literal_column("extract(epoch from clock_timestamp())::double precision", Double)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Do what only reads; each statement sees what is committed by then."""

        def once() -> T:
            with self._reading.connect() as connection:
                return work(connection)

        return self.patiently(once)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do all of it or nothing."""

        def once() -> T:
            with self.engine.begin() as connection:
                return work(connection)

        return self.patiently(once)

    def patiently(self, work: Callable[[], T], patience: float | None = None) -> T:
        """Do it, and do it again where the database was away.

        A change whose answer was lost may so be tried twice: the second finds the row changed and does no harm.

        Raises
        ------
        DatabaseAway
            If it stays away for `patience` seconds, by default the database's own; a PostgreSQL that only reads counts as away.
        OutOfSpace
            If its file cannot be opened or written.
        BadInput
            If its file is no database, or is damaged.
        """
        from sqlalchemy.exc import DatabaseError, InterfaceError, InternalError, OperationalError
        from sqlalchemy.exc import TimeoutError as NoConnectionError

        own = PATIENCE if self._patience is None else self._patience
        until, pause = time.monotonic() + (own if patience is None else patience), 0.1
        while True:
            try:
                return work()
            except NoConnectionError:
                raise DatabaseAway(
                    f"The {self._what} {self} is too busy: no connection to it was free. Try again soon; nothing is lost."
                ) from None
            except (DatabaseError, InterfaceError) as error:
                # The rest of the code tells its kinds apart.
                code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
                if code in NOT_A_DATABASE:
                    raise BadInput(
                        f"The {self._what} {self} is no SQLite database, or is damaged ({error.orig}). Name another file, or put "
                        "a copy of the database in its place."
                    ) from None
                if not isinstance(error, OperationalError | InternalError | InterfaceError):
                    raise
                if code in UNWRITABLE:
                    raise OutOfSpace(
                        f"The {self._what} {self} cannot be written ({error.orig}). Make room, or see that its folder is there "
                        f"and can be written; nothing is lost, and {self._remedy}."
                    ) from None
                if time.monotonic() + pause > until:
                    raise DatabaseAway(
                        f"The {self._what} {self} does not answer ({str(error.orig).strip()}). Check its address, and that "
                        f"it runs; nothing is lost, and {self._remedy}."
                    ) from None
            time.sleep(pause)
            pause = min(2 * pause, 5.0)
