"""A stretch of a film dubbed by itself, with what is known of the whole."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders import transcript
from runs import OwnBackends, opened, statuses

from dubkit import media
from dubkit.errors import BadInput
from dubkit.excerpt import AFTER, BEFORE, cut, excerpt, known, widened
from dubkit.store import Store

LINES = transcript(
    ("S1", 2.0, 4.0, "one."),
    ("S2", 5.0, 7.0, "two."),
    ("S1", 6.5, 8.0, "three."),
    ("S1", 20.0, 22.0, "four."),
    ("S2", 22.1, 50.0, "five, which goes on and on."),
).utterances
SECOND = (2.0, 4.3)
"""The talking film's second line, with the silence around it."""


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        pytest.param(3.0, 1.0, (2 - BEFORE, 5.0), id="one that has begun"),
        pytest.param(4.5, 1.0, (4.0, 8 + AFTER), id="one that goes on, and who speaks meanwhile"),
        pytest.param(3.9, 2.0, (2 - BEFORE, 8 + AFTER), id="all that it touches"),
        pytest.param(0.0, 1.0, (0.0, 2.0), id="the film's start"),
        pytest.param(10.0, 2.0, (9.5, 13.5), id="silence"),
        pytest.param(20.5, 1.0, (19.5, 22.1), id="one after which another speaks at once"),
        pytest.param(21.0, 2.0, (19.5, 23.0), id="one that lasts too long is left out"),
        pytest.param(55.0, 60.0, (54.5, 60.0), id="the film's end"),
    ],
)
def test_a_stretch_holds_whole_lines(start: float, duration: float, expected: tuple[float, float]) -> None:
    assert widened(LINES, start, duration, 60.004) == expected


