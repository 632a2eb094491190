import math
import subprocess
from pathlib import Path

import numpy as np
import pytest
from builders import FILM_RATE, silence, sine, sound
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from dubkit.media import ffmpeg_program
from evaluation.metrics import sync
from evaluation.statistics import estimate

QUIET = [(1.0, 3.0), (11.0, 12.5), (13.0, 16.0)]
SECONDS = 20.0


def bed(seed: int = 1) -> np.ndarray:
    """Coloured noise, both channels."""
    noise = np.random.default_rng(seed).standard_normal(round(SECONDS * FILM_RATE))
    soft = np.convolve(noise, np.hanning(16) / 8, "same")
    return np.stack([0.05 * soft] * 2, axis=1).astype(np.float32)


def film(folder: Path, name: str, samples: np.ndarray, fps: int = 25) -> Path:
    """An MP4 with AAC."""
    heard = sound(folder / f"{name}.flac", samples).path
    command = ["-f", "lavfi", "-i", f"testsrc=size=64x48:rate={fps}:duration={SECONDS}", "-i", str(heard)]
    return made(folder / f"{name}.mp4", *command, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")


def shifted(source: Path, target: Path, *, sound_late: float, picture_late: float) -> Path:
    """The same packets at other times."""
    inputs = ["-itsoffset", str(picture_late), "-i", str(source), "-itsoffset", str(sound_late), "-i", str(source)]
    return made(target, *inputs, "-map", "0:v", "-map", "1:a", "-c", "copy")


def made(target: Path, *arguments: str) -> Path:
    subprocess.run([ffmpeg_program(), "-v", "error", *arguments, str(target)], check=True)
    return target


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("original"), "film", bed())


def spoken(samples: np.ndarray) -> np.ndarray:
    """With a voice outside of the quiet stretches."""
    out = samples.copy()
    for start, end in ((3.2, 10.8), (16.2, 19.0)):
        a, b = round(start * FILM_RATE), round(end * FILM_RATE)
        out[a:b] += sine(end - start, hz=150, level=0.3)[: b - a, None]
    return out


def test_an_undamaged_dub_is_in_step(tmp_path: Path, original: Path) -> None:
    found = sync.score(film(tmp_path, "dub", 0.5 * spoken(bed())), original, QUIET)
    assert found.av_offset == pytest.approx(0.0, abs=0.001)
    assert (found.measured, found.same_pictures, found.picture_shift) == (1.0, True, 0.0)
    # The longest stretch of each window.
    assert [(s.window, s.start, s.end) for s in found.stretches] == [("0 s", 1.0, 3.0), ("10 s", 13.0, 16.0)]


def test_a_sound_that_is_late_inside_its_track_is_found(tmp_path: Path, original: Path) -> None:
    late = np.concatenate([np.zeros((9600, 2), np.float32), bed()])[: round(SECONDS * FILM_RATE)]
    found = sync.score(film(tmp_path, "dub", late), original, QUIET)
    assert list(found.offsets.values()) == pytest.approx([0.2, 0.2], abs=0.001)


@pytest.mark.parametrize(
    ("sound_late", "picture_late", "expected"), [(0.2, 0, 0.2), (0, 0.2, -0.2), (0.04, 0.12, -0.08)]
)
def test_a_container_that_shifts_its_streams_is_found(
    tmp_path: Path, original: Path, sound_late: float, picture_late: float, expected: float
) -> None:
    dub = shifted(original, tmp_path / "dub.mp4", sound_late=sound_late, picture_late=picture_late)
    found = sync.score(dub, original, QUIET)
    assert list(found.offsets.values()) == pytest.approx([expected] * 2, abs=0.001)
    assert found.av_offset == pytest.approx(abs(expected), abs=0.001)
    assert found.same_pictures


def test_other_sound_gives_no_answer(tmp_path: Path, original: Path) -> None:
    found = sync.score(film(tmp_path, "dub", bed(seed=2)), original, QUIET)
    assert found.measured == 0
    assert math.isnan(found.av_offset)
    assert {s.measure for s in found.samples()} == {"sync.measured"}


@pytest.mark.parametrize("kind", ["silence", "tone"])
def test_silence_and_what_repeats_itself_give_no_answer(tmp_path: Path, kind: str) -> None:
    samples = {"silence": silence(SECONDS), "tone": sine(SECONDS, hz=100)}[kind]
    path = film(tmp_path, "film", np.stack([samples] * 2, axis=1))
    assert sync.score(path, path, QUIET).measured == 0


def test_pictures_at_other_times_are_told(tmp_path: Path, original: Path) -> None:
    found = sync.score(film(tmp_path, "dub", bed(), fps=24), original, QUIET)
    assert not found.same_pictures
    assert found.av_offset == pytest.approx(0.0, abs=0.001)


def test_samples_pool_to_the_figures(original: Path) -> None:
    found = sync.Synchrony(
        tuple(sync.Stretch(f"{n}0 s", 0, 1, x, 1) for n, x in enumerate((0.01, -0.05, None, 0.03))), 0.02, True
    )
    assert found.av_offset == pytest.approx(0.01)
    assert found.measured == 0.75
    for measure in sync.MEASURES:
        mine = [s.parts for s in found.samples() if s.measure == measure.name]
        assert estimate(mine, measure).value == pytest.approx(getattr(found, measure.name.partition(".")[2]))


@given(st.integers(0, 400), st.integers(20, 100), st.floats(0.1, 10))
def test_the_correlation_is_one_at_the_place_and_nowhere_more(at: int, length: int, gain: float) -> None:
    wide = np.random.default_rng(at).standard_normal(500)
    found = sync.correlation(wide, gain * wide[at : at + length])
    assert len(found) == 500 - length + 1
    assert np.argmax(found) == at
    assert found[at] == pytest.approx(1.0)
    # By its definition, elsewhere.
    one, other = wide[:length], wide[at : at + length]
    assert found[0] == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize(
    ("quiet", "said"),
    [
        ([], "no quiet stretches"),
        ([(2.0, 1.0)], "2.0 to 1.0 s"),
        ([(1.0, 1.2)], r"No quiet stretch lasts 0\.5 s"),
        ([(100.0, 102.0)], "beyond the end"),
    ],
)
def test_stretches_that_say_nothing_are_refused(original: Path, quiet: list[tuple[float, float]], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        sync.score(original, original, quiet)


def test_a_missing_file_is_refused(original: Path) -> None:
    with pytest.raises(BadInput, match=r"no file 'dub\.mp4'"):
        sync.score(original.with_name("dub.mp4"), original, QUIET)
