"""What a dub takes over from its film, the picture and the original sound, as inputs of ffmpeg in times of the dub.

Mostly that is the film's own file. Where the picture is slowed, both are written anew into a folder that is gone afterwards: the
picture with the same packets at new times, the sound stretched along with it.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit import media as files
from dubkit.artefacts import Media
from dubkit.retiming import TimeMap
from dubkit.slowed_picture import Picture, slow_picture
from dubkit.slowed_sound import slowed

H264: dict[str, Any] = {
    "c:v": "libx264",
    "pix_fmt": "yuv420p",
    "crf": 18,
    "preset": "medium",
    "fps_mode": "passthrough",
    # H.264 in yuv420p has even sides alone: an odd last row or column is left off.
    "vf": "crop=trunc(iw/2)*2:trunc(ih/2)*2",
}


@dataclass(frozen=True)
class Inputs:
    """Streams for ffmpeg; the picture's file has the chapters and the tags, too.

    ``encode`` tells whether the picture is still to be encoded; ``original`` is None where it was not asked for.
    """

    picture: Any
    original: Any
    encode: bool


@contextlib.contextmanager
def inputs(path: Path, media: Media, times: TimeMap, folder: Path, *, encode: bool, original: bool) -> Iterator[Inputs]:
    """The picture and, if asked for, the original sound of a film, as long as the context lasts.

    Parameters
    ----------
    path : Path
        The film.
    media : Media
        What is in it.
    times : TimeMap
        From times of the film to times of the dub.
    folder : Path
        Where a slowed picture and sound may lie in the meantime.
    encode : bool
        Whether the picture must be re-encoded, because MP4 cannot hold it or its packets cannot be copied.
    original : bool
        Whether the film's sound is needed.

    Raises
    ------
    StageFailed
        If the picture's packets cannot be given new times.
    OutOfSpace
        If the disk is full.
    """
    import ffmpeg

    from dubkit import audio

    # AVI keeps no times of display; without them reordered frames (B-frames) would be shown out of order.
    timing = {"fflags": "+genpts"} if media.container == "avi" else {}
    film = ffmpeg.input(files.address(path), f=media.container, **timing)
    if times.identity:
        yield Inputs(film[str(media.video.index)], film[str(media.audio.index)] if original else None, encode)
        return
    with tempfile.TemporaryDirectory(dir=folder) as name:
        picture = Picture(path, media.container, media.video.index)
        if encode:
            # Encoded first: its packets are then such as MP4 holds, with times that count from the film's start.
            picture = Picture(Path(name) / "encoded.mp4", "mov", 0, origin=0.0)
            # Frames keep their own times: by default they are moved to multiples of the average frame's length.
            options = {**H264, "enc_time_base": "1:90000", "map_metadata": 0, "map_chapters": 0, "f": "mp4"}
            encoded = ffmpeg.output(film[str(media.video.index)], files.address(picture.path), **options)
            files.run_ffmpeg(encoded, "re-encoding the picture")
        target = Path(name) / "picture.mp4"
        start = slow_picture(picture, times, target)
        if encode:
            picture.path.unlink()
        # ffmpeg lets a file start with its first stream, and this one has the picture alone.
        shown = ffmpeg.input(files.address(target), f="mov", itsoffset=f"{start:.6f}")
        sound = None
        if original:
            sound = Path(name) / "original.flac"
            audio.write(sound, slowed(files.sound(path, media), times), files.SAMPLE_RATE)
            sound = ffmpeg.input(files.address(sound))["a"]
        yield Inputs(shown["0"], sound, encode=False)
