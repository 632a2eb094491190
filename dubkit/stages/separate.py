"""Stage 2: the sound taken apart into speech for analysis, the whole sound, and a bed without the speech."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic.dataclasses import dataclass

from dubkit import media as files
from dubkit.artefacts import Media, Tracks, Video
from dubkit.backends.protocols import Separator
from dubkit.progress import Report
from dubkit.stage import stage

if TYPE_CHECKING:
    import numpy as np

    from dubkit.audio import Writer

ANALYSIS_RATE = 16_000


@dataclass(frozen=True)
class SeparateSettings:
    """How the sound is taken apart.

    Parameters
    ----------
    analysis : {"mixture", "speech"}
        What the listening stages hear: the whole sound, or just the separated speech.
    """

    analysis: Literal["mixture", "speech"] = "mixture"


@stage(version=1, task="separator")
def separate(
    video: Video, media: Media, *, settings: SeparateSettings, backend: Separator, folder: Path, report: Report
) -> Tracks:
    """Decode the sound once, in blocks, and write three files that start and end with the film."""
    from dubkit import audio

    rate, n_channels = files.SAMPLE_RATE, min(media.audio.n_channels, 2)
    total = round(media.duration)
    waiting: deque[np.ndarray] = deque()
    with (
        audio.Writer(folder / "full.flac", rate, n_channels) as full,
        audio.Writer(folder / "speech.flac", ANALYSIS_RATE, 1) as analysis,
    ):
        down = _Down(rate, analysis)

        def mono() -> Iterator[np.ndarray]:
            for block in files.sound(video.file.path, media):
                full.write(block)
                waiting.append(block)
                middle = block.mean(axis=1)
                if settings.analysis == "mixture":
                    down.write(middle)
                yield middle
                report(min(total, round(full.n_samples / rate)), total, "seconds")

        def bed() -> Iterator[np.ndarray]:
            heard = audio.resampled(mono(), rate, backend.sample_rate)
            spoken = audio.resampled(backend.speech(heard), backend.sample_rate, rate)
            for speech in _like_blocks(spoken, waiting):
                if settings.analysis == "speech":
                    down.write(speech)
                yield waiting.popleft() - speech[:, None]

        background = audio.write(folder / "background.flac", bed(), rate)
        down.finish()
        return Tracks(speech=analysis.close(), full=full.close(), background=background)


def _like_blocks(speech: Iterator[np.ndarray], waiting: deque[np.ndarray]) -> Iterator[np.ndarray]:
    """The speech re-cut to the lengths of the waiting blocks, which it lags behind.

    At the end it may be a sample short of them, where it came by way of another sample rate.
    """
    import numpy as np

    rest = np.zeros(0, np.float32)
    for part in speech:
        rest = np.concatenate([rest, part])
        while waiting and len(rest) >= len(waiting[0]):
            n = len(waiting[0])
            yield rest[:n]
            rest = rest[n:]
    while waiting:
        n = len(waiting[0])
        yield np.pad(rest[:n], (0, max(0, n - len(rest))))
        rest = rest[n:]


class _Down:
    """Writes a stream at the analysis rate."""

    def __init__(self, rate: int, sound: Writer) -> None:
        import soxr

        self.stream = soxr.ResampleStream(rate, ANALYSIS_RATE, 1, dtype="float32")
        self.sound = sound

    def write(self, samples: np.ndarray, last: bool = False) -> None:
        self.sound.write(self.stream.resample_chunk(samples, last=last))

    def finish(self) -> None:
        import numpy as np

        self.write(np.zeros(0, np.float32), last=True)
