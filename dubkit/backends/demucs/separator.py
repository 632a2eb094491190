"""Hybrid Transformer Demucs: speech out of music and noise at 44.1 kHz, through the package demucs.

Demucs was made to take songs apart; its vocals are speech where somebody talks. The stream is cut into windows of the
model's own length, a quarter of each shared with the next, faded over one another with triangular weights: what
``demucs.apply.apply_model`` does to a whole sound in memory, done here with no more than a few windows at hand.
References: Rouard, Massa and Défossez, "Hybrid Transformers for Music Source Separation", ICASSP 2023.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

from dubkit.backends.demucs.model import DemucsSource
from dubkit.backends.devices import Batches, device
from dubkit.backends.protocols import Compute, ModelCard

if TYPE_CHECKING:
    import numpy as np

    from dubkit.backends.demucs.model import Voices

DEFAULT = "htdemucs"
OVERLAP = 0.25
# Raised whenever the cutting changes what comes out.
_METHOD = 1


class Demucs:
    """Separator ``demucs:NAME``, ``demucs:OWNER/NAME`` (on the hub) or ``demucs:FOLDER``."""

    sample_rate = 44_100

    def __init__(self, source: DemucsSource, compute: Compute) -> None:
        self.source = source
        self.compute = compute
        self._batches = Batches(compute, source.name)

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for htdemucs (no argument), another name or a folder; nothing is loaded yet.

        Raises
        ------
        BadInput
            If the argument names no model.
        """
        return cls(DemucsSource.parse(argument or DEFAULT), compute)

    @property
    def fingerprint(self) -> str:
        """Model and revision, and the revision of the method."""
        return f"demucs:{self.source.identity}+{_METHOD}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The one model."""
        return [self.source.card()]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download the model where it is not here."""
        self.source.fetched()

    def speech(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The speech in mono blocks at 44.1 kHz.

        Parameters
        ----------
        blocks : iterable of np.ndarray, shape (n_samples,)
            float32 in [-1, 1], of any lengths.

        Yields
        ------
        np.ndarray, shape (m,)
            Some seconds each; aligned with the input and, together, equally long. How the input is cut changes nothing.

        Raises
        ------
        MissingModel
            If the package or the model is not here and cannot be had.
        OutOfMemory
            If the GPU has no room for a single window.
        """
        voices = self._voices
        windows = _windows(blocks, voices)
        yield from _faded(self._separated(windows), voices.length)

    def _separated(self, windows: Iterator[_Window]) -> Iterator[np.ndarray]:
        """The speech in each window, without what was added around it; some windows at once on a GPU."""
        while batch := list(itertools.islice(windows, self._batches.size)):
            yield from self._batches.of(batch, self._heard)

    def _heard(self, batch: Sequence[_Window]) -> list[np.ndarray]:
        import numpy as np
        import torch

        place = device(self.compute)
        if place == "cpu":
            torch.set_num_threads(self.compute.n_threads)
        made: list[np.ndarray] = []
        # The last windows of a sound can be of other lengths, for models that take any.
        for _, alike in itertools.groupby(batch, key=lambda window: len(window.samples)):
            group = list(alike)
            sounds = torch.from_numpy(np.stack([window.samples for window in group])).to(place)
            with torch.inference_mode():
                speech = self._voices(sounds).cpu().numpy()
            made += [row[w.lead : w.lead + w.length] for row, w in zip(speech, group, strict=True)]
        return made

    @functools.cached_property
    def _voices(self) -> Voices:
        return self.source.load(self.compute, self.sample_rate)


class _Window:
    """Sound for the model: `length` samples after `lead` ones, and others behind, that give it its full length."""

    def __init__(self, samples: np.ndarray, lead: int, length: int) -> None:
        self.samples, self.lead, self.length = samples, lead, length


def _stride(length: int) -> int:
    return int((1 - OVERLAP) * length)


def _windows(blocks: Iterable[np.ndarray], voices: Voices) -> Iterator[_Window]:
    """The stream in overlapping windows; the last, shorter ones are filled up with what went before, then silence."""
    import numpy as np

    length, stride = voices.length, _stride(voices.length)
    # What the model wants longer is filled up on both sides; the last windows are short by up to all of it.
    longest = voices.valid_length(length)
    behind, ahead = longest // 2, longest - length
    held, start, offset = np.zeros(0, np.float32), 0, 0
    for block in blocks:
        held = np.concatenate([held, block.astype(np.float32, copy=False)])
        while start + len(held) >= offset + length + ahead:
            yield _cut(held, start, offset, length, voices)
            offset += stride
            spare = max(0, offset - behind - start)
            held, start = held[spare:], start + spare
    total = start + len(held)
    while offset < total:
        yield _cut(held, start, offset, min(length, total - offset), voices)
        offset += stride


def _cut(held: np.ndarray, start: int, offset: int, length: int, voices: Voices) -> _Window:
    """`length` samples of the stream from `offset` on, in the middle of as many as the model wants; `start` is held's."""
    import numpy as np

    wanted = voices.valid_length(length)
    lead = (wanted - length) // 2
    first = offset - lead
    inside = held[max(first, start) - start : first + wanted - start]
    before = max(first, start) - first
    return _Window(np.pad(inside, (before, wanted - before - len(inside))), lead, length)


def _faded(parts: Iterator[np.ndarray], length: int) -> Iterator[np.ndarray]:
    """Overlapping parts as one stream, each weighted most in its middle."""
    import numpy as np

    stride = _stride(length)
    rising, falling = np.arange(1, length // 2 + 1), np.arange(length - length // 2, 0, -1)
    weight = np.concatenate([rising, falling]).astype(np.float32)
    weight /= weight.max()
    total, weights = np.zeros(length, np.float32), np.zeros(length, np.float32)
    filled = 0
    for part in parts:
        if filled:
            yield total[:stride] / weights[:stride]
            total, weights = (np.append(x[stride:], np.zeros(stride, np.float32)) for x in (total, weights))
        total[: len(part)] += weight[: len(part)] * part
        weights[: len(part)] += weight[: len(part)]
        filled = max(filled - stride, len(part))
    if filled:
        yield total[:filled] / weights[:filled]
