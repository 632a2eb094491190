"""Which words that are really said belong to which line of a run."""

import numpy as np
import pytest
from builders import silence, sine, sound, transcript

from data.truth import CastMember, SpokenLine, Truth, turns_of
from dubkit.artefacts import Turn, Word
from evaluation.times.slots import pieces, turns
from evaluation.times.slots import slots as true_slots


def slots(known, lines):
    return true_slots(known, pieces(known, None), lines)


def sentence(name, start, end, *words):
    said = tuple(Word(text="w", start=a, end=b) for a, b in words)
    return SpokenLine(id=name, speaker="ana", gender="female", start=start, end=end, text="w", words=said)


def truth(*sentences):
    cast = (CastMember(id="ana", name="Ana", gender="female"),)
    return Truth(
        id="film",
        title="",
        language="en",
        duration=20,
        may_overlap=False,
        speakers=cast,
        turns=turns_of(sentences),
        utterances=sentences,
    )


def test_words_that_touch_are_a_phrase_and_pauses_part_them():
    known = truth(sentence("u1", 1, 4, (1.0, 1.4), (1.4, 2.0), (2.6, 4.0)))
    found, left_out = slots(known, transcript(("S1", 0.9, 4.1, "x")).utterances)
    assert found == {"u0001": ((1.0, 2.0), (2.6, 4.0))}
    assert left_out == ()


def test_a_line_of_two_sentences_and_a_sentence_in_two_lines():
    merged = truth(sentence("u1", 1, 2, (1, 2)), sentence("u2", 2.5, 4, (2.5, 4)))
    assert slots(merged, transcript(("S1", 1, 4, "x")).utterances)[0] == {"u0001": ((1, 2), (2.5, 4))}
    split = truth(sentence("u1", 1, 5, (1, 2), (3, 5)))
    lines = transcript(("S1", 1, 2.1, "x"), ("S1", 2.9, 5, "y")).utterances
    assert slots(split, lines)[0] == {"u0001": ((1, 2),), "u0002": ((3, 5),)}


def test_sentences_that_nobody_transcribed_are_told():
    known = truth(sentence("u1", 1, 2, (1, 2)), sentence("u2", 8, 9, (8, 8.4), (8.5, 9)))
    found, left_out = slots(known, transcript(("S1", 1, 2, "x")).utterances)
    assert list(found) == ["u0001"]
    assert [s.id for s in left_out] == ["u2"]
    assert [s.id for s in slots(known, ())[1]] == ["u1", "u2"]


def test_without_word_times_sentences_count_whole():
    known = truth(sentence("u1", 1, 2), sentence("u2", 2.05, 3))
    found, _ = slots(known, transcript(("S1", 1, 3, "x")).utterances)
    assert found == {"u0001": ((1, 3),)}


def test_without_word_times_a_sentence_sounds_where_its_film_does(tmp_path):
    heard = sound(tmp_path / "film.flac", np.concatenate([silence(1), sine(1), silence(0.5), sine(1), silence(0.5)]))
    found = pieces(truth(sentence("u1", 1, 3.5)), heard)["u1"]
    assert np.array(found) == pytest.approx(np.array([(1, 2), (2.5, 3.5)]), abs=0.011)


def test_turns_bridge_short_pauses_and_no_others():
    known = truth(sentence("u1", 1, 4, (1, 2), (2.25, 3), (3.4, 4)), sentence("u2", 4.8, 6, (4.8, 6)))
    assert turns(known, pieces(known, None)) == [(1, 3, "ana"), (3.4, 4, "ana"), (4.8, 6, "ana")]


def test_turns_that_were_annotated_are_taken_as_they_are():
    known = truth(sentence("u1", 1, 4)).but(turns=(Turn(id="t001", speaker="ana", start=0.9, end=4.1),))
    assert turns(known, pieces(known, None)) == [(0.9, 4.1, "ana")]
