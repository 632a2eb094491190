import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.backends.kokoro import styles as kokoro_styles
from dubkit.backends.kokoro import timing as kokoro_timing
from dubkit.backends.kokoro.timing import paced, pause_after, predicted


def test_natural_rate_changes_nothing() -> None:
    frames = np.array([9.0, 3.0, 2.0, 1.0])
    assert paced(frames, 1.0) is frames


def test_rounding_is_carried_on() -> None:
    assert paced(np.full(9, 2.0), 1.5).tolist() == [1, 2, 1, 1, 2, 1, 1, 2, 1]
    assert paced(np.full(4, 2.0), 0.8).tolist() == [3, 2, 3, 2]


@given(st.lists(st.integers(1, 12), min_size=20, max_size=60), st.floats(0.6, 1.4))
def test_the_sum_keeps_to_the_rate(frames: list[int], rate: float) -> None:
    changed = paced(np.array([*frames, *[8] * 10], float), rate)
    assert changed.min() >= 1
    assert np.array_equal(changed, np.round(changed))
    # Symbols of one frame cannot be shorter; the long ones at the end make that up.
    assert changed.sum() == pytest.approx((sum(frames) + 80) / rate, abs=max(1.0, 0.5 * frames.count(1)))


def test_prediction_leaves_out_the_pads_and_closing_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kokoro_timing, "offsets", lambda: {"pf_dora": -0.05, "af_heart": -0.15})
    frames = np.array([10.0, 4, 4, 2, 6, 5, 1])
    assert predicted("aba.”", frames, "pf_dora") == pytest.approx(10 * 0.025 - 0.05)
    assert predicted("aba.”", frames, "pf_dora+af_heart") == pytest.approx(10 * 0.025 - 0.1)
    assert predicted("a", np.array([1.0, 1, 1]), "af_heart") == 0.025


def test_pauses_between_parts() -> None:
    assert [pause_after(x) for x in ("a.", "a?”", "a, ", "a —", "ab")] == [0.3, 0.3, 0.15, 0.15, 0.0]


def test_every_offered_voice_has_an_offset() -> None:
    table = json.loads((Path(kokoro_timing.__file__).parent / "offsets.json").read_text())
    offered = {style for styles in kokoro_styles.STYLES.values() for style in styles}
    assert offered <= set(table)
    assert all(-0.6 < seconds < 0.2 for seconds in table.values())
