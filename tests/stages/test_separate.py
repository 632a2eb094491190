from collections.abc import Callable
from pathlib import Path

import numpy as np
import odd_videos
import pytest
from stand_ins import Halver

from dubkit import media
from dubkit.artefacts import Tracks, Video
from dubkit.progress import Event, Report
from dubkit.record import File
from dubkit.stages.separate import SeparateSettings, separate


def separated(
    path: Path, folder: Path, backend: Halver | None = None, report: Report | None = None, **settings: str
) -> Tracks:
    made: Tracks = separate(
        Video(file=File.of(path)),
        media.probe(path),
        settings=SeparateSettings(**settings),  # type: ignore[arg-type]
        backend=backend or Halver(),
        folder=folder,
        report=report or Report("separate"),
    )
    return made


STEREO = "aevalsrc=0.3*sin(2*PI*440*t)|0.1*sin(2*PI*880*t):sample_rate=48000"


def test_all_three_tracks_last_as_long_as_the_film(film: Callable[..., Path], folder: Path) -> None:
    path = film(sound=STEREO, seconds=2)
    found = separated(path, folder)
    n = round(media.probe(path).duration * 48_000)
    assert found.full.n_samples == found.background.n_samples == pytest.approx(n, abs=1)
    assert found.speech.n_samples == pytest.approx(n / 3, abs=2)
    assert (found.full.sample_rate, found.background.sample_rate, found.speech.sample_rate) == (48_000, 48_000, 16_000)
    assert (found.full.n_channels, found.background.n_channels, found.speech.n_channels) == (2, 2, 1)


def test_the_background_is_what_is_not_speech_in_place(film: Callable[..., Path], folder: Path) -> None:
    path = film(sound=STEREO, seconds=2)
    found = separated(path, folder)
    full, background = found.full.load(), found.background.load()
    speech = full.mean(axis=1) / 2
    assert np.abs(full - speech[:, None] - background).max() < 1e-4
    blocks = np.concatenate(list(media.sound(path, media.probe(path))))
    assert np.abs(full - blocks).max() < 1e-4


def test_listening_stages_hear_the_mixture_or_the_speech(film: Callable[..., Path], tmp_path: Path) -> None:
    path = film(seconds=2)
    levels = {}
    for analysis in ("mixture", "speech"):
        (tmp_path / analysis).mkdir()
        heard = separated(path, tmp_path / analysis, analysis=analysis).speech.load()
        levels[analysis] = float(np.abs(heard[4000:28_000]).max())
    assert levels["mixture"] == pytest.approx(0.125, rel=0.08)
    assert levels["speech"] == pytest.approx(0.125 / 2, rel=0.08)


def test_mono_stays_mono(tone: Path, tmp_path: Path, folder: Path) -> None:
    found = separated(odd_videos.mono(tone, tmp_path), folder)
    assert found.full.n_channels == found.background.n_channels == 1


def test_long_films_pass_through_in_blocks(
    film: Callable[..., Path], folder: Path, report: Report, events: list[Event]
) -> None:
    path = film(seconds=21, size="32x32", fps=5)
    backend = Halver()
    found = separated(path, folder, backend, report)
    assert backend.asked[:2] == [480_000, 480_000]
    assert sum(backend.asked) == found.full.n_samples == found.background.n_samples  # type: ignore[arg-type]
    assert [(e.done, e.total, e.note) for e in events] == [
        (10, 21, "seconds"),
        (20, 21, "seconds"),
        (21, 21, "seconds"),
    ]


def test_the_same_film_gives_the_same_tracks(tiny: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = (separated(tiny, tmp_path / name) for name in ("a", "b"))
    assert first.digest() == second.digest()


def test_sound_that_starts_late_is_silence_until_then(tone: Path, tmp_path: Path, folder: Path) -> None:
    found = separated(odd_videos.late_audio(tone, tmp_path), folder)
    assert np.abs(found.speech.load(0, 1.4)).max() < 2e-3
    assert np.abs(found.speech.load(1.7, 2.7)).max() > 0.1
    assert np.abs(found.background.load(1.7, 2.7)).max() > 0.05


@pytest.mark.parametrize("seconds", [2, 21])
def test_a_separator_at_another_sample_rate_leaves_the_same_background(
    film: Callable[..., Path], tmp_path: Path, seconds: int
) -> None:
    class Other(Halver):
        sample_rate = 44_100

    path = film(sound=STEREO, seconds=seconds, size="32x32", fps=5)
    beds, lengths = [], []
    for backend in (Halver(), Other()):
        (tmp_path / type(backend).__name__).mkdir()
        found = separated(path, tmp_path / type(backend).__name__, backend)
        beds.append(found.background.load())
        lengths.append(sum(backend.asked))  # type: ignore[arg-type]
        assert found.background.n_samples == found.full.n_samples
    assert lengths[1] == pytest.approx(lengths[0] * 44_100 / 48_000, abs=1)
    inner = slice(4800, -4800)
    assert np.abs(beds[0][inner] - beds[1][inner]).max() < 2e-4
