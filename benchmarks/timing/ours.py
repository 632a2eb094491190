"""dubkit itself, as its pipeline does it, and without one of its means at a time.

The stages ``synthesize`` and ``assemble`` get a timeline as the artefacts that they would get from the stages before
them: lines with the exact times of their phrases, candidates, voices. The first candidate scores 0, a variant what it costs in
``dubkit.variants``, a wording by hand, which stands for a stronger translator's N-best, :data:`BY_HAND`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import soundfile

from benchmarks.timing.speaker import voice
from benchmarks.timing.timelines import opened
from dubkit import audio, timing
from dubkit.artefacts import (
    AudioStream,
    Candidate,
    Casting,
    Line,
    Media,
    Role,
    Speaker,
    Speakers,
    Transcript,
    Translation,
    Utterance,
    VideoStream,
    Word,
)
from dubkit.backends import registry
from dubkit.backends.protocols import Compute
from dubkit.certificate import placements
from dubkit.durations import natural_duration
from dubkit.media import SAMPLE_RATE
from dubkit.progress import Report
from dubkit.retiming import TimeMap
from dubkit.stages.assemble import sounding, with_margins
from dubkit.stages.synthesize import SynthesizeSettings, synthesize
from dubkit.store import Items
from dubkit.timing import Schedule, Slot, TimingSettings
from dubkit.variants import variants

BY_HAND = -0.1
SETTINGS: dict[str, dict[str, Any]] = {"one-candidate": {"length_weight": 0.0}, "stretch-only": {"native_rate": False}}


def dub(timeline: Path, out: Path, variant: str) -> None:
    """Dub a timeline: ``full``, ``one-candidate``, ``stretch-only``, ``own-slot`` or ``greedy``."""
    film = opened(timeline)
    solvers = {"own-slot": own_slots, "greedy": greedy}
    solver = solvers.get(variant, timing.solve)
    with mock.patch("dubkit.plan.solve", solver), mock.patch("dubkit.certificate.solve", solver):
        speech = synthesize(
            *_artefacts(film),
            settings=SynthesizeSettings(**SETTINGS.get(variant, {})),
            backend=registry.get("synthesizer", "kokoro", Compute()),
            items=Items(timeline.parent.parent / "clips"),
            report=Report("synthesize"),
        )
        lines = placements(speech, TimeMap.of((), film["duration"]))
    mix = np.zeros(round(film["duration"] * SAMPLE_RATE), np.float32)
    for clip, line in zip(speech.clips, lines, strict=True):
        for phrase in with_margins(line.phrases, clip.audio.duration):
            samples, start = sounding(clip, phrase), round(phrase.start * SAMPLE_RATE)
            samples = samples[: max(0, len(mix) - start)]
            mix[start : start + len(samples)] += samples
    soundfile.write(out / "dub.wav", audio.resample(mix, SAMPLE_RATE, 24_000), 24_000, subtype="FLOAT")
    told = [
        {"id": p.id, "start": p.start, "rate": p.rate, "text": clip.spoken, "native": clip.rate}
        for p, clip in zip(lines, speech.clips, strict=True)
    ]
    (out / "lines.json").write_text(json.dumps(told, indent=1, ensure_ascii=False))


def greedy(slots: Sequence[Slot], duration: float, settings: TimingSettings | None = None) -> Schedule:
    """Phrase by phrase: as soon as allowed, as long as the slot where the rate lets it."""
    settings = settings or TimingSettings()
    starts, lengths = np.zeros(len(slots)), np.zeros(len(slots))
    for i, slot in enumerate(slots):
        start = max(slot.start, starts[i - 1] if i else 0.0)
        for j in range(i):
            own = slots[j].speaker == slot.speaker
            gap = (timing.BREATH if slots[j].line == slot.line else settings.gap) if own else 0.0
            allowed = 0.0 if own else max(0.0, slots[j].end - slot.start)
            start = max(start, starts[j] + lengths[j] + gap - allowed)
        wanted = slot.length or max(slot.natural / settings.fastest, slot.end - start)
        starts[i], lengths[i] = start, min(wanted, slot.length or slot.natural / settings.slowest)
    return Schedule(starts, lengths, 0.0, 0.0)


def own_slots(slots: Sequence[Slot], duration: float, settings: TimingSettings | None = None) -> Schedule:
    """Every line within its own slot, at whatever rate that takes."""
    starts, lengths = np.zeros(len(slots)), np.zeros(len(slots))
    for line in {slot.line for slot in slots}:
        mine = [n for n, slot in enumerate(slots) if slot.line == line]
        first, last = slots[mine[0]].start, slots[mine[-1]].end
        moved = [
            Slot(s.line, s.speaker, s.start - first, s.end - first, s.natural, s.length)
            for s in (slots[n] for n in mine)
        ]
        found = timing.solve(moved, last - first, settings)
        starts[mine], lengths[mine] = found.starts + first, found.lengths
    return Schedule(starts, lengths, 0.0, 0.0)


def _artefacts(film: dict[str, Any]) -> tuple[Media, Translation, Casting, Speakers, Transcript]:
    sound = AudioStream(index=1, codec="pcm_s16le", sample_rate=24_000, n_channels=1)
    picture = VideoStream(index=0, codec="h264", width=2, height=2, fps=25)
    media = Media(container="mov", duration=film["duration"], video=picture, audio=sound, audio_tracks=(sound,))
    lines = tuple(_line(line, film["target"]) for line in film["lines"])
    translation = Translation(
        source=film["source"], target=film["target"], route=(film["source"], film["target"]), lines=lines
    )
    voices = {name: voice(one["voice"], film["target"]) for name, one in film["speakers"].items()}
    casting = Casting(roles=tuple(Role(id=name, voice=one, reason="script") for name, one in voices.items()))
    said = tuple(
        Utterance(
            id=line["id"],
            speaker=line["speaker"],
            start=line["start"],
            end=line["end"],
            text=line["text"],
            # Exact, as the sound that the peers get is: a stretch between two pauses stands for its words.
            words=tuple(Word(text=line["text"], start=a, end=b) for a, b in line["phrases"]),
        )
        for line in film["lines"]
    )
    speakers = tuple(
        Speaker(
            id=name,
            name=name,
            gender="unknown",
            confidence=0,
            pitch=None,
            speaking_rate=4,
            speech_seconds=film["duration"],
        )
        for name in voices
    )
    transcript = Transcript(language=film["source"], language_confidence=1, utterances=said)
    return media, translation, casting, Speakers(speakers=speakers), transcript


def _line(line: dict[str, Any], target: str) -> Line:
    costs = {one.text: one.cost for one in variants(line["candidates"][0], target)}
    candidates = tuple(
        Candidate(
            text=text,
            how=how if n else "",
            score=-costs.get(text, -BY_HAND) if n else 0.0,
            duration=natural_duration(text, target),
        )
        for n, (text, how) in enumerate(zip(line["candidates"], line["how"], strict=True))
    )
    return Line(
        id=line["id"],
        speaker=line["speaker"],
        source_text=line["text"],
        text=candidates[0].text,
        duration=candidates[0].duration,
        candidates=candidates,
    )
