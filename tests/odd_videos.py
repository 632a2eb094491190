"""Tiny videos that are odd in one way each, made with ffmpeg out of any speech: what people really hand in.

Every function takes a speech file and a folder to write into, and returns the path of what it made. ``KINDS`` lists
those that depend on nothing else, by name. ``NAMES`` are file names that break careless programs.
"""

from __future__ import annotations

import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

from dubkit.media import ffmpeg_program

SECONDS = 3
NAMES = (
    "two words.mp4",
    'it\'s "quoted" `here`.mp4',
    "-leading-dash.mp4",
    "two\nlines.mp4",
    "naïve 日本語 🎬.mp4",
    "$(touch harmed); & | %s {0} \\n.mp4",
    "concat:a|b.mp4",
)
_PICTURE = f"testsrc2=size=160x120:rate=25:duration={SECONDS}"
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
_AAC = ("-c:a", "aac", "-b:a", "64k")


def _ffmpeg(target: Path, *arguments: str | Path) -> Path:
    """Run ffmpeg; the file that it wrote."""
    command = [ffmpeg_program(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run([*command, f"file:{target}"], check=True, capture_output=True)
    return target


def _film(target: Path, speech: Path, *options: str, picture: str = _PICTURE) -> Path:
    """A moving test picture with the first seconds of the speech; `options` come after the inputs."""
    inputs = ("-f", "lavfi", "-i", picture, "-t", str(SECONDS), "-i", f"file:{speech}", "-map", "0:v")
    return _ffmpeg(target, *inputs, *(options or ("-map", "1:a", *_H264, *_AAC)))


def plain(speech: Path, folder: Path, name: str = "plain.mp4") -> Path:
    """Nothing odd but, if you like, its name."""
    return _film(folder / name, speech, "-map", "1:a", *_H264, *_AAC, "-f", "mp4")


def not_a_video(speech: Path, folder: Path) -> Path:
    """A text file that is called a video."""
    target = folder / "not_a_video.mp4"
    target.write_text("Dear diary, this is no film.\n" * 200)
    return target


def zero_bytes(speech: Path, folder: Path) -> Path:
    """An empty file."""
    target = folder / "zero_bytes.mp4"
    target.touch()
    return target


def truncated(speech: Path, folder: Path) -> Path:
    """Half a download of an MP4 whose index comes last: the index is missing."""
    whole = plain(speech, folder, "whole.mp4").read_bytes()
    target = folder / "truncated.mp4"
    target.write_bytes(whole[: len(whole) // 2])
    return target


def truncated_after_index(speech: Path, folder: Path) -> Path:
    """Half a download of an MP4 whose index comes first: it promises more than there is."""
    fast = _film(folder / "fast.mp4", speech, "-map", "1:a", *_H264, *_AAC, "-movflags", "+faststart").read_bytes()
    target = folder / "truncated_after_index.mp4"
    target.write_bytes(fast[: len(fast) // 2])
    return target


def wrong_extension(speech: Path, folder: Path) -> Path:
    """A good MP4 that is called a text."""
    return plain(speech, folder, "wrong_extension.txt")


def misleading_extension(speech: Path, folder: Path) -> Path:
    """A good Matroska file that is called an MP4."""
    return _film(folder / "misleading_extension.mp4", speech, "-map", "1:a", *_H264, *_AAC, "-f", "matroska")


def picture_as_video(speech: Path, folder: Path) -> Path:
    """A PNG picture that is called a video."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(8) for _ in range(8)))
    target = folder / "picture_as_video.mp4"
    target.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return target


def no_audio(speech: Path, folder: Path) -> Path:
    """A film without a sound track."""
    return _film(folder / "no_audio.mp4", speech, *_H264)


def no_picture(speech: Path, folder: Path) -> Path:
    """An MP4 that holds sound only."""
    return _ffmpeg(folder / "no_picture.mp4", "-t", str(SECONDS), "-i", f"file:{speech}", *_AAC)


def silence(speech: Path, folder: Path) -> Path:
    """A film with a sound track in which there is nothing to hear."""
    quiet = ("-f", "lavfi", "-i", f"anullsrc=sample_rate=48000:channel_layout=stereo:duration={SECONDS}")
    return _ffmpeg(folder / "silence.mp4", "-f", "lavfi", "-i", _PICTURE, *quiet, *_H264, *_AAC)


def variable_frame_rate(speech: Path, folder: Path) -> Path:
    """A second at 25 frames a second, then 5 frames a second, as telephones record it."""
    slower = "setpts='if(lt(N,25),N/25,1+(N-25)/5)/TB'"
    options = ("-map", "1:a", "-vf", slower, "-fps_mode", "vfr", *_H264, *_AAC)
    return _film(
        folder / "variable_frame_rate.mp4", speech, *options, picture="testsrc2=size=160x120:rate=25:duration=1.4"
    )


def two_audio_tracks(speech: Path, folder: Path) -> Path:
    """A quiet tone marked Spanish first, then the speech, marked English, which is the default track."""
    tone = ("-f", "lavfi", "-i", f"sine=frequency=330:sample_rate=48000:duration={SECONDS}")
    inputs = ("-f", "lavfi", "-i", _PICTURE, *tone, "-t", str(SECONDS), "-i", f"file:{speech}")
    languages = ("-metadata:s:a:0", "language=spa", "-metadata:s:a:1", "language=eng")
    default = ("-disposition:a:0", "0", "-disposition:a:1", "default")
    tracks = ("-map", "0:v", "-map", "1:a", "-map", "2:a")
    return _ffmpeg(folder / "two_audio_tracks.mp4", *inputs, *tracks, *languages, *default, *_H264, *_AAC)


def late_audio(speech: Path, folder: Path) -> Path:
    """The sound starts 1.5 s after the picture."""
    late = ("-itsoffset", "1.5", "-t", "1.4", "-i", f"file:{speech}")
    tracks = ("-map", "0:v", "-map", "1:a")
    return _ffmpeg(folder / "late_audio.mp4", "-f", "lavfi", "-i", _PICTURE, *late, *tracks, *_H264, *_AAC)


def _sound(speech: Path, folder: Path, name: str, n_channels: int, sample_rate: int) -> Path:
    options = ("-map", "1:a", "-ac", str(n_channels), "-ar", str(sample_rate), *_H264, *_AAC)
    return _film(folder / f"{name}.mp4", speech, *options)


def mono(speech: Path, folder: Path) -> Path:
    """One channel."""
    return _sound(speech, folder, "mono", 1, 44_100)


def surround(speech: Path, folder: Path) -> Path:
    """5.1 channels, the speech in the centre one, as in the cinema."""
    centre = "pan=5.1|FL=0*c0|FR=0*c0|FC=c0|LFE=0*c0|BL=0*c0|BR=0*c0"
    options = ("-map", "1:a", "-af", centre, "-ar", "48000", *_H264, *_AAC)
    return _film(folder / "surround.mp4", speech, *options)


def rate_8k(speech: Path, folder: Path) -> Path:
    """Telephone quality: 8 kHz."""
    return _sound(speech, folder, "rate_8k", 1, 8_000)


def rate_96k(speech: Path, folder: Path) -> Path:
    """Studio quality: 96 kHz."""
    return _sound(speech, folder, "rate_96k", 2, 96_000)


def rotated(speech: Path, folder: Path) -> Path:
    """A picture to be shown turned by a quarter, as a telephone held upright records it."""
    target = plain(speech, folder, "rotated.mp4")
    content = bytearray(target.read_bytes())
    # The display matrix of the first track (ISO/IEC 14496-12, 8.3.2): 40 bytes after the name of its header box.
    at = content.index(b"tkhd") + 4 + 40
    height = 120 << 16
    content[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, height, 0, 1 << 30)
    target.write_bytes(content)
    return target


def vp9_opus_mkv(speech: Path, folder: Path) -> Path:
    """What browsers record: VP9 and Opus, in Matroska."""
    vp9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p")
    return _film(folder / "vp9_opus.mkv", speech, "-map", "1:a", *vp9, "-c:a", "libopus", "-ar", "48000")


def mpeg4_mp3_avi(speech: Path, folder: Path) -> Path:
    """An old camera's file: MPEG-4 part 2 and MP3, in AVI."""
    return _film(folder / "mpeg4_mp3.avi", speech, "-map", "1:a", "-c:v", "mpeg4", "-c:a", "libmp3lame")


def prores_pcm_mov(speech: Path, folder: Path) -> Path:
    """An editor's file: ProRes and uncompressed sound, in QuickTime; the picture cannot be copied into an MP4."""
    return _film(folder / "prores_pcm.mov", speech, "-map", "1:a", "-c:v", "prores_ks", "-c:a", "pcm_s16le")


def quiet_first_minute(speech: Path, folder: Path) -> Path:
    """Nobody speaks for the first minute."""
    picture = f"testsrc2=size=64x48:rate=5:duration={60 + SECONDS}"
    inputs = ("-f", "lavfi", "-i", picture, "-t", str(SECONDS), "-i", f"file:{speech}", "-map", "0:v", "-map", "1:a")
    return _ffmpeg(folder / "quiet_first_minute.mp4", *inputs, "-af", "adelay=60000:all=1", *_H264, *_AAC)


def picture_longer_than_sound(speech: Path, folder: Path) -> Path:
    """The sound ends a second and a half before the picture."""
    inputs = ("-f", "lavfi", "-i", _PICTURE, "-t", str(SECONDS - 1.5), "-i", f"file:{speech}")
    return _ffmpeg(folder / "picture_longer.mp4", *inputs, "-map", "0:v", "-map", "1:a", *_H264, *_AAC)


def one_frame(speech: Path, folder: Path) -> Path:
    """A single frame, and 40 ms of sound."""
    picture = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=0.04")
    inputs = (*picture, "-t", "0.04", "-i", f"file:{speech}", "-map", "0:v", "-map", "1:a")
    return _ffmpeg(folder / "one_frame.mp4", *inputs, *_H264, *_AAC)


KINDS: dict[str, Callable[[Path, Path], Path]] = {
    make.__name__: make
    for make in (
        not_a_video,
        zero_bytes,
        truncated,
        truncated_after_index,
        wrong_extension,
        misleading_extension,
        picture_as_video,
        no_audio,
        no_picture,
        silence,
        variable_frame_rate,
        two_audio_tracks,
        late_audio,
        mono,
        surround,
        rate_8k,
        rate_96k,
        rotated,
        vp9_opus_mkv,
        mpeg4_mp3_avi,
        prores_pcm_mov,
        quiet_first_minute,
        picture_longer_than_sound,
        one_frame,
    )
}
