"""What is in a finished film, read back with PyAV."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
from builders import FILM_RATE


def packets(path: Path, kind: str = "video") -> list[tuple[float, str]]:
    """Time and content of every packet of the first stream of a kind, by time."""
    with av.open(f"file:{path}") as container:
        stream = getattr(container.streams, kind)[0]
        origin = (container.start_time or 0) / 1e6
        found = [
            (round(float(p.pts * p.time_base) - origin, 3), hashlib.sha256(bytes(p)).hexdigest())
            for p in container.demux(stream)
            if p.size
        ]
    return sorted(found)


def streams(path: Path) -> list[dict[str, Any]]:
    """Every stream's codec, tags and title, in order."""
    with av.open(f"file:{path}") as container:
        return [
            {
                "type": s.type,
                "codec": s.codec_context.codec.canonical_name if s.codec_context else "",
                "language": s.language,
                "title": s.metadata.get("handler_name"),
                "default": bool(s.disposition & s.disposition.default),
            }
            for s in container.streams
        ]


def facts(path: Path) -> tuple[float, dict[str, str]]:
    """The length of the longest track, subtitles too, and the film's tags."""
    with av.open(f"file:{path}") as container:
        longest = max(float(s.duration * s.time_base) for s in container.streams)
        return max(longest, container.duration / 1e6), dict(container.metadata)


def boxes(path: Path) -> list[str]:
    """The top-level boxes of an MP4, in order."""
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        size, name = struct.unpack(">I4s", content[at : at + 8])
        found.append(name.decode())
        at += size
    return found


def decoded(path: Path, track: int) -> np.ndarray:
    """A track at 48 kHz, shape (n_samples, 2)."""
    with av.open(f"file:{path}") as container:
        stream = container.streams.audio[track]
        return np.concatenate([f.to_ndarray() for f in container.decode(stream)], axis=1).T


def loudest_hz(samples: np.ndarray) -> float:
    """The strongest frequency of a channel."""
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * FILM_RATE / len(samples))


def shown(path: Path) -> list[float]:
    """When each frame is shown, in the order in which the decoder gives them."""
    with av.open(f"file:{path}") as container:
        return [round(frame.time, 3) for frame in container.decode(video=0)]
