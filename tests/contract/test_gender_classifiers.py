"""What every gender classifier promises."""

from typing import Any

import numpy as np
import pytest

from contract.conftest import noise


def test_a_probability_for_each_waveform(backend: Any) -> None:
    odds = backend.female_probability([noise(n, seed=round(n)) for n in (1, 2.5, 14)])
    assert len(odds) == 3
    assert all(isinstance(p, float) and 0 <= p <= 1 for p in odds)


def test_batches_change_nothing(backend: Any, batched: Any) -> None:
    waveforms = [noise(n, seed=round(n)) for n in (1, 2.5, 14, 1.7)]
    together = batched.female_probability(waveforms)
    assert together == pytest.approx([p for w in waveforms for p in backend.female_probability([w])], abs=1e-3)


def test_of_nothing_it_is_not_sure(backend: Any) -> None:
    assert backend.female_probability([]) == []
    assert all(0 <= p <= 1 for p in backend.female_probability([np.zeros(0, np.float32), np.zeros(8000, np.float32)]))
