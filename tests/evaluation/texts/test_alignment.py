"""Alignment and cuts: by hand, and by rules that hold for all texts."""

import itertools
import random
import time

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from evaluation.texts.alignment import matches, pairs, resegmented

WORD = st.sampled_from(["a", "b", "c", "d"])
TEXT = st.lists(WORD, max_size=12)
SEGMENTS = st.lists(st.lists(WORD, max_size=5), min_size=1, max_size=6)


def errors(reference: list[str], hypothesis: list[str]) -> int:
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return found.substitutions + found.deletions + found.insertions


def joined(segments: list[list[str]]) -> list[str]:
    return [word for segment in segments for word in segment]


def test_pairs_by_hand():
    assert pairs(["the", "cat", "sat", "on", "the", "mat"], ["a", "cat", "sat", "the", "mat", "now"]) == [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, None),
        (4, 3),
        (5, 4),
        (None, 5),
    ]
    assert matches(["the", "cat", "sat"], ["a", "cat", "sat"]) == [(1, 1), (2, 2)]


@pytest.mark.parametrize(("reference", "hypothesis"), [([], ["a"]), (["a"], []), ([], [])])
def test_pairs_of_nothing(reference, hypothesis):
    assert pairs(reference, hypothesis) == [(0, None)] * len(reference) + [(None, 0)] * len(hypothesis)


@given(TEXT, TEXT)
def test_pairs_hold_every_word_once_in_order_and_cost_the_fewest_errors(reference, hypothesis):
    found = pairs(reference, hypothesis)
    assert [i for i, _ in found if i is not None] == list(range(len(reference)))
    assert [j for _, j in found if j is not None] == list(range(len(hypothesis)))
    cost = sum(i is None or j is None or reference[i] != hypothesis[j] for i, j in found)
    assert cost == errors(reference, hypothesis)


def test_cuts_by_hand():
    segments = [["good", "evening", "everyone"], ["how", "are", "you"], ["fine"]]
    # A word lost, one put in at the end of a segment, one replaced.
    words = ["good", "everyone", "uh", "how", "were", "you", "fine"]
    assert resegmented(segments, words) == [[0, 1, 2], [3, 4, 5], [6]]


def test_words_put_in_before_the_first_segment_are_the_firsts_and_empty_segments_get_none():
    assert resegmented([[], ["a"], [], ["b"]], ["x", "a", "y", "b"]) == [[], [0, 1, 2], [], [3]]
    assert resegmented([[], []], ["x", "y"]) == [[0, 1], []]


@given(SEGMENTS, TEXT)
def test_a_cut_is_a_partition_with_the_errors_of_the_whole(segments, words):
    cut = resegmented(segments, words)
    assert len(cut) == len(segments)
    assert joined(cut) == list(range(len(words)))
    told = sum(errors(s, [words[j] for j in c]) for s, c in zip(segments, cut, strict=True))
    assert told == errors(joined(segments), words)


@given(SEGMENTS, st.lists(WORD, max_size=8))
def test_no_other_cut_has_fewer_errors(segments, words):
    segments = segments[:3]
    bounds = itertools.combinations_with_replacement(range(len(words) + 1), len(segments) - 1)
    least = min(
        sum(
            errors(s, words[a:b])
            for s, (a, b) in zip(segments, itertools.pairwise([0, *inner, len(words)]), strict=True)
        )
        for inner in bounds
    )
    cut = resegmented(segments, words)
    assert sum(errors(s, [words[j] for j in c]) for s, c in zip(segments, cut, strict=True)) == least


@given(SEGMENTS)
def test_the_same_text_has_the_same_segments(segments):
    words = joined(segments)
    assert [[words[j] for j in c] for c in resegmented(segments, words)] == segments


def test_a_feature_film_is_cut_within_seconds():
    rng = random.Random(1)
    words = [f"w{rng.randrange(2000)}" for _ in range(10_000)]
    heard = [word if rng.random() > 0.2 else "x" for word in words if rng.random() > 0.1]
    start = time.perf_counter()
    cut = resegmented([words[n : n + 8] for n in range(0, len(words), 8)], heard)
    assert time.perf_counter() - start < 5
    assert joined(cut) == list(range(len(heard)))


@pytest.mark.parametrize(
    ("references", "words", "told"),
    [
        ([], ["a"], "no reference segments"),
        ([["a"]], "a text", "words is one text"),
        (["a text"], ["a"], "segment 1 is one text"),
        ([["a"], ["b c"]], ["a"], "segment 2 has 'b c'"),
        ([["a"]], ["a", ""], "words has ''"),
    ],
)
def test_what_is_no_list_of_words_is_refused(references, words, told):
    with pytest.raises(BadInput, match=told):
        resegmented(references, words)
