"""Joins frames and a sound file into an MP4."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import ffmpeg
import numpy as np

from data.picture import FPS, HEIGHT, WIDTH
from dubkit.media import ffmpeg_program

# x264 gives the same bytes for the same number of threads only.
ENCODER_THREADS = 2


def write(frames: Iterable[np.ndarray], sound: Path, target: Path, language: str, title: str) -> None:
    """Encode a film: H.264 picture at FPS, AAC sound, index in front.

    Parameters
    ----------
    frames : iterable of np.ndarray, shape (HEIGHT, WIDTH, 3), uint8
        The picture, taken one at a time.
    sound : Path
        A WAV file that lasts as long as the picture.
    target : Path
        Where to write; there is nothing there until the film is whole.
    language : str
        BCP-47 code of the sound, for its track.

    Raises
    ------
    RuntimeError
        If ffmpeg fails; the message holds what it said.
    """
    from langcodes import Language

    part = target.with_name(f".part-{target.name}")
    picture = ffmpeg.input("pipe:", format="rawvideo", pix_fmt="rgb24", s=f"{WIDTH}x{HEIGHT}", framerate=FPS)
    film = ffmpeg.output(
        picture.video,
        ffmpeg.input(f"file:{sound.absolute()}").audio,
        f"file:{part.absolute()}",
        format="mp4",
        vcodec="libx264",
        preset="veryfast",
        crf=23,
        pix_fmt="yuv420p",
        threads=ENCODER_THREADS,
        acodec="aac",
        audio_bitrate="160k",
        movflags="+faststart",
        fflags="+bitexact",
        flags="+bitexact",
        metadata=f"title={title}",
        **{"metadata:s:a:0": f"language={Language.get(language).to_alpha3()}"},
    ).global_args("-loglevel", "error")
    process = film.run_async(cmd=ffmpeg_program(), pipe_stdin=True, pipe_stderr=True, overwrite_output=True)
    try:
        for frame in frames:
            process.stdin.write(frame.tobytes())
        process.stdin.close()
    except BrokenPipeError:
        pass  # ffmpeg has stopped; why is in what it said
    said = process.stderr.read().decode(errors="replace").strip()
    if process.wait():
        part.unlink(missing_ok=True)
        raise RuntimeError(f"ffmpeg could not make {target.name}: {said}")
    part.replace(target)
