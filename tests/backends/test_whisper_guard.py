import numpy as np
import pytest

from dubkit.backends.whisper import guard as whisper_guard
from dubkit.backends.whisper.guard import Draft, audible, longest_text


def draft(
    text: str, *, seconds: float = 3.0, no_speech: float = 0.1, log_probability: float = -0.3, sure: float = 0.9
) -> Draft:
    words = tuple((word, 0.0, 0.1, sure) for word in text.split())
    return Draft(words, seconds, no_speech, log_probability)


def test_plain_speech_is_believed() -> None:
    plain = draft("The weather was cold this morning.")
    assert (plain.nothing_said, plain.doubtful, plain.looping) == (False, False, False)


@pytest.mark.parametrize(
    "written",
    [
        # What the model wrote on silence, white noise, hum and music.
        draft("you", no_speech=0.93, log_probability=-0.49, sure=0.32),
        draft("I'm sorry.", seconds=0.3, no_speech=0.94, log_probability=-2.03, sure=0.21),
        draft("music playing", seconds=1.0, no_speech=0.32, log_probability=-1.76, sure=0.22),
        draft(". . .", no_speech=0.61, log_probability=-1.56, sure=0.59),
        draft(""),
        draft("Thanks for watching, and do not forget to subscribe!", seconds=0.4, log_probability=-0.2),
    ],
)
def test_what_is_written_where_nobody_speaks_is_dropped(written: Draft) -> None:
    assert written.nothing_said


def test_unsure_words_in_speech_are_kept() -> None:
    assert not draft("para llamar.", seconds=0.6, no_speech=0.79, log_probability=-0.29, sure=0.77).nothing_said
    assert not draft("mumbled words", no_speech=0.2, log_probability=-1.2, sure=0.4).nothing_said


def test_a_loop_is_told_from_a_refrain() -> None:
    loop = draft(" ".join(["and then"] * 40), seconds=4.0)
    refrain = draft(" ".join(["it was the age of"] * 8), seconds=16.0)
    assert loop.looping and loop.doubtful and loop.nothing_said
    assert refrain.doubtful and not refrain.looping and not refrain.nothing_said


def test_unlikely_text_is_read_again_unless_there_is_no_speech() -> None:
    assert draft("Prince has an", log_probability=-1.49).doubtful
    assert not draft("Prince has an", log_probability=-1.49, no_speech=0.9).doubtful


def test_audible() -> None:
    assert audible(np.array([0.0, 0.5]), least=2)
    assert not audible(np.array([0.0, 0.5]), least=3)
    assert not audible(np.full(10, 5e-5), least=2)
    assert not audible(np.zeros(0), least=1)


def test_text_may_be_as_long_as_the_sound_allows() -> None:
    assert longest_text(1.0, 4, 448) == 68
    assert longest_text(30.0, 4, 448) == 448


def test_a_sentence_left_out_is_noticed_and_cut_at_its_pause() -> None:
    rate = 16_000
    rng = np.random.default_rng(0)
    waveform = rng.normal(scale=0.1, size=6 * rate).astype(np.float32)
    waveform[round(2.4 * rate) : round(2.7 * rate)] = 0
    stretched = Draft((("Oh,", 0.2, 4.0, 0.3), ("yes.", 4.1, 4.5, 0.9)), 6.0, 0.0, -0.3)
    at = whisper_guard.skipped(stretched, waveform, rate)
    assert at is not None and 2.4 <= at / rate <= 2.7
    steady = Draft((("Oh,", 0.2, 0.6, 0.9), ("yes.", 0.7, 1.1, 0.9)), 6.0, 0.0, -0.3)
    assert whisper_guard.skipped(steady, waveform, rate) is None


def test_two_readings_join_in_time() -> None:
    first, second = Draft((("a", 0.1, 0.5, 1.0),), 2.0, 0.5, -0.2), Draft((("b", 0.2, 0.4, 1.0),), 3.0, 0.1, -0.4)
    both = whisper_guard.joined(first, second)
    assert both.words == (("a", 0.1, 0.5, 1.0), ("b", 2.2, 2.4, 1.0))
    assert (both.seconds, both.no_speech, both.log_probability) == (5.0, 0.1, pytest.approx(-0.3))


SOUND = np.linspace(-1, 1, 16_000, dtype=np.float32)


class Again:
    """Reads out what it was given, in order, and notes what it was asked for."""

    def __init__(self, *drafts: Draft) -> None:
        self.drafts = list(drafts)
        self.asked: list[object] = []

    def __call__(self, waveform: np.ndarray, /, *, otherwise: bool = False, **search: object) -> Draft:
        self.asked.append((len(waveform), otherwise, search))
        return self.drafts.pop(0)


def test_a_reading_that_looks_right_is_kept() -> None:
    again = Again()
    plain = draft("The weather was cold.")
    assert whisper_guard.settled(plain, SOUND, 16_000, again) == plain
    assert again.asked == []


