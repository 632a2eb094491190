"""Laughs, breaths and songs are kept, words are not: on sounds whose times are known."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import builders
import numpy as np
import pytest
from builders import FILM_RATE

from dubkit.artefacts import Tracks, Transcript, Utterance, Word
from dubkit.vocal_sounds import FADE, Passage, VocalSoundSettings, kept, passages

SETTINGS = VocalSoundSettings()
SECONDS = 13.0
WORDS = ((0.5, 0.9), (1.0, 1.5), (1.55, 2.2), (4.8, 5.2), (5.25, 5.7), (7.2, 7.6), (11.6, 12.2))
LAUGH, BREATH, SONG = (3.0, 4.12), (6.2, 6.65), (8.4, 10.9)


def vowel(seconds: float, hz: float = 140.0, level: float = 0.1) -> np.ndarray:
    """A buzz through two formants, with soft edges of 20 ms."""
    t = np.arange(round(seconds * FILM_RATE)) / FILM_RATE
    harmonics = np.arange(1, 25) * hz
    weight = 1 / (1 + ((harmonics - 700) / 150) ** 2) + 0.5 / (1 + ((harmonics - 1200) / 200) ** 2)
    sound = sum(w * np.sin(2 * np.pi * h * t) for w, h in zip(weight, harmonics, strict=True))
    return level * edged(np.asarray(sound) / np.std(sound))


def breath(seconds: float, level: float = 0.006, seed: int = 1) -> np.ndarray:
    """Noise."""
    return level * edged(np.random.default_rng(seed).standard_normal(round(seconds * FILM_RATE)))


def edged(sound: np.ndarray) -> np.ndarray:
    n = min(round(0.02 * FILM_RATE), len(sound) // 2)
    ramp = np.sin(np.pi / 2 * np.arange(n) / n) ** 2
    return np.concatenate([sound[:n] * ramp, sound[n : len(sound) - n], sound[len(sound) - n :] * ramp[::-1]])


def laugh() -> list[tuple[float, np.ndarray]]:
    """Bursts of 120 ms five times a second, voiced and breathy at once, each softer than the one before."""
    return [(LAUGH[0] + 0.2 * n, (vowel(0.12, 260 - 10 * n) + breath(0.12, 0.04, n)) * 0.9**n) for n in range(6)]


def film(folder: Path, sounds: Sequence[tuple[float, np.ndarray]], bed: float = 3e-4) -> Tracks:
    """Sounds of a voice at their times, over noise; separated perfectly."""
    voice = np.zeros(round(SECONDS * FILM_RATE))
    for start, sound in sounds:
        at = round(start * FILM_RATE)
        voice[at : at + len(sound)] += sound
    background = bed * np.random.default_rng(0).standard_normal(len(voice))
    return builders.tracks(folder, (voice + background).astype(np.float32), background=background.astype(np.float32))


def spoken(words: Sequence[tuple[float, float]]) -> list[tuple[float, np.ndarray]]:
    return [(start, vowel(end - start)) for start, end in words]


def everything() -> list[tuple[float, np.ndarray]]:
    return [
        *spoken(WORDS),
        *laugh(),
        (BREATH[0], breath(BREATH[1] - BREATH[0])),
        (SONG[0], vowel(SONG[1] - SONG[0], 330, 0.15)),
    ]


def transcript(words: Sequence[tuple[float, float]]) -> Transcript:
    return Transcript(
        language="en",
        language_confidence=1.0,
        utterances=tuple(
            Utterance(id=f"u{n}", speaker="S1", start=a, end=b, text="la", words=(Word(text="la", start=a, end=b),))
            for n, (a, b) in enumerate(words)
        ),
    )


def overlap(passage: Passage, span: tuple[float, float]) -> float:
    """Intersection over union."""
    common = min(passage.end, span[1]) - max(passage.start, span[0])
    return max(0.0, common) / (max(passage.end, span[1]) - min(passage.start, span[0]))


def leaked(found: Sequence[Passage], words: Sequence[tuple[float, float]]) -> float:
    """Seconds of words inside passages."""
    return sum(max(0.0, min(p.end, b) - max(p.start, a)) for p in found for a, b in words)


def test_laugh_breath_and_song_are_found_and_no_word_is(tmp_path: Path) -> None:
    found = passages(film(tmp_path, everything()), transcript(WORDS), SETTINGS)
    assert len(found) == 3
    for passage, span in zip(found, (LAUGH, BREATH, SONG), strict=True):
        assert overlap(passage, span) > 0.8
    assert leaked(found, WORDS) == 0


@pytest.mark.parametrize("early, late", [(0.15, 0.0), (-0.15, 0.0), (0.0, 0.15), (0.0, -0.15)])
def test_word_times_that_are_off_leak_nothing(tmp_path: Path, early: float, late: float) -> None:
    off = [(a - early, max(a - early + 0.05, b + late)) for a, b in WORDS]
    found = passages(film(tmp_path, spoken(WORDS)), transcript(off), SETTINGS)
    assert found == ()


def test_what_merely_goes_on_from_a_word_is_the_word(tmp_path: Path) -> None:
    # The word is heard for 0.7 s longer than its time says: 0.5 s beyond the margin.
    tracks = film(tmp_path, [(2.0, vowel(1.1))])
    assert passages(tracks, transcript([(2.0, 2.4)]), SETTINGS) == ()


def test_a_note_held_after_a_word_is_kept_from_behind_the_margin_on(tmp_path: Path) -> None:
    tracks = film(tmp_path, [(2.0, vowel(2.4))])
    (passage,) = passages(tracks, transcript([(2.0, 2.4)]), SETTINGS)
    assert passage.start == pytest.approx(2.6, abs=0.011)
    assert passage.end == pytest.approx(4.4, abs=0.08)


def test_an_echo_is_no_held_note(tmp_path: Path) -> None:
    t = np.arange(2 * FILM_RATE) / FILM_RATE
    echo = breath(2.0, 0.03) * 10 ** (-3 * t / 3.0)
    tracks = film(tmp_path, [(2.0, vowel(0.4)), (2.4, echo)], bed=1e-5)
    assert passages(tracks, transcript([(2.0, 2.4)]), SETTINGS) == ()


def test_a_dip_parts_a_laugh_from_the_word_before_it(tmp_path: Path) -> None:
    # The word has 0.15 s more than its time; the first burst begins within the margin and goes, the others stay.
    bursts = [(2.70 + 0.22 * n, vowel(0.13, 240)) for n in range(5)]
    found = passages(film(tmp_path, [(2.0, vowel(0.55)), *bursts]), transcript([(2.0, 2.4)]), SETTINGS)
    (passage,) = found
    assert overlap(passage, (2.70, 3.71)) > 0.8
    assert leaked(found, [(2.0, 2.55)]) == 0


def test_a_clear_dip_is_enough_even_without_silence(tmp_path: Path) -> None:
    sounds = [(2.0, vowel(0.5)), (2.48, vowel(0.3, level=0.012)), (2.75, vowel(0.45, 240))]
    (passage,) = passages(film(tmp_path, sounds), transcript([(2.0, 2.5)]), SETTINGS)
    assert overlap(passage, (2.75, 3.2)) > 0.8
    assert passage.start >= 2.7


def test_where_the_dub_speaks_nothing_is_kept(tmp_path: Path) -> None:
    tracks = film(tmp_path, everything())
    found = passages(tracks, transcript(WORDS), SETTINGS, busy=[(2.9, 4.2), (9.9, 11.2)])
    assert len(found) == 2
    assert overlap(found[0], BREATH) > 0.8
    assert overlap(found[1], (SONG[0], 9.9)) > 0.8
    assert found[1].end <= 9.9


def test_what_is_hidden_by_the_background_is_in_it_anyway(tmp_path: Path) -> None:
    tracks = film(tmp_path, everything(), bed=0.012)
    found = passages(tracks, transcript(WORDS), SETTINGS)
    assert [overlap(p, s) > 0.8 for p, s in zip(found, (LAUGH, SONG), strict=True)] == [True, True]


def test_what_is_too_quiet_or_too_short_is_left_out(tmp_path: Path) -> None:
    tracks = film(tmp_path, [*spoken(WORDS), (BREATH[0], breath(0.45, 0.001)), (9.0, vowel(0.1))], bed=1e-5)
    assert passages(tracks, transcript(WORDS), SETTINGS) == ()


def test_an_utterance_removed_by_hand_stays_as_it_was(tmp_path: Path) -> None:
    (passage,) = passages(film(tmp_path, spoken(WORDS)), transcript(WORDS[:-1]), SETTINGS)
    assert overlap(passage, WORDS[-1]) > 0.8


def test_an_utterance_without_words_counts_whole(tmp_path: Path) -> None:
    said = builders.transcript(("S1", 0.5, 2.2, "la la la"), ("S1", 4.8, 12.2, "la la la la"))
    (passage,) = passages(film(tmp_path, everything()), said, SETTINGS)
    assert overlap(passage, LAUGH) > 0.8


def test_nothing_is_kept_when_switched_off_or_nobody_speaks(tmp_path: Path) -> None:
    tracks = film(tmp_path, everything())
    assert passages(tracks, transcript(WORDS), VocalSoundSettings(keep=False)) == ()
    assert passages(tracks, transcript([]), SETTINGS) == ()


def test_kept_is_the_voice_inside_and_silence_outside(tmp_path: Path) -> None:
    tracks = film(tmp_path, everything(), bed=0.01)
    block = kept(tracks, [Passage(*LAUGH)], 0, tracks.full.n_samples)
    start, end, fade = (round(s * FILM_RATE) for s in (*LAUGH, FADE))
    assert block.shape == (tracks.full.n_samples,)
    assert not block[:start].any()
    assert not block[end:].any()
    voice = tracks.full.load() - tracks.background.load()
    np.testing.assert_array_equal(block[start + fade : end - fade], voice[start + fade : end - fade])
    # Half-way through the fade half of it is heard.
    assert block[start + fade // 2] == pytest.approx(voice[start + fade // 2] * 0.5, abs=1e-3)
    assert np.all(np.abs(block[start:end]) <= np.abs(voice[start:end]))


def test_kept_does_not_depend_on_how_blocks_are_cut(tmp_path: Path) -> None:
    mono = film(tmp_path / "mono", everything())
    full, background = (np.stack([s.load(), -0.5 * s.load()], axis=1) for s in (mono.full, mono.background))
    tracks = builders.tracks(tmp_path / "stereo", full, background=background)
    found = passages(tracks, transcript(WORDS), SETTINGS)
    total = tracks.full.n_samples
    whole = kept(tracks, found, 0, total)
    assert whole.shape == (total, 2)
    cuts = [0, *np.random.default_rng(3).integers(0, total, 9).tolist(), round((LAUGH[0] + 0.01) * FILM_RATE), total]
    cuts.sort()
    parts = [kept(tracks, found, a, b) for a, b in itertools.pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_allclose(whole[:, 1], -0.5 * whole[:, 0], atol=1e-4)
