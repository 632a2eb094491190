"""Stage 9: the lines, spoken: one clip each, at the rate that fits its slot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit.artefacts import Casting, Clip, Line, Role, Speakers, Speech, Transcript, Translation, Voice
from dubkit.backends.protocols import Request, Synthesizer
from dubkit.errors import BadInput
from dubkit.progress import Report
from dubkit.record import AudioFile, Seconds
from dubkit.stage import stage
from dubkit.stages.assign_voices import own_voice
from dubkit.store import Items
from dubkit.timing import Slot, native_rate, rooms

if TYPE_CHECKING:
    import numpy as np

TOLERANCE = 1.03


@dataclass(frozen=True)
class SynthesizeSettings:
    """How lines are made to fit.

    Parameters
    ----------
    slowest, fastest : float
        Limits of the native speaking rate; 1 is natural.
    borrow : float
        Most seconds of the silence after a line that it may use.
    gap : float
        Silence to leave before the next line, in seconds.
    """

    slowest: float = Field(default=0.92, gt=0.3, le=1)
    fastest: float = Field(default=1.25, ge=1, le=2)
    borrow: Seconds = Field(default=0.8, ge=0)
    gap: Seconds = Field(default=0.08, ge=0)


@stage(version=1, task="synthesizer")
def synthesize(
    translation: Translation,
    casting: Casting,
    speakers: Speakers,
    transcript: Transcript,
    *,
    settings: SynthesizeSettings,
    backend: Synthesizer,
    items: Items,
    report: Report,
) -> Speech:
    """Speak every line at its predicted rate, and those that still come out too long once more, faster.

    Rates depend on the source's times and the line's own text alone: an edited line makes one new clip.

    Raises
    ------
    BadInput
        If somebody is to speak with their own voice who did not agree to it, or of whom there is no recording.
    """
    from dubkit.audio import open_audio

    lines = translation.lines
    voices = {r.id: r.voice for r in casting.roles}
    references = _references(casting, speakers, own_voice(backend, translation.target))
    for robotic in sorted({v.name for v in voices.values() if v.id.startswith("espeak:")}):
        report.warn(f"No natural voice speaks this language: {robotic} is a robotic one.")
    slots = [Slot(u.speaker, u.start, u.end) for u in transcript.utterances]
    room = dict(zip([u.id for u in transcript.utterances], _rooms(slots, settings), strict=True))
    slot = {u.id: u.end - u.start for u in transcript.utterances}
    slowest, fastest = max(settings.slowest, backend.rates[0]), min(settings.fastest, backend.rates[1])

    def request(line: Line, rate: float = 1.0) -> Request:
        return Request(line.text, voices[line.speaker], rate, references.get(line.speaker))

    def wanted(line: Line, natural: Seconds) -> Request:
        return request(line, native_rate(natural, slot[line.id], room[line.id], slowest, fastest))

    requests = [wanted(x, backend.predict(request(x))) for x in lines]
    paths: dict[int, Path] = {}
    for n, path in _spoken(requests, backend, items):
        paths[n] = path
        report(len(paths), len(lines), "lines")
    clips = {n: open_audio(path) for n, path in paths.items()}
    too_long = [
        n for n, c in clips.items() if c.duration > TOLERANCE * room[lines[n].id] and requests[n].rate < fastest
    ]
    for n in too_long:
        requests[n] = wanted(lines[n], clips[n].duration * requests[n].rate)
    for n, path in _spoken([requests[n] for n in too_long], backend, items):
        clips[too_long[n]] = open_audio(path)
        report(len(lines), len(lines), "lines, some once more")
    return Speech(
        clips=tuple(
            Clip(id=x.id, speaker=x.speaker, audio=clips[n], rate=requests[n].rate, slot=round(slot[x.id], 3))
            for n, x in enumerate(lines)
        ),
        model=backend.fingerprint,
    )


def _references(casting: Casting, speakers: Speakers, own: Voice | None) -> dict[str, AudioFile]:
    """How those sound who speak with a copy of their own voice, by speaker."""
    samples = {s.id: s.sample for s in speakers.speakers}

    def sample(role: Role) -> AudioFile:
        if not role.consent:
            raise BadInput(
                f"{role.id} is to speak with a copy of their own voice, but nothing says that they agreed to it. Where all "
                "speakers agreed, and only then: --set assign_voices.consent=true"
            )
        if found := samples.get(role.id):
            return found
        raise BadInput(
            f"{role.id} is to speak with their own voice, but there is too little clean speech of theirs to copy it. Give "
            f"them a stock voice, for example: --set assign_voices.voices.{role.id}=VOICE"
        )

    return {r.id: sample(r) for r in casting.roles if own and r.voice.id == own.id}


def _rooms(slots: list[Slot], settings: SynthesizeSettings) -> list[Seconds]:
    """Room of each line; the last may run on as far as any other, the film's end is the schedule's concern."""
    end = max((s.end for s in slots), default=0.0) + settings.borrow
    return rooms(slots, end, settings.gap, settings.borrow)


def _spoken(requests: list[Request], backend: Synthesizer, items: Items) -> Iterator[tuple[int, Path]]:
    identities = [
        [
            backend.fingerprint,
            r.text,
            r.voice.id,
            r.voice.language,
            r.rate,
            *([r.reference.sha256] if r.reference else []),
            # Named, lest it be taken for the digest of a recording.
            *([{"model": r.voice.model}] if r.voice.model else []),
        ]
        for r in requests
    ]

    def speak(missing: list[int]) -> Iterator[np.ndarray]:
        return backend.synthesize([requests[n] for n in missing])

    def write(path: Path, samples: np.ndarray) -> None:
        from dubkit import audio

        audio.write(path, [samples], backend.sample_rate)

    return items.complete(identities, ".flac", speak, write)
