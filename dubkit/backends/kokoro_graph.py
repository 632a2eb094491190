"""Cuts Kokoro's ONNX graph in two where the model decides how long each symbol lasts.

The prosody half (symbols and style to durations) is a small part of the work, the sound half all the rest. Between
them, dubkit sees how long a line will be before it is spoken, and sets the durations so that a rate is kept exactly;
the whole model's own ``speed`` input rounds each symbol's duration by itself and misses the rate by up to a tenth.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from dubkit.backends.weights import folder

REVISION = "split-1"
"""Changes whenever the halves do."""

DURATIONS = "/encoder/predictor/ReduceSum_output_0"
"""Output of the prosody half, float32, shape (1, n_symbols): frames per symbol at natural rate, not rounded."""

FEATURES = "/encoder/predictor/text_encoder/Concat_4_output_0"
"""Handed from the prosody half to the sound half, float32."""

FRAMES = "/encoder/Clip_output_0"
"""Input of the sound half, float32, shape (1, n_symbols): whole frames per symbol, at least 1 each."""

SAMPLES_PER_FRAME = 600


def prosody() -> Path:
    """The half from ``tokens`` and ``style`` to :data:`DURATIONS` and :data:`FEATURES`, made at first use."""
    return _part("prosody", ["tokens", "style"], [DURATIONS, FEATURES])


def sound() -> Path:
    """The half from ``tokens``, ``style``, :data:`FEATURES` and :data:`FRAMES` to ``audio``, made at first use."""
    return _part("sound", ["tokens", "style", FEATURES, FRAMES], ["audio"])


def _part(name: str, inputs: list[str], outputs: list[str]) -> Path:
    home = folder("kokoro")
    target = home / f"{name}-{REVISION}.onnx"
    if not target.exists():
        import onnx
        import onnx.utils

        whole = onnx.load(home / "kokoro.onnx")
        part = onnx.utils.Extractor(whole).extract_model(inputs, outputs)
        with tempfile.TemporaryDirectory(dir=home, prefix=".part-") as scratch:
            written = Path(scratch) / target.name
            onnx.save(part, written)
            written.replace(target)
    return target
