"""Demucs' real hybrid transformer, a few numbers wide, in the format of the package's models on the hub."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

SOURCES = ["drums", "bass", "other", "vocals"]
SEGMENT = Fraction(1, 2)
"""Seconds of its windows."""


def save(folder: Path, *, name: str = "htdemucs", weights: list[list[float]] | None = None, **changes: Any) -> None:
    """Save a bag of random models, one for each row of weights; `changes` are arguments of HTDemucs."""
    import torch
    from demucs.htdemucs import HTDemucs
    from safetensors.torch import save_file

    options = {
        "channels": 4,
        "depth": 2,
        "nfft": 256,
        "t_layers": 1,
        "t_heads": 2,
        "t_hidden_scale": 1.0,
        "dconv_comp": 2,
        "dconv_init": 0.1,
        "rescale": 0.5,
        "samplerate": 44_100,
        "segment": SEGMENT,
        **changes,
    }
    sources = options.pop("sources", SOURCES)
    stored = {
        k: {"_type": "fraction", "numerator": v.numerator, "denominator": v.denominator}
        if isinstance(v, Fraction)
        else v
        for k, v in options.items()
    }
    signatures = [f"{n:08x}" for n in range(1, 1 + len(weights or [[]]))]
    folder.mkdir(parents=True, exist_ok=True)
    for n, signature in enumerate(signatures):
        with torch.random.fork_rng():
            torch.manual_seed(n)
            model = HTDemucs(sources, **options)
        described = {
            "klass": "demucs.htdemucs.HTDemucs",
            "args": json.dumps([sources]),
            "kwargs": json.dumps(stored),
        }
        state = {k: v.contiguous() for k, v in model.state_dict().items()}
        save_file(state, folder / f"{signature}.safetensors", metadata=described)
    told = {"models": signatures} | ({"weights": weights} if weights else {})
    # JSON is YAML too.
    (folder / f"{name}.yaml").write_text(json.dumps(told))
