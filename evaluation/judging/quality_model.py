"""How good a line sounds to a listener, as a model foretells it: DNSMOS P.835 (Reddy, Gopal and Cutler 2022).

The network comes out of the package speechmos, which is needed for nothing else: it is run here in batches. Windows, the
repetition of short clips and the polynomials that turn the network's output into opinion scores are those of the reference
implementation, and a test holds the two together. The network was trained on English calls and does not know how a voice
should sound, just how clear it is: scores of one voice in two mixes compare, those of two languages hardly.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from dubkit.backends import weights
from dubkit.errors import BadInput, MissingModel
from evaluation.metrics.quality import Rating

SAMPLE_RATE = 16_000
# The windows that the network takes, in samples, and their distance.
WINDOW, HOP = 144_160, 16_000
BATCH = 4
LOWEST = 1.0

_FILE = ("dnsmos_models", "sig_bak_ovr.onnx")
_SHA256 = "269fbebdb513aa23cddfbb593542ecc540284a91849ac50516870e1ac78f6edd"
FINGERPRINT = f"dnsmos@{_SHA256[:12]}"

# From the network's outputs to opinion scores, highest power first.
_TO_MOS = (
    (-0.08397278, 1.22083953, 0.0052439),
    (-0.13166888, 1.60915514, -0.39604546),
    (-0.06766283, 1.11546468, 0.04602535),
)


def rated(sounds: Sequence[np.ndarray], sample_rate: int) -> list[Rating]:
    """Rate sounds.

    Parameters
    ----------
    sounds : sequence of np.ndarray, shape (n_samples,)
        Mono. Those shorter than 9.01 s are repeated, as the reference implementation does; longer ones are rated every
        second and get the mean. One without samples gets the lowest score.
    sample_rate : int
        In Hz; what is not at 16 kHz is brought to it.

    Raises
    ------
    BadInput
        If a sound is not mono or the rate is not positive.
    MissingModel
        If the package speechmos is not installed, or its network is another one.
    """
    validate(sounds, sample_rate)
    from dubkit.audio import resample

    cut = [_windows(resample(np.asarray(s, np.float32), sample_rate, SAMPLE_RATE)) for s in sounds]
    counts = [len(c) for c in cut]
    scores = _scores([window for windows in cut for window in windows])
    return [
        Rating(*map(float, part.mean(axis=0))) if len(part) else Rating(LOWEST, LOWEST, LOWEST)
        for part in np.split(scores, np.cumsum(counts)[:-1])
    ][: len(sounds)]


def validate(sounds: Sequence[np.ndarray], sample_rate: int) -> None:
    """Refuse what cannot be rated.

    Raises
    ------
    BadInput
        See :func:`rated`.
    """
    if sample_rate <= 0:
        raise BadInput(f"The sample rate is {sample_rate} Hz: give the sounds' rate, such as 16000.")
    for n, samples in enumerate(sounds):
        if np.ndim(samples) != 1:
            raise BadInput(f"Sound {n} has the shape {np.shape(samples)}: give one channel, of shape (n_samples,).")


def _windows(samples: np.ndarray) -> list[np.ndarray]:
    if not len(samples):
        return []
    samples = np.clip(samples, -1, 1)
    # Doubled, not filled up: that decides which windows a short clip is rated in.
    while len(samples) < WINDOW:
        samples = np.concatenate([samples, samples])
    starts = range(0, len(samples) - WINDOW + 1, HOP)
    return [samples[start : start + WINDOW] for start in starts]


def _scores(windows: Sequence[np.ndarray]) -> np.ndarray:
    """Opinion scores, shape (n_windows, 3)."""
    batches = [np.stack(windows[n : n + BATCH]) for n in range(0, len(windows), BATCH)]
    if not batches:
        return np.zeros((0, 3))
    network = _network()
    raw = np.concatenate([network.run(None, {"input_1": batch})[0] for batch in batches])
    return np.stack([np.polyval(terms, raw[:, n]) for n, terms in enumerate(_TO_MOS)], axis=1)


@functools.cache
def _network() -> Any:
    import onnxruntime

    home = weights.package_folder("speechmos")
    path = home.joinpath(*_FILE) if home else None
    if path is None or not path.is_file():
        raise MissingModel("DNSMOS needs the package speechmos, which is not installed. Install it with: make setup")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise MissingModel(
            "The package speechmos holds another network than version 0.0.1.1, so its scores would not compare. "
            "Install that version with: make setup"
        )
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