def test_of_two_doubtful_readings_the_likelier_is_kept_and_a_sure_one_before_any() -> None:
    unlikely, worse = draft("Prince has an", log_probability=-1.4), draft("Princes", log_probability=-1.6)
    sure = draft("Princess Ann", log_probability=-0.4)
    again = Again(worse)
    assert whisper_guard.settled(unlikely, SOUND, 16_000, again) == unlikely
    assert again.asked == [(16_000, True, {})]
    assert whisper_guard.settled(worse, SOUND, 16_000, Again(unlikely)) == unlikely
    assert whisper_guard.settled(unlikely, SOUND, 16_000, Again(sure)) == sure


def test_a_loop_that_stays_one_is_read_with_repetitions_barred() -> None:
    loop, plain = draft(" ".join(["and then"] * 40), seconds=4.0), draft("and then we left")
    again = Again(loop, plain)
    assert whisper_guard.settled(loop, SOUND, 16_000, again) == plain
    assert again.asked == [(16_000, True, {}), (16_000, True, {"no_repeat_ngram_size": 3})]


def test_where_a_sentence_was_left_out_the_parts_are_read_if_that_finds_more() -> None:
    rate = 16_000
    waveform = np.random.default_rng(0).normal(scale=0.1, size=6 * rate).astype(np.float32)
    waveform[round(2.4 * rate) : round(2.7 * rate)] = 0
    stretched = Draft((("Oh,", 0.2, 4.0, 0.9), ("yes.", 4.1, 4.5, 0.9)), 6.0, 0.0, -0.3)
    before = Draft((("Oh,", 0.2, 0.5, 0.9), ("never.", 0.6, 1.0, 0.9)), 2.5, 0.0, -0.3)
    after = Draft((("Oh,", 0.2, 0.5, 0.9), ("yes.", 0.6, 1.0, 0.9)), 3.5, 0.0, -0.3)
    again = Again(before, after)
    found = whisper_guard.settled(stretched, waveform, rate, again)
    assert found.text == "Oh, never. Oh, yes."
    assert [otherwise for _, otherwise, _ in again.asked] == [False, False]
    assert sum(n for n, *_ in again.asked) == len(waveform)
    short = Draft((("Oh,", 0.2, 0.5, 0.9),), 2.5, 0.0, -0.3)
    assert whisper_guard.settled(stretched, waveform, rate, Again(short, short)) == stretched


@pytest.mark.parametrize("silence_first", [False, True])
def test_what_a_second_reading_writes_where_nobody_speaks_stays_out(silence_first: bool) -> None:
    rate = 16_000
    waveform = np.random.default_rng(0).normal(scale=0.1, size=10 * rate).astype(np.float32)
    stretched = Draft((("Hello", 0.2, 0.6, 0.9), ("there", 0.7, 7.7, 0.9)), 10.0, 0.1, -0.3)
    speech = Draft((("Hello", 0.2, 0.6, 0.9), ("there,", 0.7, 1.0, 0.9), ("Ann.", 1.1, 1.4, 0.9)), 5.0, 0.1, -0.3)
    written = (("Thank", 0.1, 0.4, 0.3), ("you", 0.5, 0.7, 0.3), ("for", 0.8, 1.0, 0.3), ("watching.", 1.1, 1.4, 0.3))
    music = Draft(written, 5.0, 0.95, -1.3)
    parts = (music, speech) if silence_first else (speech, music)
    found = whisper_guard.settled(stretched, waveform, rate, Again(*parts))
    assert found.text == "Hello there, Ann."
    assert (found.seconds, found.log_probability) == (10.0, pytest.approx(-0.3))
    assert whisper_guard.settled(stretched, waveform, rate, Again(music, music)) == stretched


def test_parts_are_not_cut_without_end() -> None:
    rate = 16_000
    waveform = np.random.default_rng(0).normal(scale=0.1, size=30 * rate).astype(np.float32)
    asked = []

    def stretched(part: np.ndarray, /, *, otherwise: bool = False, **search: object) -> Draft:
        asked.append(len(part))
        seconds = len(part) / rate
        return Draft((("Oh", 0.0, max(2.0, seconds), 0.9),), seconds, 0.0, -0.3)

    whisper_guard.settled(stretched(waveform), waveform, rate, stretched)
    assert len(asked) <= 1 + 2 + 4 + 8


def test_a_waveform_read_later_has_its_times_put_back() -> None:
    moved, lead = whisper_guard.later(SOUND, 16_000, 30.0)
    assert lead == 0.5
    assert not moved[:8000].any()
    assert np.array_equal(moved[8000:], SOUND)
    read = Draft((("a", 0.4, 0.9, 1.0), ("b", 1.0, 1.4, 1.0)), 1.5, 0.1, -0.2)
    back = whisper_guard.earlier(read, lead)
    assert [(w[0], *(round(x, 6) for x in w[1:])) for w in back.words] == [("a", 0.0, 0.4, 1.0), ("b", 0.5, 0.9, 1.0)]
    assert back.seconds == 1.0
    long = np.ones(29 * 16_000 + 12_000, np.float32)
    assert whisper_guard.later(long, 16_000, 30.0)[1] == 0.25
