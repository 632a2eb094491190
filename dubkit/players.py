"""Sounds and films inside a page: short clips, compressed and written into the HTML, so that it needs no other file."""

from __future__ import annotations

import base64
import html
import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.record import AudioFile, File, Seconds

if TYPE_CHECKING:
    import numpy as np

LONGEST_SOUND: Seconds = 30.0
LONGEST_FILM: Seconds = 60.0
SAMPLE_RATE = 24_000
"""Of the clips, in Hz: enough for speech, and a third of the size."""
# A picture to check lips and subtitles by, not to admire.
PICTURE = {"vcodec": "libx264", "preset": "veryfast", "crf": 28, "pix_fmt": "yuv420p"}


@dataclass(frozen=True)
class Player:
    """A piece of HTML that plays something, or several."""

    page: str

    def _repr_html_(self) -> str:
        return self.page


def listen(
    sound: AudioFile, start: Seconds = 0.0, end: Seconds | None = None, label: str = "", *, captioned: bool = True
) -> Player:
    """A player for a stretch of a sound.

    Parameters
    ----------
    sound : AudioFile
    start, end : float
        In seconds; of more than :data:`LONGEST_SOUND` only the beginning is taken, and the caption says so.
    label : str
        What it is; by default the file's name.
    captioned : bool
        Whether the label is written above it; screen readers say it in any case.
    """
    start, last, caption = _stretch(label or sound.path.stem, start, end, sound.duration, LONGEST_SOUND)
    source = data_url("audio/mpeg", encoded(sound, start, last))
    name = html.escape(caption, quote=True)
    return _framed(
        caption, f'<audio controls preload="none" style="height:2.2em" aria-label="{name}" src="{source}"></audio>'
    )


def watch(
    film: File | Path, start: Seconds = 0.0, end: Seconds | None = None, label: str = "", width: int = 480
) -> Player:
    """A player for a stretch of a film, in a small copy.

    Parameters
    ----------
    film : File or Path
    start, end : float
        In seconds; of more than :data:`LONGEST_FILM` only the beginning is taken, and the caption says so.
    label : str
        What it is; by default the file's name.
    width : int
        Of the picture in pixels; a smaller one is not made larger.

    Raises
    ------
    BadInput
        If it is no film.
    StageFailed
        If ffmpeg cannot read it.
    """
    from dubkit import media

    path = film.path if isinstance(film, File) else Path(film)
    start, last, caption = _stretch(label or path.stem, start, end, media.probe(path).duration, LONGEST_FILM)
    with tempfile.TemporaryDirectory(prefix="dubkit-") as folder:
        clip = small_copy(path, start, last, Path(folder) / "clip.mp4", width)
        source = data_url("video/mp4", clip.read_bytes())
    name = html.escape(caption, quote=True)
    shown = f'<video controls preload="metadata" style="max-width:min(100%,{width}px)" aria-label="{name}"'
    return _framed(caption, f'{shown} src="{source}"></video>')


def gallery(players: Iterable[Player]) -> Player:
    """Several players side by side, as far as the page is wide enough; of none it says so."""
    inside = "".join(player.page for player in players) or "<p>There is nothing to hear.</p>"
    return Player(f'<div style="display:flex;flex-wrap:wrap;gap:0.5em 1.5em;align-items:flex-end">{inside}</div>')


def encoded(sound: AudioFile, start: Seconds = 0.0, end: Seconds | None = None) -> bytes:
    """A stretch of a sound as MP3, which every browser plays."""
    from dubkit.audio import resample

    samples = resample(sound.load(start, end), sound.sample_rate, SAMPLE_RATE)
    return mp3(samples, SAMPLE_RATE)


def mp3(samples: np.ndarray, sample_rate: int) -> bytes:
    """Samples as MP3.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,) or (n_samples, n_channels)
    sample_rate : int
        In Hz.
    """
    import numpy as np
    import soundfile

    stream = io.BytesIO()
    # Of nothing at all there is no MP3.
    soundfile.write(stream, samples if len(samples) else np.zeros(1, np.float32), sample_rate, format="MP3")
    return stream.getvalue()


def small_copy(film: Path, start: Seconds, end: Seconds, target: Path, width: int = 480) -> Path:
    """Write a stretch of a film as a small MP4 that every browser plays; gives the path back.

    Raises
    ------
    StageFailed
        If ffmpeg cannot read it.
    OutOfSpace
        If the disk is full.
    """
    import ffmpeg

    from dubkit.media import address, run_ffmpeg

    source = ffmpeg.input(address(film), ss=start, t=end - start)
    # Even numbers, as the codec wants them.
    picture = source.video.filter("scale", f"trunc(min({width},iw)/2)*2", -2)
    sound = source["a:0?"]
    options = {**PICTURE, "acodec": "aac", "audio_bitrate": "96k", "movflags": "+faststart"}
    run_ffmpeg(ffmpeg.output(picture, sound, str(target), **options), "cutting a clip")
    return target


def data_url(kind: str, content: bytes) -> str:
    """Content as an address that holds all of it; `kind` is its MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _stretch(
    label: str, start: Seconds, end: Seconds | None, duration: Seconds, longest: Seconds
) -> tuple[Seconds, Seconds, str]:
    """Where a clip begins and ends, and what it is called."""
    start = min(max(0.0, start), duration)
    wanted = duration if end is None else min(max(start, end), duration)
    last = min(wanted, start + longest)
    if last < wanted:
        label += f" (the first {longest:.0f} of {wanted - start:.0f} s)"
    return start, last, label


def _framed(caption: str, player: str) -> Player:
    return Player(
        f'<figure style="margin:0.3em 0"><figcaption style="font-size:0.9em">{html.escape(caption)}</figcaption>'
        f"{player}</figure>"
    )
