"""What concerns a ledger in PostgreSQL alone: the server's absence, and secrets."""

from __future__ import annotations

import threading

import pytest
import servers

from dubkit.batch.ledger import Ledger
from dubkit.database import DatabaseAway


@pytest.fixture
def server():
    with servers.postgres() as running:
        yield running


def test_a_server_that_starts_again_is_waited_for(server):
    ledger = Ledger(server.url)
    ledger.enrol("b", [("a", {}), ("c", {})])
    claim = ledger.claim("b", "a", "w1", 300)
    server.stop()
    later = threading.Timer(1.0, server.start)
    later.start()
    assert ledger.beat(claim, 300, "still here")
    later.join()
    assert ledger.finish(claim, {"lines": 2}, 1.0)
    assert [(row.id, row.state) for row in ledger.entries("b")] == [("a", "done"), ("c", "waiting")]


def test_a_server_that_stays_away_is_told_without_secrets(server, monkeypatch):
    ledger = Ledger(server.url)
    server.stop()
    monkeypatch.setattr("dubkit.database.PATIENCE", 0.3)
    with pytest.raises(
        DatabaseAway, match=rf"postgresql://127\.0\.0\.1:{server.port}/postgres does not answer"
    ) as caught:
        ledger.entries("b")
    assert servers.PASSWORD not in str(caught.value)
    server.start()
    assert ledger.entries("b") == []


def test_a_wrong_password_is_told_and_not_repeated(server, monkeypatch):
    monkeypatch.setattr("dubkit.batch.ledger.FIRST_PATIENCE", 0.1)
    with pytest.raises(DatabaseAway, match="password authentication failed") as caught:
        Ledger(server.url.replace(servers.PASSWORD, "guessed-wrong"))
    assert "guessed-wrong" not in str(caught.value)


def test_the_usual_short_names_of_postgresql_are_understood(server):
    ledger = Ledger(server.url.replace("postgresql://", "postgres://"))
    assert str(ledger) == f"postgresql://127.0.0.1:{server.port}/postgres"
