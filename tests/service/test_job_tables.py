"""The tables: one way to them for every process, and migrations that lead to just what the models say."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from service_jobs import asked, new_database, opened
from sqlalchemy import inspect, make_url, text

from dubkit.errors import BadInput, OutOfSpace
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.jobs.tables import Base, upgrade

START = """
import sys
from dubkit.database import Database
from dubkit.service.jobs.tables import upgrade
database = Database(sys.argv[1], "job database", "nothing")
sys.stdin.readline()
upgrade(database)
"""


def test_migrations_lead_to_what_the_models_say(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == "0001"


def test_the_tables_are_those_of_the_design(database):
    assert set(inspect(database.engine).get_table_names()) == {
        "alembic_version",
        "api_keys",
        "job_events",
        "jobs",
        "processing_stages",
        "supported_languages",
        "tallies",
        "workers",
    }


def test_a_database_that_has_them_keeps_what_is_in_it(database):
    job, _ = Jobs(database).add(asked())
    upgrade(database)
    assert Jobs(database).find(job.id) == job


def test_many_processes_may_start_at_once(database_url):
    command = [sys.executable, "-c", START, database_url]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in started] == [""] * 4
    with opened(database_url) as database:
        assert Jobs(database).list(None) == []


def test_many_threads_of_one_process_may_start_at_once(database_url):
    with opened(database_url) as database, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: upgrade(database), range(4)))
        assert Jobs(database).list(None) == []


def test_a_migration_that_fails_leaves_nothing(tmp_path, monkeypatch):
    from alembic import op

    def refuse(*_args: object, **_named: object) -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr(op, "create_index", refuse)
    with opened(str(tmp_path / "jobs.sqlite")) as database:
        with pytest.raises(RuntimeError, match="no more"):
            upgrade(database)
        assert inspect(database.engine).get_table_names() == []
        monkeypatch.undo()
        upgrade(database)
        assert Jobs(database).list(None) == []


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with opened(str(tmp_path / "gone" / "jobs.sqlite")) as database, pytest.raises(OutOfSpace, match=r"jobs\.sqlite"):
        upgrade(database)


def test_a_percent_sign_in_the_path_is_a_character_like_others(tmp_path):
    folder = tmp_path / "100%(here)s"
    folder.mkdir()
    with opened(str(folder / "jobs.sqlite")) as database:
        upgrade(database)
    assert sqlite3.connect(folder / "jobs.sqlite").execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_nobody_else_s_logging_is_changed(tmp_path):
    before = logging.getLogger().handlers[:], logging.getLogger().level
    with opened(str(tmp_path / "jobs.sqlite")) as database:
        upgrade(database)
    assert (logging.getLogger().handlers[:], logging.getLogger().level) == before


def test_migrations_travel_with_the_package():
    import dubkit.service.jobs.migrations as found

    assert [path.name for path in (Path(found.__file__).parent / "versions").glob("0*.py")] == ["0001_jobs.py"]


def test_tables_of_another_program_are_left_alone(database_url):
    with opened(database_url) as database:
        database.write(lambda connection: connection.execute(text("CREATE TABLE jobs (title TEXT)")))
        with pytest.raises(BadInput, match="tables of another program by the names of dubkit's: jobs") as told:
            upgrade(database)
        assert "DUBKIT_DATABASE" in str(told.value)
        assert inspect(database.engine).get_table_names() == ["jobs"]


def test_a_database_of_a_newer_dubkit_is_told(database):
    database.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(BadInput, match="is of a newer dubkit or another program"):
        upgrade(database)


def test_a_database_in_which_no_tables_may_be_made_is_told(postgres_server):
    with new_database(postgres_server) as url, opened(url) as database:
        database.write(
            lambda connection: connection.execute(text("REVOKE ALL ON SCHEMA public FROM PUBLIC, CURRENT_USER"))
        )
        user = "CREATE ROLE reader LOGIN PASSWORD 'reads'"
        database.write(lambda connection: connection.execute(text(f"DROP ROLE IF EXISTS reader; {user}")))
        address = make_url(url).set(username="reader", password="reads").render_as_string(hide_password=False)
        with opened(address) as reading, pytest.raises(BadInput, match="does not take dubkit's tables"):
            upgrade(reading)
