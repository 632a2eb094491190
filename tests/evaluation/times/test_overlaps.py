"""Which label a span belongs to."""

from builders import turns

from evaluation.times.overlaps import greatest_overlap, spans_of

LABELLED = [(0.0, 2.0, "a"), (2.0, 5.0, "b"), (6.0, 7.0, "c")]


def test_the_greatest_share_wins():
    assert greatest_overlap(spans_of(turns(("x", 1.5, 3.0)).turns), LABELLED) == "b"
    assert greatest_overlap(spans_of(turns(("x", 0.5, 2.2)).turns), LABELLED) == "a"


def test_spans_together_count():
    assert greatest_overlap(spans_of(turns(("x", 1.6, 2.2), ("x", 1.0, 1.2), ("x", 6.0, 6.5)).turns), LABELLED) == "a"


def test_without_overlap_the_nearest_is_taken():
    assert greatest_overlap(spans_of(turns(("x", 5.2, 5.4)).turns), LABELLED) == "b"
    assert greatest_overlap(spans_of(turns(("x", 9.0, 9.5)).turns), LABELLED) == "c"
    assert greatest_overlap(spans_of(turns(("x", 9.0, 9.5)).turns), []) is None
