"""The forward pass of transformers' VITS with noise of its own for each line, for one line or several at once.

VITS (Kim et al. 2021) draws random numbers for rhythm and for timbre. ``VitsModel.forward`` draws them for a batch at
once and from the process's generator, so that a line would sound otherwise in other company. Here each line has its own
generator, and the decoder sees zeros after a line's end, as it would if the line were alone.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

SEED = 1


@dataclass(frozen=True)
class Line:
    """What is to be spoken.

    Parameters
    ----------
    tokens : torch.Tensor, shape (1, n_tokens)
        The text in the model's vocabulary, on its device.
    rate : float
        1 is the model's own speed, 1.2 is 20 % faster.
    """

    tokens: torch.Tensor
    rate: float = 1.0


@dataclass(frozen=True)
class _Encoded:
    """A line before its sound: ``frames`` of each token, shape (n_tokens,), and the prior of each token's latents."""

    frames: torch.Tensor
    means: torch.Tensor
    log_variances: torch.Tensor
    noise: torch.Generator


def n_samples(model: Any, line: Line) -> int:
    """Exact length of the sound of a line, from the text encoder and the duration predictor alone."""
    import torch

    with torch.inference_mode():
        return max(1, int(_encoded(model, line).frames.sum())) * _hop(model)


def waveforms(model: Any, lines: Sequence[Line]) -> list[np.ndarray]:
    """The sound of each line, the same in company as alone up to rounding.

    Parameters
    ----------
    model : transformers.VitsModel
        In evaluation mode, in float32.
    lines : sequence of Line
        Of about one length, since all are padded to the longest.

    Returns
    -------
    list of np.ndarray, shape (n_samples,)
        float32 at ``model.config.sampling_rate``; a single line is what ``model.forward`` makes of it after
        ``torch.manual_seed(SEED)`` on a CPU.
    """
    import torch

    with torch.inference_mode():
        latents = [_latents(model, _encoded(model, line)) for line in lines]
        lengths = [part.shape[2] for part in latents]
        padded = torch.cat([torch.nn.functional.pad(part, (0, max(lengths) - part.shape[2])) for part in latents])
        mask = _mask(lengths, max(lengths), padded)
        spectrogram = model.flow(padded, mask, None, reverse=True) * mask
        sound = _decoded(model.decoder, spectrogram, lengths)[:, 0].float().cpu().numpy()
    return [row[: n * _hop(model)] for row, n in zip(sound, lengths, strict=True)]


def _hop(model: Any) -> int:
    """Samples for each frame of latents."""
    hop: int = math.prod(model.config.upsample_rates)
    return hop


def _encoded(model: Any, line: Line) -> _Encoded:
    import torch

    noise = torch.Generator().manual_seed(SEED)
    mask = torch.ones_like(line.tokens, dtype=model.dtype)
    with _numpy_state_kept():
        encoded = model.text_encoder(input_ids=line.tokens, padding_mask=mask.unsqueeze(-1))
    hidden = encoded.last_hidden_state.transpose(1, 2)
    told = _log_durations(model, hidden, mask.unsqueeze(1), noise)
    # The order of operations is the model's own, so that no length is rounded up where it would not round it up.
    frames = torch.ceil(torch.exp(told) * (1.0 / (line.rate * model.config.speaking_rate)))[0, 0].long()
    return _Encoded(frames, encoded.prior_means[0], encoded.prior_log_variances[0], noise)


def _log_durations(model: Any, hidden: torch.Tensor, mask: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """Logarithm of the frames of each token, shape (1, 1, n_tokens)."""
    import torch

    predictor = model.duration_predictor
    if not model.config.use_stochastic_duration_prediction:
        plain: torch.Tensor = predictor(hidden, mask)
        return plain
    condition = predictor.conv_dds(predictor.conv_pre(hidden), mask)
    condition = predictor.conv_proj(condition) * mask
    # Drawn on the CPU whatever the device, so that rhythm is the same on both.
    latents = torch.randn(1, 2, hidden.shape[2], generator=noise).to(hidden) * model.noise_scale_duration
    # The flow next to the last was trained, but has no part in what is generated.
    for flow in [*reversed(predictor.flows[2:]), predictor.flows[0]]:
        latents, _ = flow(torch.flip(latents, [1]), mask, global_conditioning=condition, reverse=True)
    told: torch.Tensor = latents[:, :1]
    return told


def _latents(model: Any, line: _Encoded) -> torch.Tensor:
    """What goes into the flow, shape (1, flow_size, n_frames): each token's prior for as long as it lasts, and noise."""
    import torch

    means = torch.repeat_interleave(line.means, line.frames, dim=0)
    log_variances = torch.repeat_interleave(line.log_variances, line.frames, dim=0)
    if not len(means):
        means = log_variances = torch.zeros_like(line.means[:1])
    # PyTorch draws other numbers into a tensor that lies transposed in memory, as the model's own does.
    noise = torch.empty(means.shape).T.normal_(generator=line.noise).to(means)
    latents: torch.Tensor = means.T + noise * torch.exp(log_variances).T * model.noise_scale
    return latents.unsqueeze(0)


def _mask(lengths: Sequence[int], longest: int, like: torch.Tensor) -> torch.Tensor:
    """1 where a line lasts, 0 after its end; shape (n_lines, 1, longest)."""
    import torch

    ends = torch.tensor(lengths, device=like.device).unsqueeze(1)
    lasting: torch.Tensor = torch.arange(longest, device=like.device) < ends
    mask: torch.Tensor = lasting.unsqueeze(1).to(like.dtype)
    return mask


def _decoded(decoder: Any, spectrogram: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """HiFi-GAN (Kong et al. 2020) with zeros after each line's end in every layer, as a line alone is padded there."""
    import torch
    from torch.nn.functional import leaky_relu

    if len(set(lengths)) == 1:
        whole: torch.Tensor = decoder(spectrogram)
        return whole
    ends = list(lengths)
    hidden = decoder.conv_pre(spectrogram) * _mask(ends, spectrogram.shape[2], spectrogram)
    slope, n_kernels = decoder.config.leaky_relu_slope, decoder.num_kernels
    for n, upsampled in enumerate(decoder.upsampler):
        ends = [end * upsampled.stride[0] for end in ends]
        hidden = upsampled(leaky_relu(hidden, slope))
        mask = _mask(ends, hidden.shape[2], hidden)
        hidden *= mask
        blocks = decoder.resblocks[n * n_kernels : (n + 1) * n_kernels]
        hidden = sum(_residual(block, hidden, mask) for block in blocks) / n_kernels
    # Here the slope is the function's own default, as in the original.
    return torch.tanh(decoder.conv_post(leaky_relu(hidden)))


def _residual(block: Any, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import leaky_relu

    for first, second in zip(block.convs1, block.convs2, strict=True):
        inner = first(leaky_relu(hidden, block.leaky_relu_slope)) * mask
        hidden = hidden + second(leaky_relu(inner, block.leaky_relu_slope)) * mask
    return hidden


@contextlib.contextmanager
def _numpy_state_kept() -> Iterator[None]:
    """Leave NumPy's own random state as it was: transformers draws from it for layers that it might drop in training."""
    import numpy as np

    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)
