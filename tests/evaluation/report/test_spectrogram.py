"""What a spectrogram draws: tones at their frequencies, words above them."""

import matplotlib
import numpy as np
import pytest

from dubkit.artefacts import Word
from dubkit.errors import BadInput
from evaluation.report.spectrogram import spectrogram

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def test_a_tone_lies_at_its_frequency_in_a_spectrogram_and_words_above_it():
    t = np.arange(16_000) / 16_000
    tone = np.sin(2 * np.pi * 2000 * t).astype(np.float32) * (t > 0.5)
    ax = spectrogram(tone, 16_000, [Word(text="one", start=0.5, end=0.9)])
    (image,) = ax.images
    levels, (_, _, low, high) = image.get_array(), image.get_extent()
    column = levels[:, round(0.75 * levels.shape[1])]
    assert low + (np.argmax(column) + 0.5) / len(column) * (high - low) == pytest.approx(2.0, abs=0.05)
    assert levels[:, round(0.25 * levels.shape[1])].max() < -60
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (0, 8))
    (word,) = ax.texts
    assert (word.get_text(), word.get_position()[0]) == ("one", 0.7)


def test_words_that_would_touch_lie_on_two_levels():
    words = [
        Word(text=text, start=n * 0.02, end=n * 0.02 + 0.02) for n, text in enumerate(["counting", "quickly", "now"])
    ]
    ax = spectrogram(np.ones(16_000, np.float32), 16_000, words)
    heights = [t.get_position()[1] for t in ax.texts]
    assert heights[0] < heights[1]


def test_silence_and_very_short_sounds_are_drawn():
    assert spectrogram(np.zeros(8000, np.float32), 16_000).images
    assert spectrogram(np.ones(10, np.float32), 16_000).images
    with pytest.raises(BadInput, match="one channel"):
        spectrogram(np.zeros((10, 2), np.float32), 16_000)
