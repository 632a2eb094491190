"""A stretch of a film dubbed by itself, so that a correction is heard in seconds and not after the whole film.

What is known of the whole film is taken over: its sound taken apart, who speaks, what is said, in which voices. Just the
lines of the stretch are spoken, placed and mixed, and their clips are kept where the whole dub looks for them.

A stretch is widened to whole lines: nobody begins or ends in the middle of a word, and a line has the time around it that it
has in the film. The sound is as loud as in the whole dub where there has been one. What may differ is the rate of a line that
lies close to one outside, and its level, for which fewer lines of its speaker are compared. Where nobody speaks, the film's
own sound is heard instead of its background.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dubkit.artefacts import (
    Casting,
    Segment,
    Segments,
    Soundtrack,
    Tracks,
    Turn,
    Turns,
    Utterance,
)
from dubkit.errors import BadInput
from dubkit.record import AudioFile, Seconds
from dubkit.retiming import TimeMap
from dubkit.store import Items, Store

if TYPE_CHECKING:
    from dubkit.run import Run

SHORTEST: Seconds = 1.0
LONGEST: Seconds = 120.0
REACH: Seconds = 20.0
"""Lines that begin earlier, or end later, than this beyond a stretch are left out of it."""
BEFORE: Seconds = 0.5
AFTER: Seconds = 1.5
"""Silence that is kept around the lines, where there is so much: a dub's line may last longer than the original's."""
WIDTH = 854
"""Of the picture, in pixels, at most."""
STEP = 100
"""Stretches begin and end at hundredths of a second, which are whole samples at all rates in use."""
ENCODED: dict[str, Any] = {
    "c:v": "libx264",
    "pix_fmt": "yuv420p",
    "fps_mode": "passthrough",
    "c:a": "aac",
    "b:a": "192k",
    "map_chapters": 0,
    "map_metadata": 0,
    "movflags": "+faststart",
    "fflags": "+bitexact",
    "flags": "+bitexact",
}

Span = TypeVar("Span", Turn, Segment)


def excerpt(run: Run, start: Seconds, duration: Seconds, store: Store) -> Run:
    """A run of a stretch of another run's film, with that run's corrections; ``until("combine")`` speaks its lines.

    Parameters
    ----------
    run : Run
        Of the whole film. Up to ``transcribe`` it should be done (:func:`known`): what is not there is made for the whole film.
    start, duration : float
        The stretch, in seconds of the film; what comes out is :func:`widened`.
    store : Store
        Where its results are kept.

    Raises
    ------
    BadInput
        If there is no such stretch.
    StageFailed
        If its picture cannot be cut out.
    """
    from dubkit import media as files
    from dubkit.run import Run

    lines = run.transcript.utterances
    begin, end = widened(lines, start, duration, run.media.duration)
    inside = {u.id for u in lines if begin <= u.start and u.end <= end}
    items = store.items("excerpt")
    identity = [run.video.file.sha256, begin, end, WIDTH]
    film = items.find(identity, ".mp4") or items.keep(
        identity, ".mp4", lambda path: _write(run.video.file.path, begin, end - begin, path, WIDTH)
    )
    settings = run.settings
    if (loudness := _loudness(run, begin, end)) is not None:
        settings = settings.but({"assemble.mix.loudness": loudness})
    part = Run.open(film, settings=settings, store=store.root, observers=run.observers, name=f"excerpt of {run.id}")
    tracks = _tracks(run.tracks, begin, end, items)
    part.supply(files.probe(film).but(duration=tracks.full.duration))
    part.supply(tracks)
    part.supply(Turns(turns=_spans(run.turns.turns, begin, end)))
    part.supply(Segments(segments=_spans(run.segments.segments, begin, end)))
    part.supply(run.transcript.but(utterances=tuple(_moved(u, begin) for u in lines if u.id in inside)))
    part.supply(run.speakers)
    said = tuple(line for line in run.translation.lines if line.id in inside)
    part.supply(run.translation.but(lines=said))
    speaking = {line.speaker for line in said}
    part.supply(Casting(roles=tuple(role for role in run.casting.roles if role.id in speaking)))
    return part


def known(run: Run) -> bool:
    """Whether all is there that an excerpt takes long to find out: just changed lines are to be translated, and roles cast."""
    return {"media", "tracks", "turns", "segments", "transcript", "speakers"} <= run.known().keys()


def widened(lines: Sequence[Utterance], start: Seconds, duration: Seconds, length: Seconds) -> tuple[Seconds, Seconds]:
    """Begin and end of the stretch that holds whole lines: all that sound in the one asked for, with the silence around them.

    Parameters
    ----------
    lines : sequence of Utterance
        The whole film's.
    start, duration : float
        What is asked for, in seconds of the film.
    length : float
        The film's, in seconds.

    Raises
    ------
    BadInput
        If it is too short or too long, or lies beyond the film.
    """
    if not SHORTEST <= duration <= LONGEST:
        raise BadInput(f"An excerpt lasts {SHORTEST:g} to {LONGEST:g} s, not {duration:g} s.")
    if not 0 <= start < length:
        raise BadInput(f"The film lasts {length:.1f} s: an excerpt cannot begin at {start:g} s.")
    first, last = max(0.0, start - REACH), min(start + duration + REACH, length)
    near = [u for u in lines if first <= u.start and u.end <= last]
    begin, end = start, min(start + duration, length)
    while True:
        sounding = [u for u in near if u.start < end and u.end > begin]
        wider = min([begin, *(u.start for u in sounding)]), max([end, *(u.end for u in sounding)])
        if wider == (begin, end):
            break
        begin, end = wider
    earlier = max([0.0, begin - BEFORE, *(min(u.end, begin) for u in lines if u.start < begin)])
    later = min([length, end + AFTER, *(max(u.start, end) for u in lines if u.end > end)])
    # Rounded away from the lines, and never beyond the film.
    return math.floor(earlier * STEP) / STEP, min(math.ceil(later * STEP), math.floor(length * STEP)) / STEP


def cut(film: Path, start: Seconds, duration: Seconds, target: Path) -> Path:
    """Write a stretch of a film, to the frame, as an MP4 of its own with all of its sound tracks; gives the path back.

    Raises
    ------
    BadInput
        If the film cannot be read, or has ended before the stretch begins.
    StageFailed
        If ffmpeg cannot encode it.
    OutOfSpace
        If the disk is full.
    """
    _write(film, start, duration, target)
    return target


def _write(film: Path, start: Seconds, duration: Seconds, target: Path, width: int | None = None) -> None:
    import ffmpeg

    from dubkit import media as files

    media = files.probe(film)
    if not 0 <= start < media.duration:
        raise BadInput(f"The film lasts {media.duration:.1f} s: a stretch of it cannot begin at {start:g} s.")
    timing = {"fflags": "+genpts"} if media.container == "avi" else {}
    source = ffmpeg.input(files.address(film), f=media.container, ss=start, t=duration, **timing)
    # H.264 in yuv420p has even sides alone.
    sides = ("trunc(iw/2)*2", "trunc(ih/2)*2") if width is None else (f"trunc(min({width},iw)/2)*2", "-2")
    picture = source[str(media.video.index)].filter("scale", *sides)
    sounds = [source[str(track.index)] for track in media.audio_tracks]
    quality = {"preset": "fast", "crf": 18} if width is None else {"preset": "ultrafast", "crf": 23}
    kept = {f"disposition:a:{n}": "default" if track.default else "0" for n, track in enumerate(media.audio_tracks)}
    graph = ffmpeg.output(picture, *sounds, files.address(target), f="mp4", **ENCODED, **quality, **kept)
    files.run_ffmpeg(graph, "cutting out a stretch")


def _tracks(tracks: Tracks, begin: Seconds, end: Seconds, items: Items) -> Tracks:
    from dubkit import audio

    def part(sound: AudioFile) -> AudioFile:
        identity = [sound.sha256, begin, end]

        def write(path: Path) -> None:
            audio.write(path, [sound.load(begin, end)], sound.sample_rate)

        return audio.open_audio(items.find(identity, ".flac") or items.keep(identity, ".flac", write))

    return Tracks(speech=part(tracks.speech), full=part(tracks.full), background=part(tracks.background))


def _loudness(run: Run, begin: Seconds, end: Seconds) -> float | None:
    """How loud the stretch is in the whole dub that was last made, in LUFS, within what may be set; None without one."""
    from dubkit import audio
    from dubkit.loudness import GATE, measured

    result = run.log.results.get("assemble")
    found = run.store.find("assemble", result["key"], Soundtrack) if result else None
    if found is None or not found.artefact.placements:
        return None
    times = TimeMap.of(found.artefact.knots, run.media.duration)
    with run.store.scratch() as folder:
        heard = found.artefact.audio.load(times.dub(begin), times.dub(end))
        sound = audio.write(folder / "stretch.flac", [heard], found.artefact.audio.sample_rate)
        loudness = measured(sound.path).integrated
    return round(min(max(loudness, -40.0), -8.0), 1) if loudness > GATE else None


def _spans(rows: Iterable[Span], begin: Seconds, end: Seconds) -> tuple[Span, ...]:
    """What of turns or segments lies within a stretch, in its times."""
    return tuple(
        row.but(start=round(max(row.start, begin) - begin, 3), end=round(min(row.end, end) - begin, 3))
        for row in rows
        if row.start < end and row.end > begin
    )


def _moved(line: Utterance, begin: Seconds) -> Utterance:
    at = functools.partial(_since, begin)
    words = tuple(word.but(start=at(word.start), end=at(word.end)) for word in line.words)
    return line.but(start=at(line.start), end=at(line.end), words=words)


def _since(begin: Seconds, time: Seconds) -> Seconds:
    return round(max(time - begin, 0.0), 3)
