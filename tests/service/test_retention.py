import os
import time
from pathlib import Path
from typing import Any

import pytest
from service_desk import Desk

from dubkit.service import previews
from dubkit.service.workers import retention
from dubkit.service.workers.retention import Swept, sweep

DAY = 24 * 3600.0


@pytest.fixture
def desk(tmp_path: Path, backends: Any) -> Desk:
    return Desk(tmp_path / "home", keep_films=0.0, keep_dubs=0.0, keep_results=0.0)


def swept(desk: Desk, **ages: float) -> Swept:
    """Sweep with other ages than for ever."""
    from dataclasses import replace

    return sweep(desk.jobs, replace(desk.config, **ages), desk.storage)


def names(desk: Desk, prefix: str) -> list[str]:
    return sorted(stored.name for stored in desk.storage.names(prefix))


def age(folder: Path, seconds: float) -> None:
    """Let all files look that old."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - seconds,) * 2)


def test_nothing_goes_before_its_time(desk, talk):
    job = desk.work(desk.add(talk).id)
    assert swept(desk, keep_films=DAY, keep_dubs=DAY, keep_results=DAY) == Swept(0, 0, 0, 0)
    assert len(names(desk, "dubs")) == len(job.outputs) and len(names(desk, "films")) == 1


def test_each_kind_goes_at_its_own_age(desk, talk):
    job = desk.work(desk.add(talk).id)
    assert swept(desk, keep_films=1e-3) == Swept(1, 0, 0, 0)
    assert names(desk, "films") == [] and len(names(desk, "dubs")) == len(job.outputs)
    assert swept(desk, keep_dubs=1e-3) == Swept(0, 1, 0, 0)
    assert names(desk, "dubs") == []
    age(desk.config.store, 2 * DAY)
    assert swept(desk, keep_results=DAY).result_bytes > 0
    assert not list(desk.config.store.glob("*/*/record.json"))
    kept = desk.jobs.find(job.id)
    assert (kept.status, kept.outputs, kept.film.place) == ("completed", (), "")


def test_the_film_of_a_job_that_waits_stays(desk, talk):
    done = desk.work(desk.add(talk).id)
    desk.jobs.again(done.id, None)
    assert swept(desk, keep_films=1e-3, keep_dubs=1e-3) == Swept(0, 0, 0, 0)
    assert names(desk, "films") == [done.film.place]


def test_what_nobody_refers_to_goes_when_it_is_a_day_old(desk, talk):
    job = desk.work(desk.add(talk).id)
    kept = names(desk, "")
    beside = f"{job.outputs[0].place.rpartition('/')[0]}/all.zip"
    orphans = [f"dubs/{job.id}/0-99/video.mp4", "dubs/gone/0-1/video.mp4", "films/lost/film.mp4", "previews/x/1.mp4"]
    for name in (beside, *orphans):
        desk.storage.upload(talk, name)
    assert swept(desk).orphans == 0
    age(Path(desk.config.storage), 1.01 * retention.ORPHANED)
    assert swept(desk).orphans == len(orphans)
    assert names(desk, "") == sorted([*kept, beside])


def test_previews_go_a_day_after_they_ended(desk, talk):
    job = desk.work(desk.add(talk).id)
    preview, _ = desk.jobs.add(previews.wanted(job, 0.0, 2.0))
    desk.work(preview.id)
    assert swept(desk) == Swept(0, 0, 0, 0) and len(desk.jobs.previews(job.id)) == 1
    before = len(names(desk, "dubs"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(retention, "ORPHANED", 0.0)
        retention._sweep_previews(desk.jobs, desk.storage)
    assert desk.jobs.previews(job.id) == [] and len(names(desk, "dubs")) < before
    assert desk.jobs.find(job.id).outputs == job.outputs
