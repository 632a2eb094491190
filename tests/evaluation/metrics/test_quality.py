import math

import pytest

from dubkit.errors import BadInput
from evaluation.metrics import quality
from evaluation.metrics.quality import Rating
from evaluation.statistics import estimate

RATINGS = [Rating(4.0, 3.0, 3.5), Rating(2.0, 4.0, 2.5)]


def test_figures_are_means_over_lines() -> None:
    found = quality.score(["u1", "u2"], RATINGS)
    assert (found.signal, found.background, found.overall) == (3.0, 3.5, 3.0)


def test_samples_pool_to_the_figures() -> None:
    found = quality.score(["u1", "u2"], RATINGS)
    for measure in quality.MEASURES:
        mine = [s for s in found.samples() if s.measure == measure.name]
        assert [s.unit for s in mine] == ["u1", "u2"]
        assert estimate([s.parts for s in mine], measure).value == getattr(found, measure.name.partition(".")[2])


@pytest.mark.parametrize(
    ("ids", "ratings", "said"),
    [
        ([], [], "no lines"),
        (["u1"], RATINGS, "1 lines but 2 ratings"),
        (["u1", "u1"], RATINGS, "more than once: u1"),
        (["u1"], [Rating(4.0, 6.0, 3.0)], "score of 6.0"),
        (["u1"], [Rating(math.nan, 3.0, 3.0)], "score of nan"),
    ],
)
def test_what_cannot_be_scored_is_refused(ids: list[str], ratings: list[Rating], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        quality.score(ids, ratings)
