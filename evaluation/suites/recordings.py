"""Recordings of data sets, decoded without the library that `datasets` would want for it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from dubkit.errors import BadInput


def decoded(audio: Mapping[str, Any]) -> tuple[np.ndarray, int]:
    """A recording as mono float32 and its sample rate, whatever its format.

    Parameters
    ----------
    audio : mapping
        A cell of a column ``Audio(decode=False)``: ``bytes``, or ``path`` where they are None.

    Returns
    -------
    samples : np.ndarray, shape (n_samples,)
    sample_rate : int

    Raises
    ------
    BadInput
        If it cannot be read.
    """
    name = Path(audio.get("path") or "a recording").name
    try:
        samples, rate = soundfile.read(io.BytesIO(content(audio)), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        samples, rate = _by_ffmpeg(content(audio), name)
    if not len(samples):
        raise BadInput(f"{name} holds no sound; leave it out.")
    return samples.mean(axis=1), rate


def content(audio: Mapping[str, Any]) -> bytes:
    """The bytes of a recording's file.

    Raises
    ------
    BadInput
        If it is not there.
    """
    if audio.get("bytes"):
        return bytes(audio["bytes"])
    try:
        return Path(audio["path"]).read_bytes()
    except (OSError, TypeError) as error:
        raise BadInput(
            f"A recording cannot be read ({error}); see that all files of the data set are there."
        ) from error


def _by_ffmpeg(encoded: bytes, name: str) -> tuple[np.ndarray, int]:
    """What libsndfile does not know, such as AAC; shape (n_samples, 1)."""
    import av

    try:
        with av.open(io.BytesIO(encoded), "r") as container:
            rate = container.streams.audio[0].rate
            resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
            frames = [made for frame in container.decode(audio=0) for made in resampler.resample(frame)]
            return np.concatenate([frame.to_ndarray().reshape(-1, 1) for frame in frames]), rate
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise BadInput(f"{name} is no sound that can be read ({error}); leave it out.") from error
