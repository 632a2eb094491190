"""The map of a run: states without work, and live."""

from pathlib import Path

from runs import NAMES, OwnBackends, opened

from dubkit.pipeline_map import LiveMap, StageState, states
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


def test_a_live_map_follows_the_events():
    handle = Handle()
    live = LiveMap("film", {name: StageState(name, "X", "to do") for name in NAMES}, handle)
    live(Event("validate", "started"))
    assert "▶ at work" in handle.pictures[-1]
    live(Event("validate", "done", seconds=1.25))
    assert "✓ made" in handle.pictures[-1] and "1.2 s" in handle.pictures[-1]
    live(Event("separate", "failed", seconds=3.0))
    assert "✗ failed" in handle.pictures[-1]
    live(Event("separate", "warning", note="<b>"))
    assert len(handle.pictures) == 3


def test_progress_is_drawn_now_and_then_only():
    handle = Handle()
    live = LiveMap("film", {"transcribe": StageState("transcribe", "Transcript", "to do")}, handle)
    live(Event("transcribe", "started"))
    for n in range(100):
        live(Event("transcribe", "progress", n, 100, "segments"))
    assert len(handle.pictures) < 5
    assert live.stages["transcribe"].note == "99 of 100 segments"
