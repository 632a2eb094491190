"""Keys: told once, kept as digests, revocable."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_jobs import opened
from sqlalchemy import select

from dubkit.errors import BadInput
from dubkit.service.access.keys import Keys
from dubkit.service.jobs.tables import keys as table
from dubkit.service.jobs.tables import upgrade


@pytest.fixture
def keys(database):
    return Keys(database)


def test_a_key_says_whose_it_is(keys):
    anna, bert = keys.add("anna", "laptop"), keys.add(" bert ")
    assert re.fullmatch(r"dk_[a-z0-9]{8}_[A-Za-z0-9]{32}", anna)
    assert [keys.owner_of(key) for key in (anna, bert, anna)] == ["anna", "bert", "anna"]
    # Both may be of the same millisecond, which is all that SQLite's clock tells.
    assert {(key.id, key.owner, key.note, key.revoked) for key in keys.list()} == {
        (anna[3:11], "anna", "laptop", None),
        (bert[3:11], "bert", "", None),
    }


def test_the_secret_is_kept_nowhere(keys, database):
    key = keys.add("anna")
    keys.owner_of(key)
    (row,) = database.read(lambda connection: connection.execute(select(table)).all())
    assert key[12:] not in repr(row) and key[12:] not in repr(keys.list())


def test_other_keys_are_nobody_s(keys):
    key = keys.add("anna")
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    for other in (
        "",
        key[:-1],
        wrong,
        key.upper(),
        key + "\n",
        key.replace(key[3:11], "aaaaaaaa"),
        "dk_\0",
        "é" * 44,
        "x" * 10**6,
    ):
        assert keys.owner_of(other) is None


def test_a_revoked_key_is_worthless_at_once_here_and_soon_elsewhere(keys, database, monkeypatch):
    key, other = keys.add("anna"), keys.add("anna")
    elsewhere = Keys(database)
    assert elsewhere.owner_of(key) == "anna"
    revoked = keys.revoke(key[3:11])
    assert revoked.revoked >= revoked.created
    assert keys.owner_of(key) is None and keys.owner_of(other) == "anna"
    assert keys.revoke(key) == revoked
    assert elsewhere.owner_of(key) == "anna", "for as long as it is taken for known"
    monkeypatch.setattr("dubkit.service.access.keys.KNOWN", 0.0)
    fresh = Keys(database)
    assert fresh.owner_of(key) is None


def test_what_is_known_is_asked_again_after_a_while(keys, database, monkeypatch):
    monkeypatch.setattr("dubkit.service.access.keys.KNOWN", 0.0)
    key = keys.add("anna")
    assert keys.owner_of(key) == "anna"
    Keys(database).revoke(key)
    assert keys.owner_of(key) is None


def test_keys_that_are_tried_out_do_not_fill_the_memory(keys):
    for n in range(50):
        assert keys.owner_of(f"dk_{n:08d}_{'x' * 32}") is None
    assert len(keys._known) == 0


def test_use_is_written_down_now_and_then(keys, monkeypatch):
    monkeypatch.setattr("dubkit.service.access.keys.KNOWN", 0.0)
    key = keys.add("anna")
    assert keys.list()[0].used is None
    keys.owner_of(key)
    used = keys.list()[0].used
    keys.owner_of(key)
    assert keys.list()[0].used == used
    monkeypatch.setattr("dubkit.service.access.keys.USED", -1.0)
    keys.owner_of(key)
    assert keys.list()[0].used > used


@pytest.mark.parametrize("owner", ["local", " Local "])
def test_what_was_made_without_keys_is_no_key_s(keys, owner):
    with pytest.raises(BadInput, match="'local' owns what was made here without keys"):
        keys.add(owner)
    assert keys.list() == []


def test_an_id_may_have_spaces_around(keys):
    key = keys.add("anna")
    assert keys.revoke(f" {key[3:11]}\n").owner == "anna"


def test_an_id_that_is_none_is_told(keys):
    for id in ("abcdefgh", "", "\0"):
        with pytest.raises(BadInput, match="no key of this id"):
            keys.revoke(id)


@pytest.mark.parametrize("owner", ["", "  ", "a\nb", "a\0", "x" * 65, "a\u202eb", "\ud800"])
def test_an_owner_needs_a_name_that_can_be_shown(keys, owner):
    with pytest.raises(BadInput, match="no owner's name"):
        keys.add(owner)
    assert keys.list() == []


@pytest.fixture(scope="module")
def any_keys(tmp_path_factory):
    with opened(str(tmp_path_factory.mktemp("keys") / "keys.sqlite")) as database:
        upgrade(database)
        made = Keys(database)
        made.add("anna")
        yield made


@given(st.text())
def test_no_text_is_a_key_by_chance(any_keys, text):
    assert any_keys.owner_of(text) is None
