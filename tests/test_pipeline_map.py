"""The map of a run: states without work, and live."""

from pathlib import Path

import pytest
from runs import OwnBackends, opened

from dubkit.pipeline_map import LiveMap, states
from dubkit.progress import Event


def by_state(run) -> dict[str, str]:
    return {one.stage: one.state for one in states(run)}


def test_a_new_run_has_everything_to_do_and_the_map_does_nothing(talk: Path, tmp_path: Path, backends: OwnBackends):
    run = opened(talk, tmp_path / "store")
    assert set(by_state(run).values()) == {"to do"}
    assert "0 of 11 stages done" in run._repr_html_()
    assert not backends.asked


def test_states_tell_made_from_reused_from_merely_there(store: Path, talk: Path, tmp_path: Path, backends: OwnBackends):
    run = opened(talk, tmp_path / "new").until("diarize")
    assert list(by_state(run).values()) == ["made"] * 3 + ["to do"] * 8
    again = opened(talk, store).until("diarize")
    assert list(by_state(again).values()) == ["reused"] * 3 + ["in the store"] * 8
    assert again._repr_html_().count("✓") == 0


def test_seconds_rows_and_corrections_are_told(store: Path, talk: Path, backends: OwnBackends):
    run = opened(talk, store)
    first = run.transcript.utterances[0].id
    run.edit("transcribe", {first: "Different."})
    found = {one.stage: one for one in states(run)}
    assert found["transcribe"].n_edits == 1 and "1 corrected" in run._repr_html_()
    assert found["transcribe"].seconds is not None
    assert found["diarize"].note == f"{len(run.turns.turns)} turns"
    # What is translated is no longer what is in the store.
    assert found["translate"].state == "to do" and found["detect_gender"].state == "in the store"


def test_a_supplied_artefact_is_shown_as_such(store: Path, talk: Path, backends: OwnBackends):
    run = opened(talk, store)
    run.supply(run.turns.but(turns=run.turns.turns[:1]))
    found = by_state(run)
    assert found["diarize"] == "supplied" and found["segment"] == "to do"


class Handle:
    def __init__(self) -> None:
        self.pictures: list[str] = []

    def update(self, shown) -> None:
        self.pictures.append(shown.data)


@pytest.fixture
def live(store: Path, talk: Path, backends: OwnBackends) -> LiveMap:
    """A live map of a run whose results are in the store."""
    run = opened(talk, store)
    run.observers = (LiveMap(run, Handle()),)
    return run.observers[0]


def test_a_live_map_ends_as_the_still_one_looks(live):
    live.run.until("combine")
    pictures = live.handle.pictures
    assert "11 of 11 stages done" in pictures[-1] and pictures[-1].count("= reused") == 11
    assert pictures[-1].partition("<span>")[2] == live.run._repr_html_().partition("<span>")[2]


def test_a_live_map_shows_what_is_at_work_and_what_failed(talk: Path, tmp_path: Path, backends: OwnBackends):
    run = opened(talk, tmp_path / "store")
    live = LiveMap(run, Handle())
    live(Event("validate", "started"))
    assert "▶ at work" in live.handle.pictures[-1]
    run.until("validate")
    live(Event("validate", "done", seconds=1.25))
    assert "✓ made" in live.handle.pictures[-1]
    live(Event("separate", "failed", seconds=3.0))
    assert "✗ failed" in live.handle.pictures[-1]


def test_a_correction_is_seen_and_what_depends_on_it_is_to_do_again(live):
    run = live.run.until("combine")
    run.edit("translate", {run.translation.lines[0].id: "Outra coisa."})
    assert run.translation.lines[0].text == "Outra coisa."
    assert "1 corrected" in live.handle.pictures[-1]
    assert live.stages["synthesize"].state == "to do" and live.stages["transcribe"].state == "reused"


def test_warnings_stand_under_the_map_still_and_live(live, monkeypatch):
    live(Event("diarize", "warning", note="<b>No speech</b> was found."))
    live(Event("diarize", "warning", note="<b>No speech</b> was found."))
    assert live.handle.pictures[-1].count("⚠ diarize: &lt;b&gt;No speech&lt;/b&gt; was found.") == 1
    found = live.run.known()["turns"]
    monkeypatch.setitem(found.record, "warnings", ["Kept beside it."])
    monkeypatch.setattr(live.run, "known", lambda: {"turns": found})
    assert "⚠ diarize: Kept beside it." in live.run._repr_html_()


def test_progress_is_drawn_now_and_then_only(live):
    live(Event("transcribe", "started"))
    for n in range(100):
        live(Event("transcribe", "progress", n, 100, "segments"))
    assert len(live.handle.pictures) < 5
    assert live.stages["transcribe"].note == "99 of 100 segments"
