"""Tiny films, encoded by ffmpeg."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from dubkit.media import ffmpeg_program

TONE = "sine=frequency=440:sample_rate=48000"
QUICK = {"libx264": ["-preset", "ultrafast"], "libvpx": ["-deadline", "realtime", "-cpu-used", "8"]}


def make_film(
    target: Path,
    *,
    seconds: float = 2.0,
    fps: int = 25,
    size: str = "160x120",
    sound: str | Path = TONE,
    picture_codec: str = "libx264",
    sound_codec: str = "aac",
    options: Sequence[str] = (),
) -> Path:
    """A moving test picture with a sound, encoded by ffmpeg; the name's ending names the container.

    `sound` is a sound file as long as the film, or an ffmpeg source.
    """
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-y"]
    command += ["-f", "lavfi", "-i", f"testsrc=size={size}:rate={fps}:duration={seconds}"]
    source = ["-i", str(sound)] if isinstance(sound, Path) else ["-f", "lavfi", "-i", f"{sound}:duration={seconds}"]
    command += [*source, "-map", "0:v", "-map", "1:a"]
    command += ["-c:v", picture_codec, "-c:a", sound_codec, "-pix_fmt", "yuv420p"]
    command += QUICK.get(picture_codec, [])
    subprocess.run([*command, *options, f"file:{target}"], check=True, capture_output=True)
    return target
