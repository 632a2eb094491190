"""NLLB's real model and tokenizer classes, a few numbers wide: every letter is a token, every language has its code."""

from __future__ import annotations

import string
from pathlib import Path

LONGEST = 64
"""Tokens that it can read."""


def save(folder: Path, n_positions: int = LONGEST) -> None:
    """Save a model with random weights as the real checkpoints are saved; it answers in letters.

    CTranslate2 stops with an error past `n_positions`, and how soon random weights come to an end is another on every kind
    of processor: for it they are more than the longest answer, as they are in the real model.
    """
    import torch
    from transformers import GenerationConfig, M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    letters = ["▁", *string.ascii_letters, ".", ",", "!", "?", "ã"]
    vocab = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    vocab.update({letter: 4 + n for n, letter in enumerate(letters)})
    tokenizer = NllbTokenizer(vocab=vocab, merges=[])
    tokenizer.save_pretrained(folder)
    config = M2M100Config(
        vocab_size=len(tokenizer),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=n_positions,
        init_std=0.5,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = M2M100ForConditionalGeneration(config)
    # Random weights would mostly say language codes, which are no text: letters and the end are made likelier.
    texts = [2, *(vocab[letter] for letter in letters)]
    with torch.no_grad():
        likely = torch.zeros_like(model.lm_head.weight)
        likely[texts] = 1.5 * model.lm_head.weight[texts]
        likely[2] *= 1.3
        model.lm_head.weight.copy_(likely)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=2, eos_token_id=2, pad_token_id=1, bos_token_id=0, max_length=200
    )
    model.save_pretrained(folder)
