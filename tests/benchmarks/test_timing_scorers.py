from __future__ import annotations

import numpy as np
import pytest

from benchmarks.timing import locate, recognition, recorded, scorers, speaker
from evaluation.times import spans

RATE = 24_000


def voice(seconds: float, seed: int, rate: float = 1.0) -> np.ndarray:
    """Pulses through three formants that move every 80 ms (sooner at a higher rate), elsewhere for each seed."""
    import scipy.signal

    formants = np.random.default_rng(seed)
    parts = []
    for _ in range(round(seconds / 0.08)):
        pulses = np.zeros(round(0.08 / rate * RATE))
        pulses[::200] = 1.0
        sound = np.zeros(len(pulses))
        for low, high in ((300, 900), (900, 2500), (2500, 5000)):
            centre = formants.uniform(low, high)
            band = scipy.signal.butter(1, [centre - 60, centre + 60], "band", fs=RATE, output="sos")
            sound += scipy.signal.sosfilt(band, pulses)
        parts.append(0.1 * sound / np.sqrt(np.mean(sound**2)))
    return np.concatenate(parts).astype(np.float32)


def film(starts: list[float], clips: list[np.ndarray], duration: float) -> np.ndarray:
    mix = np.zeros(round(duration * RATE), np.float32)
    for start, clip in zip(starts, clips, strict=True):
        first = round(start * RATE)
        mix[first : first + len(clip)] += clip
    return mix


CLIPS = [
    voice(1.6, 1),
    np.concatenate([voice(0.8, 2), np.zeros(RATE * 4 // 10, np.float32), voice(1.2, 3)]),
    voice(2.0, 4),
]
STARTS = [0.5, 2.5, 5.5]
DURATION = 9.0


def lines(dub: np.ndarray, speakers: str = "aba") -> list[scorers.Line]:
    heard = locate.features(dub, RATE)
    found = []
    for who, start, clip in zip(speakers, STARTS, CLIPS, strict=True):
        inside = spans.phrases(clip, RATE)
        slot = tuple((round(start + a, 4), round(start + b, 4)) for a, b in inside)
        words = tuple((f"w{n}", n * 0.4, n * 0.4 + 0.4) for n in range(round(len(clip) / RATE / 0.4)))
        located = locate.locate(locate.features(clip, RATE), inside, heard, (slot[0][0], slot[-1][1]))
        found.append(scorers.Line(who, slot, tuple(inside), words, located))
    return found


def scored(dub: np.ndarray, speakers: str = "aba") -> scorers.Score:
    return scorers.score(lines(dub, speakers), dub, RATE, DURATION)


def test_a_perfect_copy_has_a_perfect_score() -> None:
    score = scored(film(STARTS, CLIPS, DURATION))
    assert score.iou == 1.0
    assert score.line_iou == pytest.approx(1.0, abs=0.01)
    assert score.in_slot == 1.0
    assert score.onset_max <= 0.01
    assert score.rate_max == pytest.approx(1.0, abs=0.02)
    assert (score.found, score.cut_words, score.collisions, score.pauses, score.pauses_broken) == (3, 0, 0, 1, 0)


def test_what_starts_a_fifth_of_a_second_late_has_that_as_its_onset_error() -> None:
    score = scored(film([s + 0.2 for s in STARTS], CLIPS, DURATION))
    assert score.onset_median == pytest.approx(0.2, abs=0.015)
    assert score.onset_max == pytest.approx(0.2, abs=0.015)
    assert 0.7 < score.iou < 0.9
    assert score.in_slot == 1.0


def test_a_cut_clip_is_noticed_with_the_words_that_are_missing() -> None:
    cut = [CLIPS[0], CLIPS[1], CLIPS[2][: round(1.2 * RATE)]]
    found = lines(film(STARTS, cut, DURATION))
    assert [scorers.cut_words(line) for line in found] == [[], [], ["w3", "w4"]]
    assert found[2].located.end == pytest.approx(STARTS[2] + 1.2, abs=0.03)
    assert sum(b - a for a, b in found[2].located.missing) == pytest.approx(0.8, abs=0.05)


def test_what_another_voice_covers_is_not_cut() -> None:
    dub = film([*STARTS, STARTS[2] + 1.5], [*CLIPS, 1.5 * voice(1.0, 9)], DURATION)
    assert scorers.cut_words(lines(dub)[2]) == []


def test_speech_that_is_faster_is_measured_so() -> None:
    found = lines(film(STARTS, [voice(1.6, 1, 1.2), CLIPS[1], voice(2.0, 4, 0.9)], DURATION))
    assert [line.located.rate for line in found] == pytest.approx([1.2, 1.0, 0.9], abs=0.03)
    assert found[0].fill == pytest.approx(1 / 1.2, abs=0.02)


def test_lines_of_one_speaker_that_sound_together_collide() -> None:
    dub = film([STARTS[0], STARTS[1], 4.4], CLIPS, DURATION)
    assert scored(dub, "abb").collisions == 1
    assert scored(dub, "aba").collisions == 0


def test_a_pause_that_is_spoken_through_is_broken() -> None:
    together = np.concatenate([CLIPS[1][: round(0.8 * RATE)], CLIPS[1][round(1.2 * RATE) :]])
    score = scored(film(STARTS, [CLIPS[0], together, CLIPS[2]], DURATION))
    assert (score.pauses, score.pauses_broken) == (1, 1)


def test_a_line_that_is_not_there_fills_nothing_and_all_its_words_are_cut() -> None:
    found = lines(film(STARTS[:2], CLIPS[:2], DURATION))
    assert not found[2].found
    assert found[2].fill == 0.0
    assert len(scorers.cut_words(found[2])) == 5


def test_silence_is_no_speech_and_short_gaps_are_no_pauses() -> None:
    assert spans.phrases(np.zeros(RATE, np.float32), RATE) == []
    stop = np.concatenate([voice(0.4, 5), np.zeros(round(0.1 * RATE), np.float32), voice(0.4, 6)])
    assert spans.phrases(stop, RATE) == [(0.0, pytest.approx(0.9, abs=0.011))]


def test_words_are_spread_over_the_speech_by_their_letters() -> None:
    assert speaker.spread(["aa", "bb"], [(0.0, 1.0), (2.0, 3.0)]) == [("aa", 0.0, 1.0), ("bb", 2.0, 3.0)]


def test_words_that_are_spoken_as_one_share_its_time() -> None:
    assert speaker.grouped(["go", "to", "the", "station"], [0.2, 0.5, 0.7]) == [["go"], ["to", "the"], ["station"]]


def test_phrases_of_a_recording_are_shared_out_at_pauses_near_the_cuts() -> None:
    assert recorded.shared_out([(0.0, 1.0), (1.2, 2.0), (2.3, 3.0)], [2.0]) == [[(0.0, 1.0), (1.2, 2.0)], [(2.3, 3.0)]]
    assert recorded.shared_out([(0.0, 3.0)], [1.4]) == [[(0.0, 1.4)], [(1.4, 3.0)]]


def test_windows_for_the_recogniser_are_short_and_cut_in_the_longest_silence() -> None:
    sound = np.concatenate([voice(20.0, 7), np.zeros(RATE, np.float32), voice(20.0, 8)])
    pieces = list(recognition.windows(sound, RATE))
    assert [round(len(piece) / RATE, 1) for piece in pieces] == [20.5, 20.5]
    assert np.array_equal(np.concatenate(pieces), sound)


def test_texts_are_compared_without_case_punctuation_and_digits() -> None:
    assert recognition.normal("Às 9, São Paulo!", "pt") == "às nove são paulo"
