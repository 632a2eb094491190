"""What every separator promises."""

from typing import Any

import numpy as np
import pytest

from contract.conftest import noise


def heard(backend: Any, sound: np.ndarray, block: int) -> np.ndarray:
    parts = list(backend.speech(sound[n : n + block] for n in range(0, len(sound), block)))
    assert all(p.dtype == np.float32 and p.ndim == 1 for p in parts)
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


@pytest.mark.parametrize("seconds", [0.2, 5.1])
def test_speech_is_as_long_as_the_sound(backend: Any, seconds: float) -> None:
    sound = noise(seconds, backend.sample_rate)
    speech = heard(backend, sound, backend.sample_rate)
    assert len(speech) == len(sound)
    assert np.isfinite(speech).all()


def test_how_it_is_cut_into_blocks_changes_nothing(backend: Any) -> None:
    sound = noise(4, backend.sample_rate)
    whole = heard(backend, sound, len(sound))
    np.testing.assert_allclose(heard(backend, sound, 7001), whole, atol=1e-4)


def test_batches_change_nothing(backend: Any, batched: Any) -> None:
    # Long enough for several windows of a model that is trained on seconds.
    sound = noise(5, backend.sample_rate)
    together = heard(batched, sound, len(sound))
    np.testing.assert_allclose(heard(backend, sound, len(sound)), together, atol=1e-4)


def test_nothing_gives_nothing(backend: Any) -> None:
    assert len(heard(backend, np.zeros(0, np.float32), 100)) == 0
    assert np.abs(heard(backend, np.zeros(2 * backend.sample_rate, np.float32), 9000)).max() < 1e-2
