"""Cuts Kokoro's ONNX graph in two where the model decides how long each symbol lasts.

The prosody half (symbols and style to durations) is a small part of the work, the sound half all the rest. Between
them, dubkit sees how long a line will be before it is spoken, and sets the durations so that a rate is kept exactly;
the whole model's own ``speed`` input rounds each symbol's duration by itself and misses the rate by up to a tenth.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from dubkit.backends.weights import MEND, folder
from dubkit.errors import MissingModel

REVISION = "split-1"
"""Changes whenever the halves do."""

DURATIONS = "/encoder/predictor/ReduceSum_output_0"
"""Output of the prosody half, float32, shape (1, n_symbols): frames per symbol at natural rate, not rounded."""

FEATURES = "/encoder/predictor/text_encoder/Concat_4_output_0"
"""Handed from the prosody half to the sound half, float32."""

FRAMES = "/encoder/Clip_output_0"
"""Input of the sound half, float32, shape (1, n_symbols): whole frames per symbol, at least 1 each."""

SAMPLES_PER_FRAME = 600


def prosody() -> Any:
    """An onnxruntime session for the half from ``tokens`` and ``style`` to :data:`DURATIONS` and :data:`FEATURES`.

    Raises
    ------
    MissingModel
        If the model or a package that runs it is not installed.
    """
    return _session("prosody", ["tokens", "style"], [DURATIONS, FEATURES])


def sound() -> Any:
    """A session for the half from ``tokens``, ``style``, :data:`FEATURES` and :data:`FRAMES` to ``audio``.

    Raises
    ------
    MissingModel
        If the model or a package that runs it is not installed.
    """
    return _session("sound", ["tokens", "style", FEATURES, FRAMES], ["audio"])


def _session(name: str, inputs: list[str], outputs: list[str]) -> Any:
    """A session that works in the thread that calls it."""
    try:
        import onnxruntime

        path = _part(name, inputs, outputs)
    except ImportError as error:
        raise MissingModel(
            f"Kokoro needs the Python package {error.name!r}, which is not installed. "
            f"Install it with: pip install 'dubkit[embedded]', or run: {MEND}"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Errors only: the halves keep constants of which each uses a part, and onnxruntime warns of every other one.
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _part(name: str, inputs: list[str], outputs: list[str]) -> Path:
    """The half's file, cut out of the model at first use."""
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
