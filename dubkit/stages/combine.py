"""Stage 11: the film with its picture untouched, the new sound, and subtitles in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from dubkit import captions, subtitles
from dubkit import media as files
from dubkit.artefacts import Casting, Dub, Media, Soundtrack, Speakers, Speech, Transcript, Translation, Video
from dubkit.errors import StageFailed
from dubkit.languages import iso639_2, name
from dubkit.progress import Report
from dubkit.record import File, Seconds
from dubkit.retiming import TimeMap
from dubkit.slowed_film import H264, Inputs, inputs
from dubkit.stage import stage
from dubkit.subtitles import Cue

AUDIO_BITRATE = "192k"
# So many subtitles, or such a part of them, may be fast to read without a word about it.
FEW, FEW_PART = 3, 0.1


@dataclass(frozen=True)
class CombineSettings:
    """The file that comes out.

    Parameters
    ----------
    keep_original : bool
        Keep the source's sound as a second audio track.
    bilingual : bool
        Add subtitles in both languages at once: a line of the target text above one of the source text.
    """

    keep_original: bool = False
    bilingual: bool = False


@stage(version=2)
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
    tracks = _tracks(soundtrack, transcript, translation, speakers, media, settings) if translation.lines else {}
    written = _subtitles(tracks, folder)
    _warn_of_fast(tracks, report)
    note = comment(transcript, translation, casting, speech)
    picture: Literal["copied", "re-encoded"] = "copied"
    if media.video.codec not in files.MP4_PICTURE_CODECS:
        picture = "re-encoded"
        report.warn(f"MP4 cannot hold a {media.video.codec} picture: it was re-encoded to H.264.")
    target = folder / "dub.mp4"
    times = TimeMap.of(soundtrack.knots, media.duration)

    def write() -> None:
        original = settings.keep_original and bool(translation.lines)
        encode = picture == "re-encoded"
        with inputs(video.file.path, media, times, folder, encode=encode, original=original) as source:
            _mux(target, source, times.duration, media, soundtrack, translation, written, note, picture)

    try:
        write()
    except StageFailed as error:
        if picture == "re-encoded":
            raise
        picture = "re-encoded"
        report.warn(f"The {media.video.codec} picture could not be copied and was re-encoded to H.264 ({error}).")
        write()
    report(1, 1, "file")
    return Dub(
        video=File.of(target),
        duration=times.duration,
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


def _tracks(
    soundtrack: Soundtrack,
    transcript: Transcript,
    translation: Translation,
    speakers: Speakers,
    media: Media,
    settings: CombineSettings,
) -> dict[str, list[Cue]]:
    """Subtitles by language, the dub's first; ``pt+en`` are those in both. All are in the dub's time."""
    names = {s.id: s.name for s in speakers.speakers}
    languages = translation.target, translation.source
    # A cue beyond the picture would make the film longer: recognisers may place a last word there.
    duration = min(TimeMap.of(soundtrack.knots, media.duration).duration, soundtrack.audio.duration)
    target = captions.spoken(soundtrack.placements, names, translation.target)
    source = captions.original(transcript.utterances, names, translation.source, soundtrack.knots)
    tracks = {
        language: captions.cues(lines, language, duration)
        for language, lines in zip(languages, (target, source), strict=True)
    }
    if settings.bilingual:
        tracks["+".join(languages)] = captions.bilingual(target, source, languages, duration)
    return tracks


def _subtitles(tracks: dict[str, list[Cue]], folder: Path) -> dict[str, Path]:
    """SRT and WebVTT per track; gives the SRT's path by the track's languages."""
    written = {}
    for languages, cues in tracks.items():
        path = folder / f"subtitles.{languages}.srt"
        path.write_text(subtitles.srt(cues), encoding="utf-8")
        path.with_suffix(".vtt").write_text(subtitles.vtt(cues), encoding="utf-8")
        written[languages] = path
    return written


def _warn_of_fast(tracks: dict[str, list[Cue]], report: Report) -> None:
    """Say once where more than a few subtitles cannot be read at the usual speed."""
    found = {x: len(captions.too_fast(cues, x)) for x, cues in tracks.items() if "+" not in x}
    told = [
        f"{n} of {len(tracks[x])} in {name(x)}"
        for x, n in found.items()
        if n > max(FEW, FEW_PART * len(tracks[x]))
    ]  # fmt: skip
    if told:
        report.warn(
            f"Subtitles that must be read faster than is usual: {' and '.join(told)}. They hold every word, and the "
            "words come that fast."
        )


def _mux(
    target: Path,
    source: Inputs,
    duration: Seconds,
    media: Media,
    soundtrack: Soundtrack,
    translation: Translation,
    written: dict[str, Path],
    note: str,
    picture: str,
) -> None:
    import ffmpeg

    dubbed = ffmpeg.input(files.address(soundtrack.audio.path))
    streams: list[Any] = [source.picture, dubbed["a"]]
    languages: Sequence[str] = [translation.target if translation.lines else media.audio.language or "und"]
    titles = [f"{name(translation.target)} (machine-dubbed)" if translation.lines else "Original"]
    if source.original is not None:
        streams.append(source.original)
        languages = [*languages, translation.source]
        titles.append(f"{name(translation.source)} (original)")
    streams += [ffmpeg.input(files.address(path), f="srt")["s"] for path in written.values()]
    options: dict[str, Any] = {
        "c:v": "copy",
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
    if source.encode:
        options |= H264
    else:
        # The last frame is shown no longer than the film lasts; packets keep their bytes.
        options["bsf:v"] = f"setts=pts=PTS:dts=DTS:duration='max(1,min(DURATION,{duration}/TB-PTS))'"
    if media.video.codec == "hevc" and picture == "copied":
        options["tag:v"] = "hvc1"
    subtitled = [(key.split("+")[0], " + ".join(map(name, key.split("+")))) for key in written]
    for kind, tagged in (("a", list(zip(languages, titles, strict=True))), ("s", subtitled)):
        for n, (language, title) in enumerate(tagged):
            # One option cannot be given twice here: the title names its stream by its place in the file instead.
            place = 1 + n + (len(titles) if kind == "s" else 0)
            options[f"metadata:s:{kind}:{n}"] = f"language={iso639_2(language)}"
            options[f"metadata:s:{place}"] = f"handler_name={title}"
    if len(titles) > 1:
        options["disposition:a:1"] = 0
    files.run_ffmpeg(ffmpeg.output(*streams, str(target), f="mp4", **options), "writing the film")
