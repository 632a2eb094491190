"""The path to many films: what follows from what was measured, on numbers that can be checked by head."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from benchmarks import scaling_measured
from benchmarks.scaling import DOCS, TABLES, table
from benchmarks.scaling_model import SPEED_UPS, Assumptions, Estimate, read

STAGES = ("validate", "separate", "diarize", "segment", "transcribe", "detect_gender", "translate", "assign_voices")
STAGES += ("synthesize", "assemble", "combine")


@pytest.fixture
def estimate() -> Estimate:
    """A film of 60 s: 60 s in shared stages, of which 50 in models; 30 s for a language, of which 20 in models."""
    seconds = dict.fromkeys(STAGES, (0.0, 0.0)) | {"separate": (10.0, 0.0), "diarize": (50.0, 50.0)}
    seconds |= {"synthesize": (20.0, 20.0), "assemble": (10.0, 0.0)}
    rows = [{"stage": name, "seconds": whole, "in models": models} for name, (whole, models) in seconds.items()]
    kept = {"bytes per minute": dict.fromkeys(STAGES, 1e6), "bytes of a message": 500}
    rates = {"changes_per_second": {"1": 2000, "6": 1000}, "seconds": {"read": 1.0}}
    given = Assumptions(videos=100, minutes=1.0, targets=2, row_seconds=5.0, film_mb=10.0, deaths=0.0, gpu_cores=8)
    return Estimate(given, SPEED_UPS, {"film": 60.0, "stages": rows}, kept, {"sqlite": rates, "postgresql": rates})


def test_languages_share_what_comes_before_the_translation(estimate):
    assert estimate.rows == 200
    assert estimate.of_film() == pytest.approx(60)
    assert estimate.of_target() == pytest.approx(30)
    assert estimate.row() == pytest.approx(60 / 2 + 30 + 5)
    assert estimate.worker_hours == pytest.approx(200 * 65 / 3600)


def test_longer_films_take_as_much_longer(estimate):
    longer = dataclasses.replace(estimate, given=dataclasses.replace(estimate.given, minutes=3.0))
    assert longer.row() == pytest.approx(3 * 60 + 5)
    assert longer.stored(per_target=False) == pytest.approx(3 * estimate.stored(per_target=False))


def test_a_gpu_speeds_up_what_is_in_models_alone(estimate):
    assert estimate.of_film(gpu=True) == pytest.approx(10 + 50 / 10)
    assert estimate.of_target(gpu=True) == pytest.approx(20 / 10 + 10)
    assert estimate.row(gpu=True) == pytest.approx(15 / 2 + 12 + 5)
    assert estimate.gpu_share == pytest.approx(5 / 2 + 2)
    # 24.5 s of a row, 4.5 of them on the GPU: it could serve six, but eight cores hold four.
    assert estimate.gpu_workers == 4
    assert estimate.gpu_rows == pytest.approx(3600 * 4 / 24.5)


def test_a_death_costs_half_a_stage_or_half_a_row(estimate):
    assert estimate.lost() == pytest.approx((10**2 + 50**2 + 20**2 + 10**2) / (2 * 90))
    assert estimate.lost(kept=False) == pytest.approx(45)
    deadly = dataclasses.replace(estimate, given=dataclasses.replace(estimate.given, deaths=3600.0))
    assert deadly.worker_hours == pytest.approx(estimate.worker_hours * (1 + estimate.lost() + 30))


def test_bytes_and_requests(estimate):
    # Six stages of a film and four of a language keep a megabyte each; the dub is as large as the film.
    assert (estimate.stored(per_target=False), estimate.stored(per_target=True)) == (6e6, 4e6)
    assert estimate.store_bytes == pytest.approx(100 * 6e6 + 200 * (4e6 + 10e6))
    assert estimate.result_bytes == pytest.approx(200 * 12e6)
    # 10 MB are two parts of 8 MiB: a look and two reads; two parts, begin and end, four subtitles, notebook and page.
    assert estimate.requests == (3, 10)


def test_the_ledger_hears_three_beats_in_a_lease_and_two_changes_for_each_row(estimate):
    assert estimate.changes(300) == pytest.approx(300 * (0.1 + 2 / 65) + 4)


def test_what_is_too_much_is_marked(estimate):
    rows = {row[0]: row[1:] for row in TABLES["loads"](estimate)}
    assert rows["ledger: connections"] == ["11", "101 **over**", "1001 **over**", "PostgreSQL 97"]
    assert rows["shared store: MB/s written"][:3] == ["2.6", "26.2", "261.5"]


def test_the_docs_have_what_the_script_computes():
    found = read(Assumptions(), SPEED_UPS)
    text = DOCS.read_text(encoding="utf-8")
    for name, made in TABLES.items():
        shown = re.search(rf"<!-- {name}: [^\n]*-->\n\n(.*?)\n\n<!-- {name} end -->", text, re.DOTALL)
        assert shown, name
        assert shown[1] == table(made(found)), "run: python -m benchmarks.scaling --publish"


def test_every_assumption_has_a_line_with_its_option():
    lines = table(TABLES["assumptions"](read(Assumptions(), SPEED_UPS)))
    assert all(f"`--{one.name.replace('_', '-')}`" in lines for one in dataclasses.fields(Assumptions))
    assert "not measured" in lines


def test_a_run_s_bytes_are_those_of_its_stages_and_of_the_items_they_name(finished):
    ((length, found),) = scaling_measured.finished(finished)
    assert length == pytest.approx(6.0, abs=0.1)
    assert set(found) == set(STAGES)
    speech = json.loads(next((finished / "synthesize").glob("*/artefact.json")).read_text())
    own = sum(p.stat().st_size for p in next((finished / "synthesize").iterdir()).iterdir())
    clips = {finished / clip["audio"]["path"] for clip in speech["clips"]}
    assert found["synthesize"] == own + sum(path.stat().st_size for path in clips)
