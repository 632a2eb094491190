"""The table of languages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from dubkit.service.jobs.pairs import Pair, Pairs

TABLE = [
    {
        "from": "en English",
        "to": "pt Portuguese",
        "translation": "0.8",
        "route": "en > pt",
        "voices": "2 female, 1 male",
    },
    {"from": "pt Portuguese", "to": "en English", "translation": "0.7", "route": "pt > en", "voices": "1 male"},
    {"from": "en English", "to": "nb Norwegian Bokmål", "translation": "", "route": "en > da > nb", "voices": "1 male"},
]


@pytest.fixture
def pairs(database):
    return Pairs(database)


@pytest.fixture
def table(monkeypatch):
    """What the back ends can do, by profile."""
    tables = {None: TABLE, "small": TABLE[:1], "none": []}
    monkeypatch.setattr("dubkit.overview.language_table", lambda profile: tables[profile])
    return tables


def test_it_holds_what_the_back_ends_can_do(pairs, table):
    assert pairs.list() == [] and pairs.profile() is None
    assert pairs.fill(None) == 3
    assert [(pair.source, pair.target) for pair in pairs.list()] == [("en", "nb"), ("en", "pt"), ("pt", "en")]
    assert pairs.list("en", "nb") == [
        Pair("en", "English", "nb", "Norwegian Bokmål", "", "en > da > nb", "1 male"),
    ]
    assert pairs.list(target="en") == [Pair("pt", "Portuguese", "en", "English", "0.7", "pt > en", "1 male")]
    assert pairs.list("xx") == [] and pairs.profile() == ""


def test_another_profile_takes_the_place_of_the_first(pairs, table):
    pairs.fill(None)
    assert pairs.fill("small") == 1
    assert len(pairs.list()) == 1 and pairs.profile() == "small"
    assert pairs.fill("none") == 0
    assert pairs.list() == []


def test_several_workers_may_fill_it_at_once(pairs, table):
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(pairs.fill, [None] * 8)) == [3] * 8
    assert len(pairs.list()) == 3
