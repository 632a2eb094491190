"""Stage 2: the sound taken apart into speech for analysis, the whole sound, and a bed without the speech."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic.dataclasses import dataclass

from dubkit import media as files
from dubkit.artefacts import AudioFile, Media, Tracks, Video
from dubkit.backends.protocols import Separator
from dubkit.progress import Report
from dubkit.stage import stage

if TYPE_CHECKING:
    import numpy as np

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
    import soundfile

    from dubkit import audio

    taps: deque[np.ndarray] = deque()
    n_channels = min(media.audio.n_channels, 2)
    rate = files.SAMPLE_RATE
    full_path, analysis_path = folder / "full.flac", folder / "speech.flac"
    total = round(media.duration)
    with (
        soundfile.SoundFile(full_path, "w", rate, n_channels, "PCM_16", format="FLAC") as full,
        soundfile.SoundFile(analysis_path, "w", ANALYSIS_RATE, 1, "PCM_16", format="FLAC") as analysis,
    ):
        down = _Down(rate, analysis)

        def mono() -> Iterator[np.ndarray]:
            for block in files.sound(video.file.path, media):
                full.write(block)
                taps.append(block)
                middle = block.mean(axis=1)
                if settings.analysis == "mixture":
                    down.write(middle)
                yield middle
                report(min(total, round(full.frames / rate)), total, "seconds")

        def bed() -> Iterator[np.ndarray]:
            for speech in _like_blocks(backend.speech(mono()), taps):
                if settings.analysis == "speech":
                    down.write(speech)
                yield taps.popleft() - speech[:, None]

        background = audio.write(folder / "background.flac", bed(), rate)
        down.close()
    return Tracks(speech=_handle(analysis_path), full=_handle(full_path), background=background)


def _handle(path: Path) -> AudioFile:
    from dubkit.audio import open_audio

    return open_audio(path)


def _like_blocks(speech: Iterator[np.ndarray], taps: deque[np.ndarray]) -> Iterator[np.ndarray]:
    """The speech re-cut to the lengths of the waiting blocks, which it lags behind."""
    import numpy as np

    waiting = np.zeros(0, np.float32)
    for part in speech:
        waiting = np.concatenate([waiting, part])
        while taps and len(waiting) >= len(taps[0]):
            n = len(taps[0])
            yield waiting[:n]
            waiting = waiting[n:]


class _Down:
    """Writes a stream at the analysis rate."""

    def __init__(self, rate: int, sound: object) -> None:
        import soxr

        self.stream = soxr.ResampleStream(rate, ANALYSIS_RATE, 1, dtype="float32")
        self.sound = sound

    def write(self, samples: np.ndarray, last: bool = False) -> None:
        self.sound.write(self.stream.resample_chunk(samples, last=last))  # type: ignore[attr-defined]

    def close(self) -> None:
        import numpy as np

        self.write(np.zeros(0, np.float32), last=True)
