"""Stage 5: what was said, word by word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit.artefacts import Segment, Segments, Tracks, Transcript, Word
from dubkit.backends.protocols import Heard, Transcriber
from dubkit.errors import BadInput, listed
from dubkit.progress import Report
from dubkit.record import AudioFile
from dubkit.stage import stage
from dubkit.store import Items
from dubkit.utterances import UtteranceSettings, in_order, utterances

BATCH = 48
"""Segments that are loaded together: a multiple of usual batch sizes, and at most 90 MB of sound."""
UNSURE = 0.5


@dataclass(frozen=True)
class TranscribeSettings:
    """How speech is read.

    Parameters
    ----------
    language : str or None
        BCP-47 code of what is spoken; None detects it.
    beam_size : int
        Hypotheses kept while decoding; 1 is greedy.
    utterance : UtteranceSettings
        How words become utterances.
    """

    language: str | None = None
    beam_size: int = Field(default=5, ge=1, le=20)
    utterance: UtteranceSettings = UtteranceSettings()


@stage(version=2, task="transcriber")
def transcribe(
    tracks: Tracks,
    segments: Segments,
    *,
    settings: TranscribeSettings,
    backend: Transcriber,
    items: Items,
    report: Report,
) -> Transcript:
    """Words with times, grouped into utterances; finished segments survive a crash.

    Raises
    ------
    BadInput
        If the language given is one that the back end does not understand.
    """
    language, confidence = _language(tracks.speech, segments, settings, backend, report)
    found: dict[str, list[Word]] = {}
    for n in range(0, len(segments.segments), BATCH):
        batch = segments.segments[n : n + BATCH]
        for segment, heard in _heard(tracks.speech, batch, language, settings.beam_size, backend, items):
            found[segment.id] = heard
            report(len(found), len(segments.segments), "segments")
    # In the order of the segments, whichever were ready first: a resumed run gives what an undisturbed one does.
    words: dict[str, list[Word]] = {}
    for segment in segments.segments:
        words.setdefault(segment.speaker, []).extend(found[segment.id])
    said = {speaker: in_order(heard) for speaker, heard in words.items()}
    if segments.segments and not any(said.values()):
        report.warn("There is sound like speech, but no words could be made out.")
    return Transcript(
        language=language,
        language_confidence=round(confidence, 4),
        utterances=utterances(said, settings.utterance),
        model=backend.fingerprint,
    )


def _language(
    sound: AudioFile, segments: Segments, settings: TranscribeSettings, backend: Transcriber, report: Report
) -> tuple[str, float]:
    if settings.language is not None:
        if settings.language not in backend.languages():
            raise BadInput(
                f"The recogniser does not know the language {settings.language!r}. It knows: {listed(backend.languages())}."
            )
        return settings.language, 1.0
    if not segments.segments:
        return "und", 0.0
    longest = sorted(segments.segments, key=lambda s: s.start - s.end)[:5]
    language, confidence = backend.detect_language([sound.load(s.start, s.end) for s in longest])
    if confidence < UNSURE:
        report.warn(
            f"The language seems to be {language!r}, but that is not sure ({confidence:.0%}): give it with --from."
        )
    return language, confidence


def _heard(
    sound: AudioFile,
    batch: tuple[Segment, ...],
    language: str,
    beam_size: int,
    backend: Transcriber,
    items: Items,
) -> Iterator[tuple[Segment, list[Word]]]:
    """The words of each segment in film time, as they are ready."""
    identities = [[backend.fingerprint, sound.sha256, s.start, s.end, language, beam_size] for s in batch]

    def hear(missing: list[int]) -> Iterator[Heard]:
        waveforms = [sound.load(batch[n].start, batch[n].end) for n in missing]
        return backend.transcribe(waveforms, language, beam_size=beam_size)

    def write(path: Path, heard: Heard) -> None:
        path.write_text(json.dumps([w.model_dump() for w in heard.words]))

    for n, path in items.complete(identities, ".json", hear, write):
        start = batch[n].start
        words = [Word.model_validate(w) for w in json.loads(path.read_text())]
        yield batch[n], [w.but(start=round(start + w.start, 3), end=round(start + w.end, 3)) for w in words]
