"""Video files: what is in them, their sound as a stream of blocks, and calls of the ffmpeg program.

Files are always given to ffmpeg as ``file:`` addresses with the container format named, so that neither a file's name
nor its content can make it open anything else.
"""

from __future__ import annotations

import logging
import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dubkit.artefacts import AudioStream, Media, VideoStream
from dubkit.errors import BadInput, MissingModel, OutOfSpace, StageFailed
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

CONTAINERS = {"mov": "MP4 or MOV", "avi": "AVI", "matroska": "MKV or WebM"}
MP4_PICTURE_CODECS = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "vc1"})
SAMPLE_RATE = 48_000
BLOCK_SECONDS = 10.0
UNFINISHED = (b"Error writing trailer", b"Error closing file", b"No space left")
ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
ATEMPO_MORE = 0.3
"""Seconds of output that atempo is asked for beyond what is wanted."""


def ffmpeg_program() -> str:
    """The ffmpeg on PATH, else the one that the package imageio-ffmpeg carries.

    Raises
    ------
    MissingModel
        If there is none.
    """
    if found := shutil.which("ffmpeg"):
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise MissingModel("ffmpeg is not installed. Install it with: apt install ffmpeg, or: make setup") from error


def address(path: Path) -> str:
    """The file as ffmpeg takes it whatever its name looks like."""
    return f"file:{path.absolute()}"


def sniff(path: Path) -> str:
    """The container format, from the file's first bytes: a key of :data:`CONTAINERS`.

    Raises
    ------
    BadInput
        If it is none of them.
    """
    with path.open("rb") as stream:
        found = container_of(stream.read(12))
    if found is None:
        raise BadInput(
            f"{path.name!r} is not a video that dubkit can read: its content is none of {', '.join(CONTAINERS.values())} "
            "(the file's name does not matter). Convert it to MP4 first."
        )
    return found


def container_of(head: bytes) -> str | None:
    """The container format that a file's first 12 bytes are of, a key of :data:`CONTAINERS`; None for any other."""
    if head[4:8] in ISO_BOXES:
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    return None


def probe(path: Path) -> Media:
    """What is in a video file. Packets are counted, not decoded, so that a cut file is noticed.

    Raises
    ------
    BadInput
        If the file is damaged, cut, or lacks picture or sound.
    """
    import av

    container_format = sniff(path)
    try:
        with av.open(address(path), format=container_format) as container:
            return _describe(container, path, container_format)
    except (av.error.FFmpegError, EOFError) as error:
        raise BadInput(
            f"{path.name!r} looks like {CONTAINERS[container_format]} but cannot be read: it is damaged or cut short "
            f"({getattr(error, 'strerror', None) or error}). Copy or download it again."
        ) from error


def _describe(container: Any, path: Path, container_format: str) -> Media:
    pictures = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not pictures:
        raise BadInput(f"{path.name!r} has no picture. dubkit dubs videos; give a file with a video stream.")
    if not container.streams.audio:
        raise BadInput(f"{path.name!r} has no sound: there is no speech to dub. Give a file with an audio stream.")
    origin = (container.start_time or 0) / 1e6
    starts, end, variable = _scan(container, pictures[0].index, origin)
    declared = (container.duration or 0) / 1e6
    if container_format == "matroska" and origin > 0:
        # Most writers of Matroska count the length from zero, some from the first packet.
        declared = max(declared - origin, 0.0)
    if end <= 0 or pictures[0].index not in starts:
        raise BadInput(f"{path.name!r} holds no picture frames: its length is zero. Give a file that plays.")
    promised = declared
    if container_format == "avi" and pictures[0].average_rate:
        # The length of an AVI is taken from what is there; its header tells how many frames there were to be.
        promised = max(declared, float(pictures[0].frames / pictures[0].average_rate))
    if end < promised - max(1.0, 0.01 * promised):
        raise BadInput(
            f"{path.name!r} is cut short: it says that it lasts {promised:.1f} s, but just {end:.1f} s are there. "
            "Copy or download it again."
        )
    tracks = tuple(_audio_stream(s, starts.get(s.index, 0.0)) for s in container.streams.audio if s.index in starts)
    if not tracks:
        raise BadInput(f"{path.name!r} has an audio stream with nothing in it: there is no speech to dub.")
    picture = _video_stream(container, pictures[0], variable)
    default = next((t for t in tracks if t.default), tracks[0])
    duration = max(declared, end) if container_format == "matroska" and origin > 0 else declared or end
    return Media(container=container_format, duration=duration, video=picture, audio=default, audio_tracks=tracks)


