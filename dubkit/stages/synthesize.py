"""Stage 9: the lines, spoken: one clip each, in the wording and at the rate that fit its slot."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit.artefacts import Casting, Clip, Line, Media, Phrase, Role, Speakers, Speech, Transcript, Translation, Voice
from dubkit.backends.protocols import Request, Synthesizer
from dubkit.errors import BadInput
from dubkit.phrases import Span, clauses
from dubkit.plan import Foretold, Plan, as_spoken, cut, planned, rates, slowed
from dubkit.progress import Report
from dubkit.record import AudioFile, Seconds
from dubkit.stage import stage
from dubkit.stages.assign_voices import own_voice
from dubkit.store import Items
from dubkit.timing import TimingSettings

if TYPE_CHECKING:
    import numpy as np

# A clip that came out longer or shorter than foretold is spoken once more where its rate would be off by this much.
OFF = 0.03


@dataclass(frozen=True)
class SynthesizeSettings:
    """How lines are made to fit.

    Parameters
    ----------
    length_weight : float
        How much the length of a wording counts against the translator's score; 0 takes the translator's first always.
    native_rate : bool
        Let the synthesizer itself speak faster or slower; without it clips are stretched afterwards.
    slow_picture : float
        How much slower than it was shot the picture may run where a line would have to be hurried; 1 leaves it alone.
    timing : TimingSettings
        Limits of the rate, and what the schedule prefers.
    """

    length_weight: float = Field(default=2.0, ge=0)
    native_rate: bool = True
    slow_picture: float = Field(default=1.0, ge=1, le=1.5)
    timing: TimingSettings = TimingSettings()


@stage(version=2, task="synthesizer")
def synthesize(
    media: Media,
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
    """Choose each line's wording by its predicted length, find all rates at once, and speak.

    Clips that come out otherwise than predicted change the schedule; where that changes a rate, the line is spoken once more.

    Raises
    ------
    BadInput
        If somebody is to speak with their own voice who did not agree to it, or of whom there is no recording.
    """
    from dubkit.audio import open_audio

    voices = {r.id: r.voice for r in casting.roles}
    references = _references(casting, speakers, own_voice(backend, translation.target))
    for robotic in sorted({v.name for v in voices.values() if v.id.startswith("espeak:")}):
        report.warn(f"No natural voice speaks this language: {robotic} is a robotic one.")

    def request(line: Line, text: str, rate: float = 1.0) -> Request:
        return Request(text, voices[line.speaker], rate, references.get(line.speaker))

    plans = _plans(translation, transcript, media.duration, request, backend, settings)
    times = slowed(plans, media.duration, settings.slow_picture, settings.timing)

    def requests(plans: Sequence[Plan]) -> list[Request]:
        fitting = rates(plans, times, backend.rates, settings.timing)
        return [
            request(plan.line, plan.spoken, rate if settings.native_rate else 1.0)
            for plan, rate in zip(plans, fitting, strict=True)
        ]

    asked = requests(plans)
    clips: dict[int, AudioFile] = {}
    for n, path in spoken(asked, backend, items):
        clips[n] = open_audio(path)
        report(len(clips), len(plans), "lines")
    parts = [cut(plan, clips[n], _marks(asked[n], backend)) for n, plan in enumerate(plans)]
    better = requests([as_spoken(plan, part, one.rate) for plan, part, one in zip(plans, parts, asked, strict=True)])
    again = [n for n, one in enumerate(better) if abs(one.rate / asked[n].rate - 1) > OFF]
    for k, path in spoken([better[n] for n in again], backend, items):
        n = again[k]
        asked[n], clips[n] = better[n], open_audio(path)
        parts[n] = cut(plans[n], clips[n], _marks(asked[n], backend))
        report(len(plans), len(plans), "lines, some once more")
    return Speech(
        clips=tuple(_clip(plan, clips[n], asked[n], parts[n]) for n, plan in enumerate(plans)),
        model=backend.fingerprint,
        timing=settings.timing,
        knots=() if times.identity else times.knots,
    )


def _plans(
    translation: Translation,
    transcript: Transcript,
    duration: Seconds,
    request: Callable[[Line, str], Request],
    backend: Synthesizer,
    settings: SynthesizeSettings,
) -> list[Plan]:
    """How each line is going to be said."""
    said = {u.id: u for u in transcript.utterances}
    # The film's end is what follows the last line.
    starts = [*sorted(min(said[line.id].start, duration) for line in translation.lines), duration]

    def plan(line: Line) -> Plan:
        def foretell(text: str) -> Foretold:
            asked = request(line, text)
            return Foretold(backend.predict(asked), _marks(asked, backend))

        utterance = said[line.id]
        following = starts[min(len(starts) - 1, bisect.bisect_left(starts, min(utterance.end, duration)))]
        return planned(
            line, utterance, following, foretell, translation.target, settings.timing, settings.length_weight
        )

    return [plan(line) for line in translation.lines]


def _clip(plan: Plan, audio: AudioFile, asked: Request, phrases: tuple[Phrase, ...]) -> Clip:
    return Clip(
        id=plan.line.id,
        speaker=plan.line.speaker,
        text=plan.text,
        candidate=plan.candidate,
        how=plan.how,
        spoken=plan.spoken,
        audio=audio,
        rate=asked.rate,
        natural=round(audio.duration * asked.rate, 3),
        slot=round(plan.slot[1] - plan.slot[0], 3),
        phrases=phrases,
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


def _marks(request: Request, backend: Synthesizer) -> tuple[Span, ...]:
    """Where the clip is going to pause, from synthesizers that know."""
    if not hasattr(backend, "marks") or len(clauses(request.text)) < 2:
        return ()
    found: tuple[Span, ...] = backend.marks(request)
    return found


def spoken(requests: list[Request], backend: Synthesizer, items: Items) -> Iterator[tuple[int, Path]]:
    """The number and the clip of each request: those that were spoken before at once, the others as they are spoken."""
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
