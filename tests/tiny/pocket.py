"""Pocket TTS's real classes, a few numbers wide, saved as the hub's files of one language are."""

from __future__ import annotations

import json
from pathlib import Path

import torch

SYMBOLS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,!?;:'áàâãçéêíóôõúñäöüß0123456789"


def save(folder: Path, *, seed: int = 0, voices: tuple[str, ...] = ("alba", "charles"), eos: float = 100.0) -> None:
    """Write ``config.yaml``, ``model.safetensors``, ``tokenizer.json`` and stock voices into a language's folder.

    Parameters
    ----------
    folder : Path
        For example ``pocket/fr``; made where it is not there.
    seed : int
        Of the random weights.
    voices : tuple of str
        Names of stock voices, each made from a tone of its own.
    eos : float
        Bias of the end detector: high, a text ends after six frames and a few more; low, never.
    """
    from pocket_tts import TTSModel, export_model_state
    from safetensors.torch import save_file

    (folder / "embeddings").mkdir(parents=True)
    _tokenizer(folder / "tokenizer.json")
    (folder / "config.yaml").write_text(json.dumps(_settings(folder)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        blank = TTSModel.load_model(config=folder / "config.yaml")
        for parameter in blank.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        torch.nn.init.constant_(blank.flow_lm.out_eos.bias, eos)
        save_file({k: v.contiguous() for k, v in blank.state_dict().items()}, folder / "model.safetensors")
    for n, name in enumerate(voices, 1):
        tone = 0.3 * torch.sin(torch.arange(24_000) * 0.02 * n)[None]
        export_model_state(blank.get_state_for_audio_prompt(tone), folder / "embeddings" / f"{name}.safetensors")


def _tokenizer(path: Path) -> None:
    """One token per letter; the first is what stands for others."""
    from tokenizers import Tokenizer, decoders, models

    vocab = {"?unknown": 0, **{letter: n for n, letter in enumerate(SYMBOLS, 1)}}
    made = Tokenizer(models.BPE(vocab, [], unk_token="?unknown"))
    made.decoder = decoders.Fuse()
    made.save(str(path))


def _settings(folder: Path) -> dict[str, object]:
    seanet = {
        "dimension": 8,
        "channels": 1,
        "n_filters": 2,
        "n_residual_layers": 1,
        "ratios": [6, 5, 4],
        "kernel_size": 7,
        "residual_kernel_size": 3,
        "last_kernel_size": 3,
        "dilation_base": 2,
        "pad_mode": "constant",
        "compress": 2,
    }
    transformer = {
        "d_model": 8,
        "num_heads": 2,
        "num_layers": 1,
        "layer_scale": 0.01,
        "context": 250,
        "dim_feedforward": 16,
        "input_dimension": 8,
        "output_dimensions": [8],
    }
    lookup = {"dim": 16, "n_bins": len(SYMBOLS) + 1, "tokenizer": "tokenizers"}
    return {
        "flow_lm": {
            "insert_bos_before_voice": True,
            "dtype": "float32",
            "flow": {"depth": 1, "dim": 16},
            "transformer": {
                "d_model": 16,
                "hidden_scale": 2,
                "max_period": 10000,
                "num_heads": 2,
                "num_layers": 2,
            },
            "lookup_table": {**lookup, "tokenizer_path": str(folder / "tokenizer.json")},
        },
        "mimi": {
            "dtype": "float32",
            "sample_rate": 24000,
            "inner_dim": 4,
            "outer_dim": 8,
            "channels": 1,
            "frame_rate": 12.5,
            "seanet": seanet,
            "transformer": transformer,
            "quantizer": {"dimension": 4, "output_dimension": 8},
        },
    }
