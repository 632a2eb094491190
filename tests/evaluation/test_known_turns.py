"""What is known of who speaks: found beside the film or given, and the error rate by it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders import turns
from known_film import truth
from runs import opened

from dubkit.errors import BadInput
from dubkit.run import Run
from evaluation.known_turns import error_table, held_against, known_turns


@pytest.fixture
def run(talk: Path, store: Path, backends: object, tmp_path: Path) -> Run:
    """The film of two voices in a folder of its own."""
    (tmp_path / "film").mkdir()
    return opened(Path(shutil.copy(talk, tmp_path / "film")), store)


def test_nothing_is_known_of_most_films(run: Run) -> None:
    assert known_turns(run) is None


def test_a_samples_truth_is_found_beside_the_film_or_where_it_is_given(run: Run, tmp_path: Path) -> None:
    home = run.video.file.path.parent
    truth().save(home)
    beside = known_turns(run)
    assert beside is not None
    assert set(beside.speakers) == {u.speaker for u in truth().utterances}
    assert beside.turns[0].start == truth().utterances[0].start
    moved = Path(shutil.move(home / "truth.json", tmp_path / "truth.json")).parent
    assert known_turns(run) is None
    assert known_turns(run, moved) == beside


def test_an_rttm_is_taken_as_it_is(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.rttm"
    path.write_text("SPEAKER f 1 0.5 1.5 <NA> <NA> ana <NA> <NA>\n")
    assert known_turns(run, str(path)) == turns(("ana", 0.5, 2))


def test_a_reference_that_is_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no file '.*none\.rttm'"):
        known_turns(run, tmp_path / "none.rttm")
    with pytest.raises(BadInput, match=r"no file '.*truth\.json'"):
        known_turns(run, tmp_path)


def test_the_error_rate_and_its_parts(run: Run) -> None:
    found = run.turns.turns
    # The first turn is half a second longer, the last one was not said.
    real = [(t.speaker.lower(), t.start, t.end) for t in found[:-1]]
    real[0] = (real[0][0], real[0][1], real[0][2] + 0.25)
    table = error_table(held_against(turns(*real), run))
    total = sum(end - start for _, start, end in real)
    assert table["seconds"].to_dict() == pytest.approx(
        {
            "missed": 0.25,
            "false alarm": found[-1].end - found[-1].start,
            "confusion": 0,
            "DER": table["seconds"].sum() / 2,
        }
    )
    assert list(table["rate"] * total) == pytest.approx(list(table["seconds"]))


def test_the_repositorys_samples_are_found_from_any_folder(tmp_path: Path) -> None:
    asked = "from evaluation.suites import checkout; print(checkout('truth').Truth.__name__)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "Truth\n", done.stderr
