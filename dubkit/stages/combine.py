"""Stage 11: the film with its picture untouched, the new sound, and subtitles in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from dubkit import media as files
from dubkit import subtitles
from dubkit.artefacts import Casting, Dub, Media, Soundtrack, Speakers, Speech, Transcript, Translation, Video
from dubkit.errors import StageFailed
from dubkit.languages import iso639_2, name
from dubkit.progress import Report
from dubkit.record import File, Seconds
from dubkit.stage import stage
from dubkit.subtitles import Cue

AUDIO_BITRATE = "192k"


@dataclass(frozen=True)
class CombineSettings:
    """The file that comes out.

    Parameters
    ----------
    keep_original : bool
        Keep the source's sound as a second audio track.
    """

    keep_original: bool = False


@stage(version=1)
def combine(
    video: Video,
    media: Media,
    soundtrack: Soundtrack,
    transcript: Transcript,
    translation: Translation,
    speakers: Speakers,
    casting: Casting,
    speech: Speech,
    *,
    settings: CombineSettings,
    folder: Path,
    report: Report,
) -> Dub:
    """Write ``dub.mp4`` and the subtitles beside it; the picture is copied wherever MP4 can hold its codec."""
    names = {s.id: s.name for s in speakers.speakers}
    cues = {
        translation.target: [
            Cue(p.start, p.end, names[line.speaker], line.text)
            for p, line in zip(soundtrack.placements, translation.lines, strict=True)
        ],
        translation.source: [Cue(u.start, u.end, names[u.speaker], u.text) for u in transcript.utterances],
    }
    written = _subtitles(cues, media.duration, folder) if translation.lines else {}
    note = comment(transcript, translation, casting, speech)
    picture: Literal["copied", "re-encoded"] = "copied"
    if media.video.codec not in files.MP4_PICTURE_CODECS:
        picture = "re-encoded"
        report.warn(f"MP4 cannot hold a {media.video.codec} picture: it was re-encoded to H.264.")
    target = folder / "dub.mp4"
    try:
        _mux(target, video, media, soundtrack, translation, written, note, settings, picture)
    except StageFailed as error:
        if picture == "re-encoded":
            raise
        picture = "re-encoded"
        report.warn(f"The {media.video.codec} picture could not be copied and was re-encoded to H.264 ({error}).")
        _mux(target, video, media, soundtrack, translation, written, note, settings, picture)
    report(1, 1, "file")
    return Dub(
        video=File.of(target),
        duration=media.duration,
        picture=picture,
        subtitles=tuple(File.of(p.with_suffix(s)) for p in written.values() for s in (".srt", ".vtt")),
    )


def comment(transcript: Transcript, translation: Translation, casting: Casting, speech: Speech) -> str:
    """What the container says about its speech: machine-dubbed, from what into what, by which models."""
    if not translation.lines:
        return "No speech was found; this is the original sound (dubkit)."
    voices = ", ".join(sorted({r.voice.name for r in casting.roles}))
    return (
        f"Speech machine-dubbed from {name(translation.source)} to {name(translation.target)} by dubkit. "
        f"Transcribed by {transcript.model}; translated by {translation.model} ({' > '.join(translation.route)}); "
        f"spoken by {speech.model}, voices: {voices}."
    )


def _subtitles(cues: dict[str, list[Cue]], duration: Seconds, folder: Path) -> dict[str, Path]:
    """SRT and WebVTT per language; gives the SRT's path by language, the dub's first.

    A cue that ran on beyond the picture would make the film longer: recognisers may place a last word there.
    """
    written = {}
    for language, spoken in cues.items():
        inside = [replace(cue, end=min(cue.end, duration)) for cue in spoken if cue.start < duration]
        parts = [part for cue in inside for part in subtitles.fitted(cue)]
        path = folder / f"subtitles.{language}.srt"
        path.write_text(subtitles.srt(parts), encoding="utf-8")
        path.with_suffix(".vtt").write_text(subtitles.vtt(parts), encoding="utf-8")
        written[language] = path
    return written


def _mux(
    target: Path,
    video: Video,
    media: Media,
    soundtrack: Soundtrack,
    translation: Translation,
    written: dict[str, Path],
    note: str,
    settings: CombineSettings,
    picture: str,
) -> None:
    import ffmpeg

    # AVI keeps no times of display; without them reordered frames (B-frames) would be shown out of order.
    timing = {"fflags": "+genpts"} if media.container == "avi" else {}
    source = ffmpeg.input(files.address(video.file.path), f=media.container, **timing)
    dubbed = ffmpeg.input(files.address(soundtrack.audio.path))
    streams: list[Any] = [source[str(media.video.index)], dubbed["a"]]
    languages: Sequence[str] = [translation.target if translation.lines else media.audio.language or "und"]
    titles = [f"{name(translation.target)} (machine-dubbed)" if translation.lines else "Original"]
    if settings.keep_original and translation.lines:
        streams.append(source[str(media.audio.index)])
        languages = [*languages, translation.source]
        titles.append(f"{name(translation.source)} (original)")
    streams += [ffmpeg.input(files.address(path), f="srt")["s"] for path in written.values()]
    options: dict[str, Any] = {
        "c:v": "copy" if picture == "copied" else "libx264",
        "c:a": "aac",
        "b:a": AUDIO_BITRATE,
        "ar": files.SAMPLE_RATE,
        "ac": 2,
        "c:s": "mov_text",
        "map_chapters": 0,
        "map_metadata": 0,
        "movflags": "+faststart",
        "fflags": "+bitexact",
        "flags": "+bitexact",
        "metadata": f"comment={note}",
        "disposition:a:0": "default",
    }
    if picture == "re-encoded":
        options |= {"pix_fmt": "yuv420p", "crf": 18, "preset": "medium", "fps_mode": "passthrough"}
        # H.264 in yuv420p has even sides alone: an odd last row or column is left off.
        options["vf"] = "crop=trunc(iw/2)*2:trunc(ih/2)*2"
    else:
        # The last frame is shown no longer than the film lasts; packets keep their bytes.
        options["bsf:v"] = f"setts=pts=PTS:dts=DTS:duration='max(1,min(DURATION,{media.duration}/TB-PTS))'"
    if media.video.codec == "hevc" and picture == "copied":
        options["tag:v"] = "hvc1"
    subtitled = [(language, name(language)) for language in written]
    for kind, tagged in (("a", list(zip(languages, titles, strict=True))), ("s", subtitled)):
        for n, (language, title) in enumerate(tagged):
            # One option cannot be given twice here: the title names its stream by its place in the file instead.
            place = 1 + n + (len(titles) if kind == "s" else 0)
            options[f"metadata:s:{kind}:{n}"] = f"language={iso639_2(language)}"
            options[f"metadata:s:{place}"] = f"handler_name={title}"
    if len(titles) > 1:
        options["disposition:a:1"] = 0
    files.run_ffmpeg(ffmpeg.output(*streams, str(target), f="mp4", **options), "writing the film")
