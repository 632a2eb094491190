import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from evaluation.metrics import voices
from evaluation.statistics import estimate


def cast(n_speakers: int, n_lines: int, spread: float = 0.1, seed: int = 1) -> tuple[np.ndarray, list[str], list[str]]:
    """Lines of speakers whose voices are at right angles, one speaker after another."""
    rng = np.random.default_rng(seed)
    speakers = [f"s{n % n_speakers}" for n in range(n_speakers * n_lines)]
    table = np.eye(32)[[n % n_speakers for n in range(len(speakers))]]
    return table + spread * rng.standard_normal(table.shape), speakers, [f"u{n}" for n in range(len(speakers))]


def test_figures_by_hand() -> None:
    # Two lines 60 degrees apart, and another speaker at right angles to their mean.
    at = np.radians([0, 60, 120])
    found = voices.score(np.stack([np.cos(at), np.sin(at)], axis=1), ["a", "a", "b"], ["u1", "u2", "u3"])
    assert found.consistency == pytest.approx(0.5)
    assert found.separation == pytest.approx(math.cos(math.radians(90)), abs=1e-9)
    assert [line.id for line in found.lines] == ["u1", "u2"]
    # Now b is nearer to u2, by 10 degrees.
    at[2] = np.radians(110)
    found = voices.score(np.stack([np.cos(at), np.sin(at)], axis=1), ["a", "a", "b"], ["u1", "u2", "u3"])
    assert [line.nearest for line in found.lines] == ["a", "b"]
    assert found.own_nearest == 0.5


def test_one_voice_throughout_is_perfect() -> None:
    found = voices.score(*cast(3, 4, spread=0))
    assert (found.consistency, found.own_nearest, found.separation) == (pytest.approx(1), 1, pytest.approx(0))


def test_speakers_that_are_swapped_on_half_of_the_lines_are_noticed() -> None:
    table, speakers, ids = cast(2, 10)
    right = voices.score(table, speakers, ids)
    half = [s if n < 10 else {"s0": "s1", "s1": "s0"}[s] for n, s in enumerate(speakers)]
    wrong = voices.score(table, half, ids)
    assert right.own_nearest == 1
    # Each line's own centroid lacks the line itself, so the other one is nearer.
    assert wrong.own_nearest < 0.2
    assert wrong.consistency < right.consistency - 0.2
    assert wrong.separation > right.separation + 0.5


def test_everybody_with_one_voice_is_consistent_but_not_apart() -> None:
    table, _, ids = cast(1, 12)
    found = voices.score(table, ["a", "b", "c"] * 4, ids)
    assert found.consistency > 0.7
    assert found.separation > 0.8
    assert found.own_nearest < 0.8


def test_one_speaker_has_nobody_to_be_confused_with() -> None:
    found = voices.score(*cast(1, 3))
    assert found.consistency > 0.5
    assert math.isnan(found.own_nearest)
    assert math.isnan(found.separation)
    assert {s.measure for s in found.samples()} == {"voices.consistency"}


def test_a_single_line_says_nothing_and_a_silent_one_is_left_out() -> None:
    assert voices.score(np.ones((1, 4)), ["a"], ["u1"]).samples() == []
    table, speakers, ids = cast(2, 3)
    table[0] = 0
    assert "u0" not in {line.id for line in voices.score(table, speakers, ids).lines}


@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_neither_order_nor_length_matters(seed: int, gain: float) -> None:
    table, speakers, ids = cast(3, 3, spread=0.5, seed=seed)
    order = np.random.default_rng(seed).permutation(len(ids))
    one = voices.score(table, speakers, ids)
    other = voices.score(gain * table[order], [speakers[n] for n in order], [ids[n] for n in order])
    assert other.consistency == pytest.approx(one.consistency)
    assert other.own_nearest == one.own_nearest
    assert other.separation == pytest.approx(one.separation)


def test_samples_pool_to_the_figures() -> None:
    found = voices.score(*cast(3, 4, spread=0.4))
    assert 0 < found.own_nearest <= 1
    for measure in voices.MEASURES:
        mine = [s.parts for s in found.samples() if s.measure == measure.name]
        assert estimate(mine, measure).value == pytest.approx(getattr(found, measure.name.partition(".")[2]))
    assert len([s for s in found.samples() if s.measure == "voices.separation"]) == 2


@pytest.mark.parametrize(
    ("embeddings", "speakers", "ids", "said"),
    [
        ([], [], [], "no lines"),
        ([[1.0, 0.0]], ["a", "b"], ["u1"], "1 embeddings, 2 speakers and 1 ids"),
        ([[1.0], [1.0, 2.0]], ["a", "a"], ["u1", "u2"], "different lengths"),
        ([[math.nan, 1.0]], ["a"], ["u1"], "finite"),
        ([[1.0, 0.0], [1.0, 0.0]], ["a", "a"], ["u1", "u1"], "same id"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    embeddings: list[list[float]], speakers: list[str], ids: list[str], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        voices.score(embeddings, speakers, ids)
