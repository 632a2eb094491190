"""Databases that many processes share: patience, and what is told where they are away."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest
import servers
from service_jobs import REMEDY, asked, opened
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, InternalError, ProgrammingError

from dubkit.database import Database, DatabaseAway
from dubkit.errors import BadInput, OutOfSpace
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.jobs.tables import upgrade


@pytest.fixture
def server():
    with servers.postgres() as running:
        yield running


def test_who_asks_soon_hears_that_it_is_away_and_who_works_waits(server):
    with opened(server.url, patience=0.5) as short, opened(server.url) as long:
        upgrade(short)
        job, _ = Jobs(short).add(asked())
        server.stop()
        begun = time.monotonic()
        with pytest.raises(DatabaseAway, match=f"(?s)does not answer .* nothing is lost, and {REMEDY}") as caught:
            Jobs(short).look(job.id, "anna")
        assert time.monotonic() - begun < 10
        assert servers.PASSWORD not in str(caught.value)
        later = threading.Timer(1.0, server.start)
        later.start()
        assert Jobs(long).cancel(job.id, "anna").status == "cancelled"
        later.join()
        assert Jobs(short).find(job.id).status == "cancelled"


def test_no_free_connection_is_told(server):
    told = pytest.raises(DatabaseAway, match="too busy: no connection to it was free")
    with opened(server.url, connections=1, patience=0.2) as database, database.engine.connect(), told:
        database.read(lambda connection: connection.scalar(text("SELECT 1")))


def test_a_server_s_host_that_is_none_is_told_soon():
    with opened("postgresql://nobody@127.0.0.1:9/none", patience=0.2) as database, pytest.raises(DatabaseAway):
        database.read(lambda connection: None)


def test_many_threads_of_one_process_may_use_a_file(tmp_path):
    with opened(str(tmp_path / "a.sqlite"), connections=2) as database:
        begin = threading.Barrier(20)

        def read(connection):
            begin.wait(20)
            return connection.scalar(text("SELECT 7"))

        found = []
        threads = [threading.Thread(target=lambda: found.append(database.read(read))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [7] * 20


def test_who_cannot_wait_for_a_lock_is_told(tmp_path):
    path = tmp_path / "a.sqlite"
    with opened(str(path), patience=0.2) as database:
        database.write(lambda connection: connection.execute(text("CREATE TABLE a (n INTEGER)")))
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseAway, match="database is locked"):
            database.write(lambda connection: connection.execute(text("INSERT INTO a VALUES (1)")))
        assert database.read(lambda connection: connection.scalar(text("SELECT count(*) FROM a"))) == 0
        holder.execute("COMMIT")
        holder.close()
        database.write(lambda connection: connection.execute(text("INSERT INTO a VALUES (1)")))


def test_a_full_file_is_told_and_what_was_written_stays(tmp_path):
    with opened(str(tmp_path / "a.sqlite"), patience=0.2) as database:
        upgrade(database)
        jobs = Jobs(database)
        kept, _ = jobs.add(asked())
        with database.engine.connect() as connection:
            pages = connection.scalar(text("PRAGMA page_count"))
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        with pytest.raises(OutOfSpace, match="Make room"):
            jobs.add(asked(settings={"glossary.terms": ["x" * 1000] * 1000}))
        assert jobs.list(None) == [kept]


def test_a_change_that_fails_is_undone(tmp_path):
    with opened(str(tmp_path / "a.sqlite")) as database:
        database.write(lambda connection: connection.execute(text("CREATE TABLE a (n INTEGER)")))

        def work(connection):
            connection.execute(text("INSERT INTO a VALUES (1)"))
            raise RuntimeError("no")

        with pytest.raises(RuntimeError):
            database.write(work)
        assert database.read(lambda connection: connection.scalar(text("SELECT count(*) FROM a"))) == 0


def test_its_clock_is_the_database_s(tmp_path):
    with opened(str(tmp_path / "a.sqlite")) as database:
        from sqlalchemy import select

        told = database.read(lambda connection: connection.scalar(select(database.now)))
        assert abs(told - time.time()) < 5
        assert isinstance(database, Database) and str(database).endswith("a.sqlite")


def test_a_file_that_is_none_or_damaged_is_told(tmp_path):
    place = tmp_path / "a.sqlite"
    place.write_bytes(b"A letter, and no database at all.\n" * 100)
    with opened(str(place)) as database, pytest.raises(BadInput, match="is no SQLite database, or is damaged"):
        database.read(lambda connection: connection.execute(text("SELECT 1 FROM sqlite_master")))


@pytest.mark.parametrize("kind", [InternalError, InterfaceError])
def test_a_database_that_only_reads_or_loses_its_line_is_away(tmp_path, kind):
    with opened(str(tmp_path / "a.sqlite")) as database:
        tries = []

        def work(connection):
            tries.append(connection)
            if len(tries) == 1:
                raise kind("INSERT", {}, Exception("cannot execute INSERT in a read-only transaction"))
            return "done"

        assert database.write(work) == "done"
        tries.clear()
        with pytest.raises(DatabaseAway, match="read-only transaction"):
            database.patiently(lambda: work(None), patience=0.0)


def test_a_statement_that_is_wrong_is_not_tried_again(tmp_path):
    with opened(str(tmp_path / "a.sqlite")) as database:
        tries = []

        def work(connection):
            tries.append(connection)
            raise ProgrammingError("SELECT", {}, Exception("odd"))

        with pytest.raises(ProgrammingError):
            database.write(work)
        assert len(tries) == 1
