"""A VITS a few numbers wide, saved as the MMS checkpoints are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyz '"


def save_vits(
    folder: Path, *, seed: int = 0, stochastic: bool = True, is_uroman: bool = False, rate: int = 16_000, **other: Any
) -> None:
    """Save model and tokenizer of one language with random weights; `other` goes into its configuration."""
    import torch
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    folder.mkdir(parents=True)
    vocab = {"<pad>": 0, **{letter: n for n, letter in enumerate(LETTERS, 1)}, "<unk>": len(LETTERS) + 1}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    VitsTokenizer(str(folder / "vocab.json"), phonemize=False, is_uroman=is_uroman).save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": len(vocab),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "ffn_dim": 16,
        "flow_size": 16,
        "spectrogram_bins": 33,
        "duration_predictor_flow_bins": 4,
        "duration_predictor_num_flows": 2,
        "duration_predictor_filter_channels": 16,
        "depth_separable_num_layers": 1,
        "prior_encoder_num_flows": 1,
        "prior_encoder_num_wavenet_layers": 1,
        "posterior_encoder_num_wavenet_layers": 1,
        "upsample_initial_channel": 32,
        "upsample_rates": [8, 8, 4],
        "upsample_kernel_sizes": [16, 16, 8],
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3]],
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = VitsConfig(**{**sizes, **other}, use_stochastic_duration_prediction=stochastic, sampling_rate=rate)
        VitsModel(config).save_pretrained(folder)


def save(folder: Path) -> None:
    """A folder of languages as ``mms:FOLDER`` takes it: Portuguese, and English with the plain duration predictor."""
    save_vits(folder / "por")
    save_vits(folder / "eng", seed=1, stochastic=False)
