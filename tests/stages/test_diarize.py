from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import SPEECH_RATE, silence, sine, turns
from builders import tracks as make_tracks
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import ToneDiarizer

from dubkit.artefacts import Turns
from dubkit.backends.protocols import Diarization
from dubkit.errors import BadInput
from dubkit.progress import Event, Report
from dubkit.stage import Stopwatch
from dubkit.stages.diarize import DiarizeSettings, diarize, link, rttm

LOW, HIGH = 200.0, 500.0


def talk(*parts: tuple[float, float]) -> np.ndarray:
    """Tones and pauses from (Hz, seconds); 0 Hz is a pause."""
    return np.concatenate(
        [sine(s, hz=hz, rate=SPEECH_RATE) if hz else silence(s, SPEECH_RATE) for hz, s in parts]
    ).astype(np.float32)


def heard(heard: np.ndarray, folder: Path, report: Report, backend: Any = None, **options: object) -> tuple[Turns, Any]:
    backend = backend or ToneDiarizer()
    tracks = make_tracks(folder / "tracks", np.zeros(10, np.float32), speech=heard)
    settings = DiarizeSettings(**options)  # type: ignore[arg-type]
    return diarize(tracks, settings=settings, backend=backend, folder=folder, report=report), backend


def spans(found: Turns) -> list[tuple[str, float, float]]:
    return [(t.speaker, t.start, t.end) for t in found.turns]


def test_speakers_are_named_in_order_of_appearance(folder: Path, report: Report, events: list[Event]) -> None:
    found, backend = heard(talk((0, 1), (HIGH, 1), (0, 0.5), (LOW, 1), (0, 0.5), (HIGH, 1)), folder, report)
    assert spans(found) == [("S1", 1.0, 2.0), ("S2", 2.5, 3.5), ("S1", 4.0, 5.0)]
    assert [t.id for t in found.turns] == ["t0001", "t0002", "t0003"]
    assert len(backend.asked) == 1
    assert [(e.status, e.done, e.total) for e in events] == [("progress", 1, 1)]
    assert (folder / "turns.rttm").read_text() == rttm(found)


def test_long_sound_is_heard_in_equal_blocks_and_speakers_are_matched(folder: Path, report: Report) -> None:
    # The high voice speaks first in block two, so that its label there is another one.
    sound = talk((LOW, 2), (0, 1), (HIGH, 2), (0, 1), (HIGH, 2), (0, 1), (LOW, 2), (0, 1))
    found, backend = heard(sound, folder, report, block_minutes=0.1)
    assert backend.asked == [6 * SPEECH_RATE, 6 * SPEECH_RATE]
    assert spans(found) == [("S1", 0, 2), ("S2", 3, 5), ("S2", 6, 8), ("S1", 9, 11)]
    whole, _ = heard(sound, folder, report, block_minutes=10)
    assert whole == found


def test_what_is_known_of_the_speakers_is_passed_on(folder: Path, report: Report) -> None:
    class Listening(ToneDiarizer):
        def diarize(self, waveform: np.ndarray, **known: int | None) -> Diarization:  # type: ignore[override]
            self.asked.append(known)
            return super().diarize(waveform)

    _, backend = heard(talk((LOW, 1)), folder, report, Listening(), n_speakers=2, min_speakers=2, max_speakers=4)
    assert backend.asked[0] == {"n_speakers": 2, "min_speakers": 2, "max_speakers": 2}


def test_no_turn_reaches_beyond_the_film(folder: Path, report: Report) -> None:
    class Overshooting(ToneDiarizer):
        def diarize(self, waveform: np.ndarray, **known: int | None) -> Diarization:  # type: ignore[override]
            return Diarization(((0.5, 2.7, "a"), (2.1, 2.6, "a")), {"a": np.array([1.0, 0.0])})

    found, _ = heard(talk((LOW, 2)), folder, report, Overshooting())
    assert spans(found) == [("S1", 0.5, 2.0)]


def test_silence_has_no_turns_and_says_so(folder: Path, report: Report, events: list[Event]) -> None:
    found, _ = heard(silence(2.0, SPEECH_RATE), folder, report)
    assert found.turns == ()
    assert [e.note for e in events if e.status == "warning"] == ["No speech was found."]
    assert (folder / "turns.rttm").read_text() == ""


def test_rttm_has_a_line_per_turn() -> None:
    assert rttm(turns(("S1", 0.5, 1.75), ("S2", 10, 12.25)), "talk") == (
        "SPEAKER talk 1 0.500 1.250 <NA> <NA> S1 <NA> <NA>\nSPEAKER talk 1 10.000 2.250 <NA> <NA> S2 <NA> <NA>\n"
    )


def unit(*values: float) -> np.ndarray:
    return np.array(values) / np.linalg.norm(values)


def test_voices_are_linked_to_the_nearest_known_one() -> None:
    first = {"a": unit(1, 0, 0), "b": unit(0, 1, 0)}
    second = {"x": unit(0.1, 1, 0), "y": unit(1, 0.1, 0), "z": unit(0, 0, 1)}
    assert link([first, second], 0.5) == [{"a": "0", "b": "1"}, {"x": "1", "y": "0", "z": "2"}]


def test_two_voices_of_one_block_are_never_one_speaker() -> None:
    named = link([{"a": unit(1, 0)}, {"x": unit(1, 0.1), "y": unit(1, 0.2)}], 0.5)
    assert named[1]["x"] == named[0]["a"]
    assert named[1]["y"] != named[1]["x"]


