from pathlib import Path

import numpy as np
import pytest
import soundfile
from builders import silence, sound, turns

from dubkit import voice_prints
from dubkit.audio import resample
from dubkit.errors import BadInput


def spoken() -> tuple[np.ndarray, list[str], list[np.ndarray]]:
    """A telephone call of two that comes with pyannote.audio: its turns of 2 s and more."""
    import pyannote.audio

    folder = Path(pyannote.audio.__file__).parent / "sample"
    call, rate = soundfile.read(folder / "sample.wav", dtype="float32")
    rows = [line.split() for line in (folder / "sample.rttm").read_text().splitlines()]
    turns = [(float(r[3]), float(r[4]), r[7]) for r in rows if float(r[4]) >= 2]
    cut = [call[round(start * rate) : round((start + length) * rate)] for start, length, _ in turns]
    assert rate == voice_prints.SAMPLE_RATE
    return call, [who for _, _, who in turns], cut


def test_lines_of_one_speaker_are_more_alike_than_those_of_two() -> None:
    _, speakers, sounds = spoken()
    found = voice_prints.prints(sounds, 16_000)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0)
    cosines = found @ found.T
    same = np.equal.outer(speakers, speakers)
    apart = ~np.eye(len(speakers), dtype=bool)
    assert cosines[same & apart].mean() > cosines[~same].mean() + 0.2


def test_level_and_rate_change_little_and_silence_has_no_print() -> None:
    _, _, sounds = spoken()
    plain, softer, silent = voice_prints.prints([sounds[0], 0.1 * sounds[0], silence(2.0, 16_000)], 16_000)
    (dense,) = voice_prints.prints([resample(sounds[0], 16_000, 48_000)], 48_000)
    assert plain @ softer > 0.999
    assert plain @ dense > 0.99
    assert not silent.any()


def test_what_has_no_print_is_refused() -> None:
    with pytest.raises(BadInput, match=r"Sound 1 lasts 0\.50 s"):
        voice_prints.prints([silence(1.0, 16_000), silence(0.5, 16_000)], 16_000)
    with pytest.raises(BadInput, match=r"Sound 0 has the shape \(32000, 2\)"):
        voice_prints.prints([np.zeros((32_000, 2), np.float32)], 16_000)
    with pytest.raises(BadInput, match="rate is 0 Hz"):
        voice_prints.prints([], 0)


def test_turns_have_prints_where_they_are_long_enough_and_sound(tmp_path: Path) -> None:
    call, _, _ = spoken()
    film = sound(tmp_path / "a.flac", np.concatenate([call[: 30 * 16_000], silence(2, 16_000)]), 16_000)
    # The last one passes the film's end: what is left of it is too short.
    found = turns(("S1", 22, 26), ("S2", 11, 11.99), ("S1", 30.1, 31.9), ("S2", 11, 12), ("S2", 31.5, 34))
    by_turn = voice_prints.of_turns(found, film)
    assert list(by_turn) == ["t0001", "t0004"]
    alone = voice_prints.prints([film.load(22, 26)], 16_000)[0]
    assert by_turn["t0001"] == pytest.approx(alone)
