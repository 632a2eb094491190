"""Whisper's real classes, a few numbers wide, with a vocabulary of letters, bytes and four languages."""

from __future__ import annotations

from pathlib import Path

LANGUAGES = ["en", "pt", "jw", "zh"]


def save(folder: Path, *, multilingual: bool = True, mels: int = 80) -> None:
    """Save a random model as the real checkpoints are saved; it answers in letters."""
    import torch
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    characters = list(bytes_to_unicode().values())
    letters = [f"Ġ{c}" for c in "abcdefghijklmnopqrstuvwxyz"]
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES)]
    special += ["<|translate|>", "<|transcribe|>", "<|nospeech|>", "<|notimestamps|>"]
    vocab = {token: n for n, token in enumerate([*characters, *letters])}
    ids = {token: len(vocab) + n for n, token in enumerate(special)}
    tokenizer = WhisperTokenizer(vocab=vocab, merges=[("Ġ", c[1]) for c in letters], pad_token="<|endoftext|>")
    tokenizer.add_special_tokens({"additional_special_tokens": special[1:]})
    assert tokenizer.convert_tokens_to_ids(special) == list(ids.values())

    end = ids["<|endoftext|>"]
    config = WhisperConfig(
        vocab_size=len(vocab) + len(special),
        num_mel_bins=mels,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_target_positions=24,
        init_std=0.4,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=ids["<|startoftranscript|>"],
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = WhisperForConditionalGeneration(config)
    generation = model.generation_config = GenerationConfig(
        max_length=24,
        decoder_start_token_id=config.decoder_start_token_id,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
    )
    generation.is_multilingual = multilingual
    if multilingual:
        generation.lang_to_id = {f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES}
        generation.task_to_id = {task: ids[f"<|{task}|>"] for task in ("translate", "transcribe")}
    generation.no_timestamps_token_id = ids["<|notimestamps|>"]
    # Random weights would mostly say bytes that are no text.
    generation.suppress_tokens = [n for n in range(model.config.vocab_size) if n < len(characters) or n > end]
    generation.begin_suppress_tokens = [end]
    generation.alignment_heads = [[0, 1], [1, 0], [1, 3]]
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=mels), tokenizer).save_pretrained(folder)
