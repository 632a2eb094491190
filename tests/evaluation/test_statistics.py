"""Values, intervals and paired tests, against cases worked out by hand and SciPy's and sacrebleu's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.measures import Measure
from evaluation.statistics import difference, estimate, pooled, sacrebleu_metric

RATE = Measure("asr.wer", "share", "lower", "ratio", "errors over words")
MIDDLE = Measure("timing.onset", "s", "lower", "median", "median error")


def test_a_ratio_is_that_of_the_sums():
    assert pooled(np.array([[1, 4], [0, 6]]), "ratio") == pytest.approx(0.1)
    assert np.isnan(pooled(np.array([[1, 0]]), "ratio"))


@pytest.mark.parametrize(("pool", "value"), [("median", 3.0), ("max", 10.0), ("p95", 8.6)])
def test_other_pools(pool, value):
    assert pooled(np.array([[1], [2], [3], [3], [10.0]]), pool) == pytest.approx(value)


@pytest.mark.parametrize("name", ["bleu", "chrf"])
def test_bleu_and_chrf_follow_from_counts(name):
    references = ["The quick brown fox jumps over the lazy dog.", "All is well that ends well.", "It rained."]
    read = ["The fast brown fox jumped over the lazy dog.", "All is well which ends well.", "It was raining."]
    metric = sacrebleu_metric(name)
    parts = [metric._extract_corpus_statistics([h], [[r]])[0] for r, h in zip(references, read, strict=True)]
    assert pooled(np.array(parts), name) == pytest.approx(metric.corpus_score(read, [references]).score)


def test_the_interval_of_a_mean_is_the_textbooks():
    rng = np.random.default_rng(3)
    found = estimate([(x, 1.0) for x in rng.normal(5.0, 2.0, 400)], RATE)
    # 1.96 * 2 / sqrt(400) to either side
    assert found.high - found.low == pytest.approx(2 * 0.196, rel=0.12)
    assert found.low < found.value < found.high


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(120):
        found = estimate([(x, 1.0) for x in rng.exponential(1.0, 60)], RATE, seed=1)
        hits += found.low <= 1.0 <= found.high
    assert 0.86 <= hits / 120 <= 1.0


def test_few_units_have_no_interval():
    found = estimate([(1.0, 2.0), (1.0, 2.0)], RATE)
    assert found.value == 0.5
    assert np.isnan(found.low) and np.isnan(found.high)


def test_units_that_agree_have_an_interval_of_no_width():
    found = estimate([(0.0, 5.0)] * 10, RATE)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_the_same_seed_gives_the_same_interval():
    parts = [(k % 3, 5.0) for k in range(30)]
    assert estimate(parts, RATE, seed=7) == estimate(parts, RATE, seed=7)
    assert estimate(parts, RATE, seed=7) != estimate(parts, RATE, seed=8)


def test_a_real_difference_is_found_and_noise_is_not():
    rng = np.random.default_rng(5)
    errors = rng.binomial(10, 0.2, 200)
    a = [(float(e), 10.0) for e in errors]
    worse = [(float(min(10, e + (k % 2))), 10.0) for k, e in enumerate(errors)]
    found = difference(a, worse, RATE)
    assert found.change == pytest.approx(0.05, abs=0.002)
    assert found.low > 0 and found.p < 0.01
    noise = [(float(e), 10.0) for e in rng.permutation(errors)]
    same = difference(a, noise, RATE)
    assert same.low < 0 < same.high and same.p > 0.05


def test_pairing_finds_what_two_intervals_hide():
    rng = np.random.default_rng(6)
    hard = rng.uniform(0, 1, 40)
    a, b = [(x, 1.0) for x in hard], [(x - 0.02, 1.0) for x in hard]
    alone = estimate(a, RATE)
    assert alone.low < estimate(b, RATE).value < alone.high
    found = difference(a, b, RATE)
    assert found.high < 0 and found.p < 0.01
    assert (found.low, found.high) == pytest.approx((-0.02, -0.02))


def test_equal_systems_do_not_differ():
    a = [(1.0, 5.0)] * 8
    found = difference(a, a, RATE)
    assert (found.change, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("pair", [([], []), ([(1.0, 1.0)], [(1.0, 1.0), (2.0, 1.0)])])
def test_what_cannot_be_compared_is_refused(pair):
    with pytest.raises(ValueError, match=r"asr\.wer"):
        difference(*pair, RATE)


@given(st.lists(st.floats(0, 10), min_size=3, max_size=25))
def test_an_interval_lies_within_the_values(values):
    found = estimate([(v,) for v in values], MIDDLE)
    assert min(values) <= found.low <= found.high <= max(values)


def test_a_cluster_counts_as_a_whole():
    """Two lines of a film that move together are one piece of evidence."""
    films = [f"f{n}" for n in range(6)] * 2
    before, after = [(3, 10)] * 12, [(1, 10)] * 12
    found = difference(before, after, RATE, clusters=films)
    assert (found.a, found.b, found.low, found.high) == pytest.approx((0.3, 0.1, -0.2, -0.2))
    # All swaps are tried: of 2**6 only none and all are as far apart.
    assert found.p == pytest.approx(2 / 2**6) and found.n_units == 12
    assert difference(before, after, RATE).p < 0.01


def test_of_five_clusters_nothing_is_said():
    found = difference([(3, 10)] * 20, [(1, 10)] * 20, RATE, clusters=[f"f{n % 5}" for n in range(20)])
    assert found.change == pytest.approx(-0.2) and np.isnan([found.low, found.high, found.p]).all()
    alone = estimate([(3, 10)] * 20, RATE, clusters=[f"f{n % 5}" for n in range(20)])
    assert alone.value == pytest.approx(0.3) and np.isnan([alone.low, alone.high]).all()


@pytest.mark.parametrize("measure", [RATE, MIDDLE])
def test_a_unit_of_its_own_is_a_cluster(measure):
    rng = np.random.default_rng(1)
    parts = rng.uniform(1, 5, (30, 2 if measure is RATE else 1))
    assert estimate(parts, measure, clusters=[f"f{n}" for n in range(30)]) == estimate(parts, measure)


def test_clusters_of_different_sizes_keep_all_their_units():
    """The middle of all units that were drawn, not of the clusters' middles."""
    clusters = [*"aaaaabbbbcccddefg"]
    parts = [(float(n),) for n in range(len(clusters))]
    found = estimate(parts, MIDDLE, clusters=clusters)
    assert found.value == 8.0 and found.low < 8.0 < found.high
    # Drawn seven times, the last alone would be 16: intervals reach no farther than units do.
    assert found.low >= 0 and found.high <= 16


@pytest.mark.parametrize("n_films", [6, 8])
def test_a_shift_of_whole_films_by_chance_is_rarely_called_sure(n_films):
    rng, films, called = np.random.default_rng(1), [f"f{n}" for n in range(n_films) for _ in range(8)], 0
    for seed in range(100):
        before = np.column_stack([rng.uniform(2, 4, len(films)), np.full(len(films), 10.0)])
        shift = np.repeat(rng.choice([-1, 1], n_films) * rng.uniform(0.05, 0.3, n_films), 8)
        after = before + np.column_stack([10 * shift * rng.uniform(0.6, 1.4, len(films)), np.zeros(len(films))])
        found = difference(before, after, RATE, seed=seed, clusters=films)
        called += not (found.low <= 0 <= found.high) and found.p <= 0.05
    assert called <= 8
