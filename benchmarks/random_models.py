"""Whisper, NLLB-200 and MMS-TTS in their real sizes with random weights: as fast as the real ones, and as large.

They are saved as the real checkpoints are, in half precision, with a vocabulary of the real size made of made-up words.
The end of a text is barred: random weights would end anywhere, and every reading is to be equally long.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

WHISPER = {
    "tiny": {"d_model": 384, "layers": 4, "heads": 6, "mels": 80},
    "base": {"d_model": 512, "layers": 6, "heads": 8, "mels": 80},
    "small": {"d_model": 768, "layers": 12, "heads": 12, "mels": 80},
    "medium": {"d_model": 1024, "layers": 24, "heads": 16, "mels": 80},
    "large-v3": {"d_model": 1280, "layers": 32, "heads": 20, "mels": 128},
}
NLLB = {
    "600M": {"d_model": 1024, "layers": 12, "ffn": 4096},
    "1.3B": {"d_model": 1024, "layers": 24, "ffn": 8192},
    "3.3B": {"d_model": 2048, "layers": 24, "ffn": 8192},
}


def whisper(folder: Path, size: str) -> Path:
    """A Whisper of that size."""
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )
    from transformers.convert_slow_tokenizer import bytes_to_unicode
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    shape = WHISPER[size]
    characters = list(bytes_to_unicode().values())
    vocab = {token: n for n, token in enumerate([*characters, *_words(50_257 - len(characters), "Ġ")])}
    languages = list(LANGUAGES)[: 100 if size == "large-v3" else 99]
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in languages)]
    special += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>"]
    special += ["<|notimestamps|>", *(f"<|{n / 50:.2f}|>" for n in range(1501))]
    ids = {token: len(vocab) + n for n, token in enumerate(special)}
    tokenizer = WhisperTokenizer(vocab=vocab, merges=[], pad_token="<|endoftext|>")  # noqa: S106 - no password
    tokenizer.add_special_tokens({"additional_special_tokens": special[1:]})
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    config = WhisperConfig(
        vocab_size=len(vocab) + len(special),
        num_mel_bins=shape["mels"],
        d_model=shape["d_model"],
        encoder_layers=shape["layers"],
        decoder_layers=shape["layers"],
        encoder_attention_heads=shape["heads"],
        decoder_attention_heads=shape["heads"],
        encoder_ffn_dim=4 * shape["d_model"],
        decoder_ffn_dim=4 * shape["d_model"],
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
    )
    told = GenerationConfig(
        max_length=448, decoder_start_token_id=start, bos_token_id=end, eos_token_id=end, pad_token_id=end
    )
    told.is_multilingual = True
    told.lang_to_id = {f"<|{code}|>": ids[f"<|{code}|>"] for code in languages}
    told.task_to_id = {task: ids[f"<|{task}|>"] for task in ("translate", "transcribe")}
    told.no_timestamps_token_id = ids["<|notimestamps|>"]
    told.suppress_tokens = [*range(len(characters)), *range(end, config.vocab_size)]
    told.begin_suppress_tokens = []
    told.alignment_heads = [[shape["layers"] - 1, head] for head in range(6)]
    _save(WhisperForConditionalGeneration, config, told, folder)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=shape["mels"]), tokenizer).save_pretrained(folder)
    return folder


def nllb(folder: Path, size: str) -> Path:
    """An NLLB-200 of that size."""
    from transformers import GenerationConfig, M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    shape = NLLB[size]
    vocab = {token: n for n, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "▁"])}
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocab |= {letter: len(vocab) + n for n, letter in enumerate(letters)}
    codes = len(NllbTokenizer(vocab=dict(vocab), merges=[])) - len(vocab)
    for word in _words(256_206 - len(vocab) - codes, "▁"):
        vocab[word] = len(vocab)
    tokenizer = NllbTokenizer(vocab=vocab, merges=[])
    config = M2M100Config(
        vocab_size=len(tokenizer),
        d_model=shape["d_model"],
        encoder_layers=shape["layers"],
        decoder_layers=shape["layers"],
        encoder_ffn_dim=shape["ffn"],
        decoder_ffn_dim=shape["ffn"],
        encoder_attention_heads=16,
        decoder_attention_heads=16,
    )
    told = GenerationConfig(
        max_length=200, decoder_start_token_id=2, eos_token_id=2, pad_token_id=1, bos_token_id=0, suppress_tokens=[2]
    )
    _save(M2M100ForConditionalGeneration, config, told, folder)
    tokenizer.save_pretrained(folder)
    return folder


def mms(folder: Path) -> Path:
    """The MMS-TTS voice of one language, in ``folder/eng``; it has one size only."""
    import json

    import torch
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    home = folder / "eng"
    home.mkdir(parents=True)
    letters = " abcdefghijklmnopqrstuvwxyz'-0123456789"
    vocab = {letter: n for n, letter in enumerate(letters)}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    tokenizer = VitsTokenizer(
        str(folder / "vocab.json"), language="eng", add_blank=True, normalize=True, phonemize=False, is_uroman=False
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        VitsModel(VitsConfig(vocab_size=len(vocab))).save_pretrained(home)
    tokenizer.save_pretrained(home)
    return folder


def _words(count: int, before: str) -> list[str]:
    """So many made-up words of four letters."""
    letters = itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=4)
    return [before + "".join(four) for four in itertools.islice(letters, count)]


def _save(cls: Any, config: Any, told: Any, folder: Path) -> None:
    """Random weights, written over uninitialised ones: the classes' own initialisation takes minutes at these sizes."""
    import torch

    with torch.device("meta"):
        model = cls(config)
    model = model.to(torch.float16).to_empty(device="cuda" if torch.cuda.is_available() else "cpu")
    model.tie_weights()
    generator = torch.Generator(model.device).manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim < 2:
                weight.fill_(1.0 if name.endswith("weight") else 0.0)
            else:
                weight.normal_(0.0, 0.02, generator=generator)
    model.generation_config = told
    model.to("cpu").save_pretrained(folder)
