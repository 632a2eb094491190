"""A second, teacher-forced reading of what Whisper wrote: where it looked, and how sure it was of each token.

OpenAI's own implementation finds word times in the same way. Cross-attention taken while searching would hold every
head of every beam in memory, and the times would depend on what else is in the batch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class Reading:
    """What the model makes of one waveform and a text.

    Parameters
    ----------
    attention : np.ndarray, shape (n_heads, n_tokens + 1, n_frames)
        Where it looks, in 20 ms frames, when it chooses each token and the end of the text.
    chances : tuple of float
        Each token's probability among all text tokens.
    log_probability : float
        Mean over the tokens and the end of the text, among all tokens.
    no_speech : float
        Probability that nobody speaks.
    """

    attention: np.ndarray
    chances: tuple[float, ...]
    log_probability: float
    no_speech: float


def read_again(
    model: Any, encoded: torch.Tensor, prompt: Sequence[int], texts: Sequence[Sequence[int]], end: int
) -> list[Reading]:
    """Read texts in the waveforms that they were found in.

    Parameters
    ----------
    model : WhisperForConditionalGeneration
        Its ``generation_config`` may name the heads that follow the sound.
    encoded : torch.Tensor, shape (n, n_frames, width)
        The encoder's output.
    prompt : sequence of int
        Tokens before the text.
    texts : sequence of sequence of int
        Text tokens, one sequence per waveform.
    end : int
        The end-of-text token; special tokens have higher numbers than it.
    """
    import torch

    width = max(len(text) for text in texts)
    tokens = torch.tensor([[*prompt, *text, *[end] * (width + 1 - len(text))] for text in texts], device=encoded.device)
    with torch.inference_mode(), _attention(model) as kept:
        logits = model(encoder_outputs=(encoded,), decoder_input_ids=tokens[:, :-1], use_cache=False).logits.float()
    weights = torch.cat(kept, dim=1).numpy()
    # The step that reads token k chooses token k + 1: the prompt's last step chooses the first of the text.
    first = len(prompt) - 1
    chosen = tokens[:, first + 1 :, None]
    sure = logits[:, first:, :end].softmax(-1).gather(2, chosen.clamp(max=end - 1))[..., 0].cpu()
    scores = logits[:, first:].log_softmax(-1).gather(2, chosen)[..., 0].cpu()
    # The token before the one that turns times off.
    silent = logits[:, 0].softmax(-1)[:, model.generation_config.no_timestamps_token_id - 1].cpu()
    return [
        Reading(
            attention=weights[n][:, first : first + len(text) + 1],
            chances=tuple(sure[n, : len(text)].tolist()),
            log_probability=float(scores[n, : len(text) + 1].mean()),
            no_speech=float(silent[n]),
        )
        for n, text in enumerate(texts)
    ]


def _heads(model: Any) -> list[tuple[int, int]]:
    """(layer, head) pairs whose attention follows the sound; the upper half where the checkpoint names none."""
    named = getattr(model.generation_config, "alignment_heads", None)
    if named:
        return [(layer, head) for layer, head in named]
    upper = range(model.config.decoder_layers // 2, model.config.decoder_layers)
    return [(layer, head) for layer in upper for head in range(model.config.decoder_attention_heads)]


@contextlib.contextmanager
def _attention(model: Any) -> Iterator[list[torch.Tensor]]:
    """Keep the cross-attention of the aligned heads in one pass: a list of (n, heads, tokens, frames), layer by layer."""
    kept: list[torch.Tensor] = []
    heads = _heads(model)
    fast = model.config._attn_implementation
    # Only plain attention computes the weights; the fused kernels never hold them.
    model.set_attn_implementation("eager")
    hooks = []
    for layer in sorted({layer for layer, _ in heads}):
        chosen = [head for at, head in heads if at == layer]

        def keep(_module: Any, _inputs: Any, outputs: Any, chosen: list[int] = chosen) -> None:
            kept.append(outputs[1][:, chosen].float().cpu())

        hooks.append(model.get_decoder().layers[layer].encoder_attn.register_forward_hook(keep))
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()
        model.set_attn_implementation(fast)
