"""Rows of a manifest: their parameters, their names, and one error with all that is wrong."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dubkit.batch import notebook
from dubkit.batch.manifest import Manifest
from dubkit.batch.rows import Defaults, Row, rows
from dubkit.errors import BadInput, MissingModel

NAMES = notebook.parameters(notebook.shipped("dub.ipynb"))
EMBEDDED = Defaults("pt", None, "embedded")


OWN = {"video": "", "strength": 1.0, "count": 3, "loud": False, "title": "", "tags": [], "odd": None}


def made(*cells: dict[str, Any], names=NAMES, defaults=EMBEDDED, problems=(), notebook="") -> list[Row]:
    numbered = tuple((n, one) for n, one in enumerate(cells, 2))
    return rows(Manifest("films.csv", "line", numbered, problems), names, defaults, notebook)


def refused(*cells: dict[str, Any], **options: Any) -> list[str]:
    with pytest.raises(BadInput) as told:
        made(*cells, **options)
    first, *lines = str(told.value).splitlines()
    assert first == "The manifest 'films.csv' cannot be taken, and nothing was begun:"
    return lines


def test_the_shipped_notebook_has_these_parameters():
    assert set(NAMES) == {"video", "target", "source", "profile", "settings", "store", "out"}


def test_a_row_s_own_cells_go_before_the_command_s():
    defaults = Defaults("pt", "en", "embedded", {"diarize.n_speakers": "2", "segment.max_length": "20"})
    plain, own = made(
        {"video": "/a.mp4"},
        {"video": "/b.mp4", "target": "English", "source": "es", "diarize.n_speakers": "1", "id": "second"},
        defaults=defaults,
    )
    assert (plain.id, own.id) == ("a", "second")
    assert plain.parameters == {
        "video": "/a.mp4", "target": "pt", "source": "en", "profile": "embedded",
        "settings": {"diarize.n_speakers": "2", "segment.max_length": "20"},
    }  # fmt: skip
    assert own.parameters["target"] == "en" and own.parameters["source"] == "es"
    assert own.parameters["settings"] == {"diarize.n_speakers": "1", "segment.max_length": "20"}


def test_what_nobody_gives_is_left_to_the_notebook():
    assert made({"video": "/a.mp4"})[0].parameters == {"video": "/a.mp4", "target": "pt", "profile": "embedded"}


def test_a_notebook_s_own_parameters_are_columns_and_text_is_read():
    cells = {"video": "/a.mp4", "Strength": "0.5", "loud": "TRUE", "tags": '["x"]', "title": "1984", "odd": "Infinity"}
    row = made(cells, names=OWN, defaults=Defaults())[0]
    expected = {"strength": 0.5, "loud": True, "tags": ["x"], "title": "1984", "odd": "Infinity"}
    assert row.parameters == {"video": "/a.mp4", **expected}
    assert made({"video": "/a.mp4", "odd": "1e999"}, names=OWN, defaults=Defaults())[0].parameters["odd"] == "1e999"


def test_numbers_and_yes_or_no_must_be_that():
    lines = refused(
        {"video": "/a.mp4", "strength": "strong"},
        {"video": "/b.mp4", "strength": "0,5"},
        {"video": "/c.mp4", "count": "true"},
        {"video": "/d.mp4", "loud": "1"},
        {"video": "/e.mp4", "strength": 2, "count": 0.5, "loud": "false"},
        {"video": "/f.mp4", "strength": 2, "Strength": 3},
        names=OWN,
        defaults=Defaults(),
    )
    assert lines == [
        "- line 2: strength must be a number, as it is in the notebook (1.0), and not 'strong'",
        "- line 3: strength must be a number, as it is in the notebook (1.0), and not '0,5'",
        "- line 4: count must be a number, as it is in the notebook (3), and not 'true'",
        "- line 5: loud must be true or false, as it is in the notebook (False), and not '1'",
        "- line 7: the column 'strength' is there twice",
    ]


def test_what_the_ledger_cannot_keep_is_told():
    lines = refused(
        {"video": "/a.mp4", "odd": float("inf")},
        {"video": "/b.mp4", "odd": date(2026, 1, 2)},
        {"video": "/caf\udce9.mp4"},
        {"video": "/d.mp4", "segment.max_length": float("-inf")},
        {"video": ["/e.mp4"]},
        {"video": "/f.mp4", "id": 7.5},
        names=OWN,
        defaults=Defaults(),
    )
    plain = "which is no plain value: give UTF-8 text, a finite number, true or false, or lists of them"
    assert lines == [
        f"- line 2: odd is inf, {plain}",
        f"- line 3: odd is datetime.date(2026, 1, 2), {plain}",
        f"- line 4: video is '/caf\\udce9.mp4', {plain}",
        f"- line 5: segment.max_length is -inf, {plain}",
        "- line 6: video is ['/e.mp4'], and it must be text",
        "- line 7: id is 7.5, and it must be text",
    ]
    assert made({"video": "/f.mp4", "id": 7})[0].id == "7"


def test_films_that_cannot_be_fetched_are_told_without_the_secrets_in_their_addresses():
    lines = refused(
        {"video": "https://u:secret@host/a.mp4?sig=secret"},
        {"video": "gs://bucket/a.mp4"},
        {"video": "S3://key:secret@bucket/a.mp4"},
        {"video": "s3://bucket/me@home.mp4"},
    )
    assert lines == [
        "- line 2: the video 'https://host/a.mp4' cannot be fetched: give a path, or an address with file://, s3://",
        "- line 3: the video 'gs://bucket/a.mp4' cannot be fetched: give a path, or an address with file://, s3://",
        "- line 4: the video 'S3://bucket/a.mp4' has a user in its address: leave that out, for it would be written down",
    ]


def test_equal_rows_are_told_unless_they_have_ids():
    lines = refused(
        {"video": "/a.mp4"},
        {"video": "/a.mp4", "target": "Portuguese"},
        {"video": "/a.mp4", "target": "es", "diarize.n_speakers": "2"},
        {"video": "/a.mp4", "target": "Spanish", "diarize.n_speakers": "2"},
    )
    same = "what is wanted twice needs an id"
    assert lines == [f"- line 3: it is the same as line 2; {same}", f"- line 5: it is the same as line 4; {same}"]
    assert [row.id for row in made({"video": "/a.mp4", "id": "x"}, {"video": "/a.mp4", "id": "y"})] == ["x", "y"]


def test_names_are_made_of_the_films_and_are_unique():
    films = ["/x/My talk (1).mp4", "/x/a.mp4", "/y/a.mp4", "s3://b/c.mov", "/x/ção.mp4", "/x/....mp4"]
    found = made(
        *({"video": film} for film in films), {"video": "/y/a.mp4", "target": "es"}, {"video": "/q.mp4", "id": "c"}
    )
    assert [row.id for row in found[:2]] == ["My-talk-1", "a"] and re.fullmatch("a-[0-9a-f]{10}", found[2].id)
    assert [row.id for row in found[3:]] == ["c-mov", "ção", "film", "a-es", "c"]


def test_everything_that_is_wrong_is_told_at_once_by_line():
    lines = refused(
        {"video": "/a.mp4", "target": "xx-nonsense"},
        {"video": "/b.mp4"},
        {"video": "/c.mp4", "diarize.n_speaker": "2"},
        {"video": "/d.mp4", "diarize.n_speaker": "2"},
        {"video": "/e.mp4", "segment.max_length": "long"},
        {"target": "pt"},
        {"video": "/f.mp4", "source": "pt"},
        {"video": "/g.mp4", "profile": "none"},
        {"video": "/h.mp4", "color": "x", "store": "y"},
        {"video": "/i.mp4", "source": "is", "target": "sw"},
        problems=((1, "the column 'target' is there twice"),),
    )
    assert lines[0] == "- line 1: the column 'target' is there twice"
    assert lines[1].startswith("- line 2: 'xx-nonsense' is not a language. Give a code such as pt")
    assert lines[2].startswith("- line 4-5: There is no setting 'diarize.n_speaker'. diarize has: ")
    assert "segment.max_length" in lines[3] and "'long'" in lines[3] and lines[3].startswith("- line 6: ")
    assert lines[4] == "- line 7: it has no video"
    assert lines[5] == "- line 8: Source and target are both Portuguese: choose another target language."
    assert lines[6].startswith("- line 9: There is no profile 'none': give one of embedded, hub")
    columns = "columns are video, target, source, profile, id, settings such as diarize.n_speakers"
    assert lines[7:9] == [f"- line 10: there is no column {name!r}: {columns}" for name in ("color", "store")]
    assert lines[9].startswith("- line 11: ") and "Swahili" in lines[9]
    assert len(lines) == 10


def test_a_row_without_a_target_is_refused_where_the_notebook_wants_one():
    assert refused({"video": "/a.mp4"}, defaults=Defaults()) == [
        "- line 2: it has no target: fill in that column, or give --to"
    ]
    assert made({"video": "/a.mp4"}, names={"video": ""}, defaults=Defaults())[0].parameters == {"video": "/a.mp4"}


def test_options_that_the_notebook_does_not_take_are_refused():
    lines = refused(
        {"video": "/a.mp4"}, names={"video": ""}, defaults=Defaults("pt", settings={"segment.max_length": 20})
    )
    assert lines == [
        "- line 2: the notebook has no parameter 'target'",
        "- line 2: the notebook has no parameter 'settings'",
    ]


def test_ids_are_checked():
    lines = refused(
        {"video": "/a.mp4", "id": "x"},
        {"video": "/b.mp4", "id": "X"},
        {"video": "/c.mp4", "id": "../y"},
        {"video": "/x.mp4", "id": "-"},
        {"video": "/y.mp4", "id": "Results.CSV"},
    )
    assert lines[0] == "- line 4: the id '../y' cannot name a folder: letters, figures, - _ and . are allowed"
    assert lines[1].startswith("- line 5: the id '-' cannot name a folder")
    assert lines[2] == "- line 6: the id 'Results.CSV' is the name of a file of the batch; choose another"
    assert lines[3] == "- line 3: the id 'X' is that of line 2 already; ids are unique"


def test_models_that_this_machine_lacks_are_the_workers_matter(monkeypatch):
    from dubkit import preflight
    from dubkit.batch import rows as module

    def missing(*_):
        raise MissingModel("not here")

    monkeypatch.setattr(preflight, "backends", missing)
    module._refused.cache_clear()
    assert len(made({"video": "/a.mp4"})) == 1
    module._refused.cache_clear()


def test_a_payload_changes_with_the_notebook():
    one, other = (made({"video": "s3://b/a.mp4"}, notebook=code)[0].payload for code in ("one", "other"))
    assert one["notebook"] == "one" and other == {**one, "notebook": "other"}


def test_a_payload_changes_with_the_film_and_a_film_s_absence_shows(tmp_path: Path):
    film = tmp_path / "a.mp4"
    row = made({"video": str(film)})[0]
    assert row.missing and row.payload["film"] is None
    film.write_bytes(b"one")
    os.utime(film, ns=(1, 1))
    first = row.payload
    assert not row.missing and first["film"] == [3, 1]
    os.utime(film, ns=(2, 2))
    assert row.payload != first
    far = made({"video": "s3://bucket/a.mp4"})[0]
    assert not far.missing and far.payload["film"] is None