def _scan(container: Any, picture: int, origin: Seconds) -> tuple[dict[int, Seconds], Seconds, bool]:
    """First time of each stream, end of the last packet, and whether the picture's frame rate varies."""
    starts: dict[int, Seconds] = {}
    end = 0.0
    shown: list[Seconds] = []
    for packet in container.demux():
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or not packet.size:
            continue
        at = float(stamp * packet.time_base) - origin
        starts[packet.stream.index] = min(at, starts.get(packet.stream.index, at))
        end = max(end, at + float((packet.duration or 0) * packet.time_base))
        if packet.stream.index == picture and len(shown) < 5000:
            shown.append(at)
    steps = [b - a for a, b in zip(sorted(shown), sorted(shown)[1:], strict=False)]
    ordered = sorted(steps)
    variable = len(steps) > 10 and ordered[-len(steps) // 20] > 1.5 * ordered[len(steps) // 20] + 0.002
    return starts, end, variable


def _video_stream(container: Any, stream: Any, variable: bool) -> VideoStream:
    container.seek(0)
    try:
        rotation = next(container.decode(stream)).rotation
    except StopIteration:
        rotation = 0
    context = stream.codec_context
    return VideoStream(
        index=stream.index,
        codec=context.codec.canonical_name,
        width=context.width,
        height=context.height,
        fps=float(stream.average_rate or stream.guessed_rate or 0),
        rotation=int(rotation) % 360,
        variable_frame_rate=variable,
    )


def _audio_stream(stream: Any, start: Seconds) -> AudioStream:
    context = stream.codec_context
    return AudioStream(
        index=stream.index,
        codec=context.codec.canonical_name,
        sample_rate=context.sample_rate,
        n_channels=context.channels,
        start=start,
        language=stream.language,
        default=bool(stream.disposition & stream.disposition.default),
    )


def sound(path: Path, media: Media) -> Iterator[np.ndarray]:
    """The dubbed track as 48 kHz blocks, exactly as long as the film: late starts and gaps are silence.

    Yields
    ------
    np.ndarray, shape (n_samples, n_channels)
        float32; one channel for mono sources, two for all others.
    """
    import ffmpeg
    import numpy as np

    n_channels = min(media.audio.n_channels, 2)
    track = (
        ffmpeg.input(address(path), f=media.container)[str(media.audio.index)]
        .filter("aresample", SAMPLE_RATE, **{"async": 1, "first_pts": 0})
        .filter("apad", whole_dur=media.duration)
        .filter("atrim", end=media.duration)
    )
    layout = "mono" if n_channels == 1 else "stereo"
    graph = ffmpeg.output(track.filter("aformat", channel_layouts=layout), "pipe:", f="f32le", acodec="pcm_f32le")
    size = int(BLOCK_SECONDS * SAMPLE_RATE) * n_channels * 4
    for block in _piped(graph, size):
        yield np.frombuffer(block, np.float32).reshape(-1, n_channels)


def _piped(graph: Any, size: int) -> Iterator[bytes]:
    command = [ffmpeg_program(), "-v", "error", "-nostdin", *graph.get_args()]
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process:  # noqa: S603
            try:
                assert process.stdout is not None
                while block := process.stdout.read(size):
                    yield block
            finally:
                if process.poll() is None and process.stdout is not None:
                    process.stdout.close()
        tell_of_ffmpeg("decoding the sound", begun, process.returncode)
        if process.returncode:
            _complain(complaints, "decoding the sound")


def run_ffmpeg(graph: Any, doing: str) -> None:
    """Run an ffmpeg graph that writes a file; output bytes depend on nothing but the input.

    Raises
    ------
    OutOfSpace
        If the disk is full.
    StageFailed
        If ffmpeg fails; the message holds its last lines.
    """
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-y", *graph.get_args()]
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as complaints:
        failed = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=complaints).returncode  # noqa: S603
        tell_of_ffmpeg(doing, begun, failed)
        complaints.seek(0)
        said = complaints.read()
        # ffmpeg 5 tells of a file that it could not finish, and exits with 0.
        if failed or any(text in said for text in UNFINISHED):
            _complain(complaints, doing)


