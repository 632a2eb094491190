"""A voice classifier of transformers' own classes, a few numbers wide."""

from __future__ import annotations

from pathlib import Path

import torch


def save(
    folder: Path, *, kind: str = "Wav2Vec2", norm: str = "layer", labels: tuple[str, ...] = ("female", "male")
) -> None:
    """A random model; `kind` is Wav2Vec2, Hubert or WavLM, `norm` how its first layer is normalised."""
    import transformers

    config = getattr(transformers, f"{kind}Config")(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8, 8),
        conv_stride=(5, 8, 8),
        conv_kernel=(10, 8, 8),
        num_feat_extract_layers=3,
        feat_extract_norm=norm,
        do_stable_layer_norm=norm == "layer",
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
        initializer_range=0.5,
        id2label=dict(enumerate(labels)),
        label2id={label: n for n, label in enumerate(labels)},
    )
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = getattr(transformers, f"{kind}ForSequenceClassification")(config)
    model.save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=norm == "layer").save_pretrained(
        folder
    )
