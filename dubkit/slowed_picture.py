"""A film's picture shown along a map of times: the same packets, bit for bit, with new times.

Nothing is encoded anew, and no frame is added or left out: each one is shown when the map says, and stays until the next. A film
with slowed parts has a variable frame rate, as films made with telephones have.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import OutOfSpace, StageFailed
from dubkit.media import address
from dubkit.record import Seconds
from dubkit.retiming import TimeMap

if TYPE_CHECKING:
    import numpy as np

# The usual clock of MPEG: fine enough for any frame rate, and for knots anywhere.
CLOCK = 90_000


@dataclass(frozen=True)
class Picture:
    """A picture stream in a file.

    Parameters
    ----------
    path : Path
        The file.
    container : str
        Its format, as ffmpeg names it.
    index : int
        The stream's number in the file.
    origin : float or None
        The time stamp at which the film starts; None is the file's earliest.
    """

    path: Path
    container: str
    index: int
    origin: Seconds | None = None

    def open(self) -> Any:
        """The file; of an AVI, which keeps no times of display, they are worked out from the order of decoding."""
        import av

        options = {"fflags": "+genpts"} if self.container == "avi" else {}
        return av.open(address(self.path), format=self.container, options=options)

    def start(self, film: Any) -> Seconds:
        """The time stamp at which the opened file's film starts."""
        return (film.start_time or 0) / 1e6 if self.origin is None else self.origin


def slow_picture(picture: Picture, times: TimeMap, target: Path) -> Seconds:
    """Copy the picture, the chapters and the tags into an MP4 of their own, in times of the dub.

    Parameters
    ----------
    picture : Picture
        One that MP4 can hold. Its rotation and colours are kept.
    times : TimeMap
        From times of the film to times of the dub.
    target : Path
        The MP4 to write.

    Returns
    -------
    float
        When the first frame is shown, in seconds of the dub: players begin there with a file that holds nothing else.

    Raises
    ------
    StageFailed
        If the packets have no times, or MP4 does not take them.
    OutOfSpace
        If the disk is full.
    """
    import av

    try:
        shown, lasting = _times(picture, times)
        _copy(picture, times, target, shown, lasting)
        with av.open(address(target), format="mov") as written:
            return max(0.0, (written.start_time or 0) / 1e6)
    except av.error.FFmpegError as error:
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise OutOfSpace(
                "The disk became full while slowing the picture. Make room and give the same command again."
            ) from error
        raise StageFailed(f"the picture could not be given new times: {error}") from error
    except ValueError as error:
        # So PyAV says that MP4 does not hold the codec.
        raise StageFailed(f"the picture could not be given new times: {error}") from error


def _times(picture: Picture, times: TimeMap) -> tuple[np.ndarray, np.ndarray]:
    """When each packet is shown and for how long, in ticks of the clock and order of decoding."""
    import numpy as np

    stamps: list[Seconds] = []
    latest, end = -np.inf, 0.0
    with picture.open() as film:
        origin = picture.start(film)
        for packet in film.demux(film.streams[picture.index]):
            if not packet.size:
                continue
            if packet.pts is None:
                raise StageFailed("some frames of the picture do not say when they are shown")
            stamps.append(float(packet.pts * packet.time_base) - origin)
            if stamps[-1] > latest:
                latest, end = stamps[-1], stamps[-1] + float((packet.duration or 0) * packet.time_base)
    if not stamps:
        raise StageFailed("there is no frame in the picture")
    shown = np.round(times.dub(np.asarray(stamps)) * CLOCK).astype(np.int64)
    order = np.argsort(shown, kind="stable")
    lasting = np.ones_like(shown)
    last = round(min(times.dub(end), times.duration) * CLOCK)
    lasting[order] = np.maximum(np.diff(shown[order], append=last), 1)
    return shown, lasting


def decoded(shown: np.ndarray) -> np.ndarray:
    """When packets are to be decoded that are shown at given times: ever later, and never after they are shown.

    Both are in order of decoding. The result is the times of display in their own order, all of them earlier by as much as
    the most reordered frame needs.
    """
    import numpy as np

    ranks = np.arange(len(shown))
    ordered = np.maximum.accumulate(np.sort(shown) - ranks) + ranks
    found: np.ndarray = ordered - np.max(ordered - shown)
    return found


def _copy(picture: Picture, times: TimeMap, target: Path, shown: np.ndarray, lasting: np.ndarray) -> None:
    import av

    decode = decoded(shown)
    clock = Fraction(1, CLOCK)
    with picture.open() as film, av.open(address(target), "w", format="mp4", options={"fflags": "+bitexact"}) as out:
        source = film.streams[picture.index]
        copy = out.add_stream_from_template(source, opaque=True)
        # Tags of the source's container mean nothing in MP4; it has its own for every codec.
        copy.codec_tag = "\0\0\0\0"
        copy.time_base = clock
        # A time code counts frames of a constant rate.
        copy.metadata.update({k: v for k, v in source.metadata.items() if k != "timecode"})
        out.metadata.update(film.metadata)
        out.set_chapters(_chapters(film, picture.start(film), times))
        n = 0
        for packet in film.demux(source):
            if not packet.size:
                continue
            packet.stream, packet.time_base = copy, clock
            packet.pts, packet.dts, packet.duration = int(shown[n]), int(decode[n]), int(lasting[n])
            out.mux(packet)
            n += 1


def _chapters(film: Any, origin: Seconds, times: TimeMap) -> list[Any]:
    """The film's chapters at their times of the dub, in milliseconds."""

    def moved(chapter: Any, side: str) -> int:
        at = times.dub(float(chapter[side] * chapter["time_base"]) - origin)
        return round(min(max(at, 0.0), times.duration) * 1000)

    return [
        {**chapter, "start": moved(chapter, "start"), "end": moved(chapter, "end"), "time_base": Fraction(1, 1000)}
        for chapter in film.chapters()
    ]
