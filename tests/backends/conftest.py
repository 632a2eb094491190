"""Real speech for the listening back ends: made by Kokoro where the words must be known, else pyannote's own sample."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from speech_sounds import RATE, Spoken, say

from dubkit.backends.weights import package_folder


@pytest.fixture(scope="session")
def spoken() -> Spoken:
    """A short English sentence in a female voice."""
    return say("The weather was cold this morning, so we stayed at home.", "af_heart")


@pytest.fixture(scope="session")
def spoken_by_a_man() -> Spoken:
    """Another in a male one."""
    return say("He said he would call back tomorrow.", "am_michael")


@pytest.fixture(scope="session")
def conversation() -> tuple[np.ndarray, list[tuple[float, float, str]]]:
    """Half a minute of two women on the telephone at 16 kHz, and who speaks when."""
    package = package_folder("pyannote.audio")
    assert package is not None
    sample = package / "sample"
    waveform, rate = soundfile.read(sample / "sample.wav", dtype="float32")
    assert rate == RATE
    rows = [line.split() for line in (sample / "sample.rttm").read_text().splitlines()]
    return waveform, [(float(r[3]), float(r[3]) + float(r[4]), r[7]) for r in rows]