def test_all_voices_are_matched_together_not_one_by_one() -> None:
    # x is nearest to a, but so is y, which fits nothing else.
    first = {"a": unit(1, 0, 0), "b": unit(0.8, 0.6, 0)}
    second = {"x": unit(0.9, 0.35, 0), "y": unit(1, 0, 0.3)}
    assert link([first, second], 0.5)[1] == {"x": "1", "y": "0"}


def test_a_voice_far_from_all_is_new_and_known_from_then_on() -> None:
    blocks = [{"a": unit(1, 0)}, {"x": unit(0, 1)}, {"p": unit(0, 1), "q": unit(1, 0)}]
    assert link(blocks, 0.5) == [{"a": "0"}, {"x": "1"}, {"p": "1", "q": "0"}]


def test_a_voice_is_remembered_as_the_mean_of_what_was_heard() -> None:
    drifting = [{"a": unit(np.cos(t), np.sin(t))} for t in (0.0, 0.6, 0.9, 1.1)]
    assert link(drifting, 0.3) == [{"a": "0"}] * 4
    assert link([drifting[0], drifting[3]], 0.3) == [{"a": "0"}, {"a": "1"}]


def test_a_block_in_which_nobody_speaks_changes_nothing() -> None:
    assert link([{}, {"a": unit(1, 0)}, {}, {"b": unit(1, 0)}], 0.5) == [{}, {"a": "0"}, {}, {"b": "0"}]


vectors = st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda v: np.linalg.norm(v) > 0.1)


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), vectors, max_size=4), max_size=5), st.floats(0.05, 1.5))
def test_every_voice_gets_a_name_of_its_own_in_its_block(
    blocks: list[dict[str, list[float]]], threshold: float
) -> None:
    named = link([{k: unit(*v) for k, v in block.items()} for block in blocks], threshold)
    assert [set(names) for names in named] == [set(block) for block in blocks]
    for names in named:
        assert len(set(names.values())) == len(names)


def test_a_threshold_is_handed_on_only_where_it_is_set(folder: Path, report: Report) -> None:
    class Listening(ToneDiarizer):
        def diarize(self, waveform: np.ndarray, *, threshold: float | None = None, **known: int | None) -> Diarization:  # type: ignore[override]
            self.asked.append(threshold)
            return super().diarize(waveform)

    _, backend = heard(talk((LOW, 1)), folder, report, Listening(), threshold=0.4)
    assert backend.asked[0] == 0.4
    _, without = heard(talk((LOW, 1)), folder, report)
    assert len(without.asked) == 1


def test_a_back_end_without_a_threshold_says_so(folder: Path, report: Report) -> None:
    backend = ToneDiarizer()
    complaint = r"diarize\.threshold is 0\.4, but the diarizer ToneDiarizer@1 has none.*diarize\.n_speakers"
    with pytest.raises(BadInput, match=complaint):
        heard(talk((LOW, 1)), folder, report, backend, threshold=0.4)
    with pytest.raises(BadInput, match=complaint):
        heard(talk((LOW, 1)), folder, report, Stopwatch(backend), threshold=0.4)
    assert backend.asked == []


@pytest.mark.parametrize(
    "settings", [{"n_speakers": 0}, {"block_minutes": 0}, {"link_threshold": 2}, {"threshold": 0}, {"threshold": 2}]
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        DiarizeSettings(**settings)  # type: ignore[arg-type]


def test_limits_that_leave_no_number_of_speakers_are_refused(folder: Path, report: Report) -> None:
    with pytest.raises(BadInput, match=r"min_speakers is 4, but diarize\.max_speakers only 2"):
        heard(talk((LOW, 1)), folder, report, min_speakers=4, max_speakers=2)


def test_voices_of_many_blocks_are_no_more_speakers_than_there_can_be() -> None:
    first = {"a": unit(1, 0, 0, 0), "b": unit(0, 1, 0, 0)}
    second = {"x": unit(0, 1, 2, 0), "y": unit(1, 0, 0, 2)}
    assert {n for names in link([first, second], 0.5) for n in names.values()} == {"0", "1", "2", "3"}
    assert link([first, second], 0.5, 2)[1] == {"x": "1", "y": "0"}
    three = link([first, second], 0.5, 3)[1]
    # The farther of the two is the third.
    assert three in ({"x": "1", "y": "2"}, {"x": "2", "y": "0"})
    many = link([{"a": unit(1, 0, 0, 0)}, {**first, "c": unit(0, 0, 1, 0)}], 0.5, 3)[1]
    assert many == {"a": "0", "b": "1", "c": "2"}


def test_in_a_long_film_only_the_upper_limit_holds_for_a_part(folder: Path, report: Report) -> None:
    class Listening(ToneDiarizer):
        def diarize(self, waveform: np.ndarray, **known: int | None) -> Diarization:  # type: ignore[override]
            self.asked.append(known)
            return super().diarize(waveform)

    sound = talk((LOW, 2), (0, 1), (HIGH, 2), (0, 1), (HIGH, 2), (0, 1), (LOW, 2), (0, 1))
    _, backend = heard(sound, folder, report, Listening(), n_speakers=2, block_minutes=0.1)
    assert backend.asked[::2] == [{"n_speakers": None, "min_speakers": 1, "max_speakers": 2}] * 2
