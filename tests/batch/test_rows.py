"""Rows of a manifest: their parameters, their names, and one error with all that is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dubkit.batch import notebook
from dubkit.batch.manifest import Manifest
from dubkit.batch.rows import Defaults, Row, rows
from dubkit.errors import BadInput, MissingModel

NAMES = notebook.parameters(notebook.shipped("dub.ipynb"))
EMBEDDED = Defaults("pt", None, "embedded")


def made(*cells: dict[str, Any], names=NAMES, defaults=EMBEDDED, problems=()) -> list[Row]:
    numbered = tuple((n, one) for n, one in enumerate(cells, 2))
    return rows(Manifest("films.csv", "line", numbered, problems), names, defaults)


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
    assert own.parameters["target"] == "English" and own.parameters["source"] == "es"
    assert own.parameters["settings"] == {"diarize.n_speakers": "1", "segment.max_length": "20"}


def test_what_nobody_gives_is_left_to_the_notebook():
    assert made({"video": "/a.mp4"})[0].parameters == {"video": "/a.mp4", "target": "pt", "profile": "embedded"}


def test_a_notebook_s_own_parameters_are_columns_and_text_is_read():
    cells = {"video": "/a.mp4", "strength": "0.5", "loud": "TRUE", "tags": '["x"]', "title": "1st", "big": "Infinity"}
    row = made(cells, names={*cells}, defaults=Defaults())[0]
    expected = {"strength": 0.5, "loud": True, "tags": ["x"], "title": "1st", "big": "Infinity"}
    assert row.parameters == {"video": "/a.mp4", **expected}


def test_names_are_made_of_the_films_and_are_unique():
    films = ["/x/My talk (1).mp4", "/x/a.mp4", "/y/a.mp4", "s3://b/c.mov", "/x/ção.mp4", "/x/....mp4"]
    found = made(
        *({"video": film} for film in films), {"video": "/y/a.mp4", "target": "es"}, {"video": "/q.mp4", "id": "c"}
    )
    assert [row.id for row in found] == ["My-talk-1", "a-pt", "a-pt-2", "c-pt", "ção", "film", "a-es", "c"]


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
    assert made({"video": "/a.mp4"}, names={"video"}, defaults=Defaults())[0].parameters == {"video": "/a.mp4"}


def test_options_that_the_notebook_does_not_take_are_refused():
    lines = refused({"video": "/a.mp4"}, names={"video"}, defaults=Defaults("pt", settings={"segment.max_length": 20}))
    assert lines == [
        "- line 2: the notebook has no parameter 'target'",
        "- line 2: the notebook has no parameter 'settings'",
    ]


def test_ids_are_checked():
    lines = refused(
        {"video": "/a.mp4", "id": "x"},
        {"video": "/b.mp4", "id": "x"},
        {"video": "/c.mp4", "id": "../y"},
        {"video": "/x.mp4", "id": "-"},
    )
    assert lines[0] == "- line 3: the id 'x' is that of line 2 already; ids are unique"
    assert lines[1] == "- line 4: the id '../y' cannot name a folder: letters, figures, - _ and . are allowed"
    assert lines[2].startswith("- line 5: the id '-' cannot name a folder")


def test_models_that_this_machine_lacks_are_the_workers_matter(monkeypatch):
    from dubkit import preflight
    from dubkit.batch import rows as module

    def missing(*_):
        raise MissingModel("not here")

    monkeypatch.setattr(preflight, "backends", missing)
    module._refused.cache_clear()
    assert len(made({"video": "/a.mp4"})) == 1
    module._refused.cache_clear()


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
