"""Suites: items that fail, runs that go on, and several workers."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from known_film import Deadly, item, write_stems
from stand_ins import ToneSynthesizer

from dubkit import voice_prints
from dubkit.progress import Event
from dubkit.settings import Settings
from evaluation import harness
from evaluation.harness import DIED, run
from evaluation.judging import quality_model
from evaluation.metrics.quality import Rating
from evaluation.results import Outcome
from evaluation.suites import Item
from evaluation.system import System

EMBEDDED = System("embedded")


@pytest.fixture
def known(talk, tmp_path, backends, monkeypatch):
    monkeypatch.setattr(quality_model, "rated", lambda sounds, rate: [Rating(3.0, 4.0, 3.5)] * len(sounds))
    monkeypatch.setattr(voice_prints, "prints", lambda sounds, rate: np.eye(4)[: len(sounds)])
    return item(talk, write_stems(tmp_path / "stems"))


def renamed(one: Item, name: str, **changes) -> Item:
    return dataclasses.replace(one, id=name, **changes)


def told(result) -> dict[str, str]:
    return {one["id"]: one["error"] for one in result.provenance["items"]}


def rows(table) -> list[tuple[object, ...]]:
    return [tuple(map(str, row)) for row in table.itertuples(index=False)]


class TestRun:
    def test_an_item_that_fails_is_told_and_the_others_go_on(self, suite, known, tmp_path):
        watched: list[tuple[str, Event]] = []
        films = suite(renamed(known, "gone>pt", video=tmp_path / "gone.mp4"), known)
        found = run(films, EMBEDDED, tmp_path / "s", workers=1, watch=lambda *what: watched.append(what))
        assert list(told(found)) == ["gone>pt", "talk>pt"]
        assert told(found)["gone>pt"].startswith("There is no file") and not told(found)["talk>pt"]
        assert set(found.samples["item"]) == {"talk>pt"}
        assert found.value("timing.onset") >= 0
        ended = [(name, e.status) for name, e in watched if e.stage == "item"]
        assert ended == [("gone>pt", "started"), ("gone>pt", "failed"), ("talk>pt", "started"), ("talk>pt", "done")]
        assert {e.stage for name, e in watched if name == "talk>pt"} >= {"validate", "combine", "appraise"}

    def test_the_same_command_again_asks_nobody(self, suite, known, tmp_path, backends):
        films = suite(known)
        first = run(films, EMBEDDED, tmp_path / "s", workers=1)
        backends.renew()
        again = run(films, EMBEDDED, tmp_path / "s", workers=1)
        assert backends.asked == {}
        assert rows(again.samples) == rows(first.samples)
        assert rows(again.scores) == rows(first.scores)
        assert rows(again.lines) == rows(first.lines)

    def test_after_a_crash_it_goes_on_where_it_stopped(self, suite, known, tmp_path, backends):
        films = suite(known)
        backends.renew(synthesizer=ToneSynthesizer(breaks_after=2))
        broken = run(films, EMBEDDED, tmp_path / "s", workers=1)
        assert "The stage synthesize failed" in told(broken)["talk>pt"]
        assert len(broken.samples) == 0
        backends.renew()
        whole = run(films, EMBEDDED, tmp_path / "s", workers=1)
        assert told(whole) == {"talk>pt": ""}
        assert "translator" not in backends.asked and "diarizer" not in backends.asked
        assert backends.asked["synthesizer"] == 1
        # The recogniser is the judge here.
        assert backends.asked["transcriber"] == 1

    def test_an_interrupt_stops_it_and_nothing_finished_is_lost(self, suite, known, tmp_path, backends):
        def stop(name: str, event: Event) -> None:
            if (event.stage, event.status) == ("translate", "done"):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(suite(known), EMBEDDED, tmp_path / "s", workers=1, watch=stop)
        backends.renew()
        assert told(run(suite(known), EMBEDDED, tmp_path / "s", workers=1)) == {"talk>pt": ""}
        assert not {"translator", "diarizer", "separator"} & set(backends.asked)

    def test_settings_of_the_system_go_before_those_of_an_item(self, suite, known, tmp_path):
        own = renamed(
            known,
            "talk>pt",
            given=("diarize", "transcribe"),
            changes={"segment.max_length": 20, "segment.padding": 0.1},
        )
        system = System("embedded", {"segment.max_length": 9}, ("transcribe",))
        jobs = [harness._job(own, suite(own), system, Settings(), n, tmp_path) for n in (1, 2)]
        assert [j.settings.segment.max_length for j in jobs] == [9, 9]
        assert [j.settings.segment.padding for j in jobs] == [0.1, 0.1]
        assert [j.given for j in jobs] == [("diarize", "transcribe")] * 2
        assert jobs[0].settings.compute == Settings().compute
        assert jobs[1].settings.compute.n_threads == max(1, Settings().compute.n_threads // 2)


class TestSeveralWorkers:
    """In real processes, without models: films are just looked at."""

    @pytest.fixture
    def films(self, tiny, tmp_path):
        good = [renamed(item(tiny), f"film{n}>pt", truth=None) for n in range(2)]
        return [good[0], renamed(good[0], "gone>pt", video=tmp_path / "gone.mp4"), good[1]]

    def test_give_the_tables_that_one_gives(self, suite, films, tmp_path):
        looked = suite(*films, until="validate")
        one = run(looked, EMBEDDED, tmp_path / "s", workers=1)
        watched: list[tuple[str, str]] = []
        two = run(
            looked, EMBEDDED, tmp_path / "s", workers=2,
            watch=lambda name, event: watched.append((name, event.status if event.stage == "item" else event.stage)),
        )  # fmt: skip
        assert rows(two.samples) == rows(one.samples)
        assert rows(two.scores) == rows(one.scores)
        assert len(two.samples) > 0
        assert told(two) == told(one)
        assert told(two)["gone>pt"].startswith("There is no file")
        assert [w for w in watched if w[0] == "film1>pt"] == [
            ("film1>pt", "started"),
            ("film1>pt", "validate"),
            ("film1>pt", "done"),
        ]
        assert [w for w in watched if w[0] == "gone>pt"] == [("gone>pt", "started"), ("gone>pt", "failed")]

    def test_one_that_dies_is_told_and_nothing_hangs(self, suite, films, tmp_path):
        deadly = Deadly(**vars(renamed(films[0], "deadly>pt")))
        found = run(suite(deadly, *films, until="validate"), EMBEDDED, tmp_path / "s", workers=2)
        errors = told(found)
        assert list(errors) == ["deadly>pt", "film0>pt", "gone>pt", "film1>pt"]
        assert errors["deadly>pt"] == DIED
        assert all(e in ("", DIED) or e.startswith("There is no file") for e in errors.values())

    def test_whoever_stops_it_does_not_wait_for_what_has_not_begun(self, suite, films, tmp_path, monkeypatch):
        done: list[str] = []

        def slow(job, tell) -> Outcome:
            time.sleep(0.3)
            done.append(job.item.id)
            return Outcome(job.item.id)

        def stop(name: str, event: Event) -> None:
            if event.status == "done":
                raise KeyboardInterrupt

        monkeypatch.setattr(harness, "ProcessPoolExecutor", lambda n, mp_context: ThreadPoolExecutor(n))
        monkeypatch.setattr(harness, "perform", slow)
        many = [renamed(films[0], f"film{n}>pt") for n in range(30)]
        with pytest.raises(KeyboardInterrupt):
            run(suite(*many, until="validate"), EMBEDDED, tmp_path / "s", workers=2, watch=stop)
        assert len(done) < 10


def test_results_can_be_kept(suite, known, tmp_path: Path):
    from evaluation.results import ResultSet

    made = run(suite(known), EMBEDDED, tmp_path / "s", workers=1)
    read = ResultSet.open(made.save(tmp_path / "results"))
    assert read.provenance == made.provenance
    assert rows(read.scores) == rows(made.scores)
    assert set(read.lines["sound"]) and all((tmp_path / "s" / p).is_file() for p in read.lines["sound"])
