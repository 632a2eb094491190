"""What the service's tests share: databases of both kinds, with its tables, and the jobs in them; a bucket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from service_jobs import new_database, opened

from dubkit.database import Database
from dubkit.service.jobs.claims import Claims
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.jobs.tables import upgrade


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[servers.Postgres]:
    """One PostgreSQL server for all tests; it is not to be stopped."""
    with servers.postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        yield str(tmp_path / "service.sqlite")
        return
    with new_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the service's tables, of each kind in turn."""
    with opened(database_url) as made:
        upgrade(made)
        yield made


@pytest.fixture
def jobs(database: Database) -> Jobs:
    """The jobs in it; none at first."""
    return Jobs(database)


@pytest.fixture
def claims(database: Database) -> Claims:
    """The same jobs as workers see them."""
    return Claims(database)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, s3_server: str, tmp_path: Path) -> str:
    """Credentials for the local server alone; what the machine has of its own is out of sight."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server)
    import boto3

    bucket = boto3.resource("s3", region_name="us-east-1").Bucket("films")
    bucket.create()
    bucket.objects.delete()
    return s3_server