@pytest.mark.parametrize(
    ("start", "duration", "message"),
    [
        (0.0, 0.5, "lasts 1 to 120 s, not 0.5 s"),
        (0.0, 121.0, "lasts 1 to 120 s"),
        (0.0, float("nan"), "lasts 1 to 120 s"),
        (60.0, 5.0, "The film lasts 60.0 s: an excerpt cannot begin at 60 s"),
        (-1.0, 5.0, "cannot begin at -1 s"),
        (float("nan"), 5.0, "cannot begin at nan s"),
    ],
)
def test_stretches_that_cannot_be_are_refused(start: float, duration: float, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        widened(LINES, start, duration, 60.0)


def test_only_a_changed_line_is_spoken(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    run.edit("translate", {"u0002": "uma frase nova"})
    assert known(run)
    part = excerpt(run, 2.6, 1.0, Store(store))
    backends.renew()
    assert statuses(part) == {"synthesize": "done", "assemble": "done", "combine": "done"}
    assert backends.asked == {"synthesizer": 1}
    assert [p.text for p in part.soundtrack.placements] == ["uma frase nova"]
    assert part.dub.duration == pytest.approx(SECOND[1] - SECOND[0], abs=0.02)


def test_its_clips_are_kept_for_the_whole(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    run.edit("translate", {"u0002": "uma frase nova"})
    backends.renew()
    excerpt(run, 0.0, 6.0, Store(store)).until("combine")
    assert backends.asked.keys() == {"synthesizer"}
    backends.renew()
    assert run.until("combine").soundtrack.placements[1].text == "uma frase nova"
    assert backends.asked == {}


def test_it_sounds_as_the_whole_dub_does(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store).until("combine")
    backends.renew()
    part = excerpt(run, 0.0, 6.0, Store(store)).until("combine")
    assert backends.asked == {}
    for ours, whole in zip(part.soundtrack.placements, run.soundtrack.placements, strict=True):
        assert ours == whole
    heard, expected = part.soundtrack.audio.load(), run.soundtrack.audio.load()
    assert np.abs(heard - expected[: len(heard)]).max() < 0.02


def test_a_slowed_picture_is_slowed_in_a_stretch_too(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store, set={"synthesize.slow_picture": 1.4}).until("combine")
    part = excerpt(run, 2.6, 1.0, Store(store)).until("combine")
    assert part.soundtrack.knots[-1][1] > SECOND[1] - SECOND[0]
    assert part.dub.duration == pytest.approx(part.soundtrack.knots[-1][1], abs=0.02)


def test_times_are_those_of_the_stretch(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store).until("combine")
    part = excerpt(run, 2.6, 1.0, Store(store)).until("combine")
    whole, ours = run.transcript.utterances[1], part.transcript.utterances[0]
    begin, end = SECOND
    assert widened(run.transcript.utterances, 2.6, 1.0, 6.0) == SECOND
    assert (ours.id, ours.start, ours.end) == (
        whole.id,
        pytest.approx(whole.start - begin),
        pytest.approx(whole.end - begin),
    )
    assert [w.start for w in ours.words] == pytest.approx([w.start - begin for w in whole.words])
    assert [t.speaker for t in part.turns.turns] == ["S2"]
    assert [role.id for role in part.casting.roles] == ["S2"]
    assert len(part.tracks.full.load()) == part.tracks.full.n_samples == round((end - begin) * 48_000)
    assert np.array_equal(part.tracks.full.load(), run.tracks.full.load(begin, end))


def test_a_stretch_in_which_nobody_speaks_is_the_film(
    film: Callable[..., Path], tmp_path: Path, backends: OwnBackends
) -> None:
    run = opened(film(seconds=4, sound="anullsrc=sample_rate=48000"), tmp_path / "store")
    part = excerpt(run, 1.0, 2.0, run.store).until("combine")
    assert part.translation.lines == ()
    assert part.dub.duration == pytest.approx(3.5, abs=0.05)


def test_what_is_not_known_yet_is_told(tmp_path: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, tmp_path / "store")
    assert not known(run)
    run.until("transcribe")
    assert not known(run)
    run.until("detect_gender")
    assert known(run)


def test_a_changed_source_text_is_known_to_be_changed(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    run.edit("transcribe", {"u0002": "something else."})
    assert known(run), "the translation of one line is no work"
    part = excerpt(run, 2.6, 1.0, Store(store))
    assert part.translation.lines[0].text == "pt-something pt-else."


def test_corrections_of_the_whole_film_are_made_just_once(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    run.edit("transcribe", {"u0002": "something else."})
    part = excerpt(run, 2.6, 1.0, Store(store))
    assert part.log.edits == {}
    assert opened(talk, store).log.edits.keys() == {"transcribe"}


def test_a_stretch_is_cut_to_the_frame(film: Callable[..., Path], tmp_path: Path) -> None:
    # A key frame only at the start: copied packets could not begin in between.
    whole = film(seconds=4, fps=25, options=("-g", "250"))
    part = media.probe(cut(whole, 1.52, 1.2, tmp_path / "part.mp4"))
    assert part.duration == pytest.approx(1.2, abs=0.045)
    assert (part.video.width, part.video.height, part.video.fps) == (160, 120, pytest.approx(25, abs=0.5))
    heard = np.concatenate(list(media.sound(tmp_path / "part.mp4", part)))
    expected = np.concatenate(list(media.sound(whole, media.probe(whole))))[round(1.52 * 48_000) :]
    n = round(1.1 * 48_000)
    assert np.corrcoef(heard[:n, 0], expected[:n, 0])[0, 1] > 0.99


@pytest.mark.parametrize("name", ["film.mkv", "film.avi", "film.mov"])
def test_stretches_of_all_containers_are_cut(film: Callable[..., Path], tmp_path: Path, name: str) -> None:
    whole = film(name, seconds=3, size="161x121" if name.endswith("mkv") else "160x120", picture_codec="mpeg4")
    part = media.probe(cut(whole, 1.0, 1.0, tmp_path / "part.mp4"))
    assert part.duration == pytest.approx(1.0, abs=0.06)
    assert (part.video.codec, part.video.width % 2, part.video.height % 2) == ("h264", 0, 0)


def test_beyond_the_film_there_is_nothing_to_cut(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"The film lasts 2.0 s: a stretch of it cannot begin at 2 s"):
        cut(tiny, 2.0, 1.0, tmp_path / "part.mp4")
    assert not (tmp_path / "part.mp4").exists()