def stretched(samples: np.ndarray, sample_rate: int, factor: float) -> np.ndarray:
    """A mono clip played `factor` times as fast at the same pitch (ffmpeg's atempo, a WSOLA), to the sample as long as asked.

    Sounds come to lie within about 15 ms of their place. What is shorter than a window of atempo (43 ms at 24 and 48 kHz)
    is cut, or goes on with its mirror image.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)
        float32.
    sample_rate : int
        In Hz.
    factor : float
        Above 1 is faster.

    Returns
    -------
    np.ndarray, shape (round(n_samples / factor),)
        float32; never empty where there were samples.

    Raises
    ------
    ValueError
        If the factor is not a positive number.
    StageFailed
        If ffmpeg fails.
    """
    import numpy as np

    if not 0 < factor < math.inf:
        raise ValueError(f"A clip can be played so many times as fast as any number above 0 says, not {factor}.")
    if not len(samples) or factor == 1:
        return samples.astype(np.float32)
    n_samples = max(1, round(len(samples) / factor))
    # atempo leaves out up to two windows at the end, or all of a short clip. It is given more than is wanted of it: the
    # sound mirrored, as silence after a clip that ends in the middle of a sound would click.
    n_more = round(ATEMPO_MORE * max(1.0, factor) * sample_rate)
    longer = np.pad(samples.astype("<f4"), (0, n_more), mode="symmetric")
    # One atempo goes down to half the speed, and from twice on it leaves out sound between its windows.
    n_steps = max(1, math.ceil(abs(math.log2(factor))))
    steps = ",".join([f"atempo={factor ** (1 / n_steps):.9f}"] * n_steps)
    command = [ffmpeg_program(), "-v", "error", "-f", "f32le", "-ar", str(sample_rate), "-ac", "1", "-i", "pipe:0"]
    command += ["-filter:a", steps, "-f", "f32le", "pipe:1"]
    begun = time.perf_counter()
    done = subprocess.run(command, input=longer.tobytes(), capture_output=True)  # noqa: S603
    tell_of_ffmpeg("stretching a line", begun, done.returncode)
    if done.returncode:
        raise StageFailed(f"ffmpeg failed while stretching a line: {done.stderr.decode(errors='replace')}")
    return np.frombuffer(done.stdout, "<f4")[:n_samples].astype(np.float32)


def tell_of_ffmpeg(doing: str, begun: float, exit_code: int) -> None:
    """Log a call of ffmpeg that is over.

    Parameters
    ----------
    doing : str
        What it was for.
    begun : float
        When it began, by :func:`time.perf_counter`.
    exit_code : int
        Its own.
    """
    seconds = round(time.perf_counter() - begun, 3)
    log.info("ffmpeg: %s", doing, extra={"seconds": seconds, "exit_code": exit_code})


def _complain(complaints: IO[bytes], doing: str) -> None:
    complaints.seek(0)
    text = complaints.read().decode(errors="replace").strip()
    if "No space left" in text or "File too large" in text:
        raise OutOfSpace(f"The disk became full while {doing}. Make room and give the same command again.")
    raise StageFailed(f"ffmpeg failed while {doing}: {' | '.join(text.splitlines()[-3:])}")
