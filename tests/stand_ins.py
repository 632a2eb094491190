"""Back ends that obey the Protocols and load no model: they work on tones, so that stages can be tested by numbers.

A film for them has a low tone where one speaker talks and a high one where the other does. Each counts what it was
asked for in ``asked`` and breaks down after ``breaks_after`` items, where that is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import numpy as np

from dubkit.artefacts import Candidate, Voice, Word
from dubkit.backends.protocols import Compute, Diarization, Heard, Hint, ModelCard, Request
from dubkit.durations import expected_duration

HIGH = 300.0
LOUD = 0.02


class BrokeDownError(RuntimeError):
    """What a stand-in raises where a real back end would run out of memory."""


class StandIn:
    """What all have in common."""

    def __init__(self, *, breaks_after: int | None = None, revision: str = "1") -> None:
        self.asked: list[object] = []
        self.breaks_after = breaks_after
        self.revision = revision

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        return cls(revision=argument or "1")

    @property
    def fingerprint(self) -> str:
        return f"{type(self).__name__}@{self.revision}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        return []

    def note(self, request: object) -> None:
        if self.breaks_after is not None and len(self.asked) >= self.breaks_after:
            raise BrokeDownError("out of memory")
        self.asked.append(request)


def pitch(samples: np.ndarray, rate: int) -> float:
    """Frequency of a tone in Hz, by its zero crossings."""
    return float(np.count_nonzero(np.diff(np.signbit(samples))) / 2 / max(1, len(samples)) * rate)


class Halver(StandIn):
    """A separator that takes half of everything for speech, with a delay of a block and a half."""

    sample_rate = 48_000

    def speech(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        waiting = np.zeros(0, np.float32)
        for block in blocks:
            self.note(len(block))
            waiting = np.concatenate([waiting, block / 2])
            if len(waiting) > 70_000:
                yield waiting[:-70_000]
                waiting = waiting[-70_000:]
        yield waiting


class ToneDiarizer(StandIn):
    """Turns where a tone sounds; the low and the high one are two voices, labelled anew at every call."""

    def diarize(
        self,
        waveform: np.ndarray,
        *,
        n_speakers: int | None = None,
        min_speakers: int = 1,
        max_speakers: int | None = None,
    ) -> Diarization:
        self.note(len(waveform))
        frame = 800
        loud = np.abs(waveform[: len(waveform) // frame * frame].reshape(-1, frame)).max(axis=1) > LOUD
        edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int)))
        found: list[tuple[float, float, str]] = []
        labels: dict[bool, str] = {}
        for start, end in edges.reshape(-1, 2) * frame:
            high = pitch(waveform[start:end], 16_000) > HIGH
            found.append((start / 16_000, end / 16_000, labels.setdefault(high, f"voice {len(labels)}")))
        return Diarization(tuple(found), {name: np.array([high, not high], float) for high, name in labels.items()})


class ToneTranscriber(StandIn):
    """Hears one word per quarter of a second, and a full stop at the end; the pitch is in the word."""

    sure = 0.9

    def languages(self) -> frozenset[str]:
        return frozenset({"en", "es"})

    def detect_language(self, waveforms: Sequence[np.ndarray]) -> tuple[str, float]:
        return "en", self.sure

    def transcribe(self, waveforms: Sequence[np.ndarray], language: str, *, beam_size: int = 5) -> Iterator[Heard]:
        for waveform in waveforms:
            self.note((language, len(waveform)))
            n = len(waveform) // 4000
            texts = [f"{'high' if pitch(waveform, 16_000) > HIGH else 'low'}{k + 1}" for k in range(n)]
            yield Heard(
                tuple(
                    Word(text=text + ("." if k == n - 1 else ""), start=k / 4, end=k / 4 + 0.2, confidence=0.8)
                    for k, text in enumerate(texts)
                )
            )


class PitchClassifier(StandIn):
    """A high tone is female."""

    def female_probability(self, waveforms: Sequence[np.ndarray]) -> list[float]:
        self.note([len(w) for w in waveforms])
        return [0.95 if pitch(w, 16_000) > HIGH else 0.05 for w in waveforms]


class Prefixer(StandIn):
    """A translator that puts the target's code before every word."""

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset({("en", "pt"), ("en", "es"), ("es", "pt"), ("es", "en")})

    def route(self, source: str, target: str) -> tuple[str, ...]:
        return (source, "xx", target)

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        for text in texts:
            self.note(text)
            yield (Candidate(text=" ".join(f"{target}-{w}" for w in text.split())), Candidate(text=text, score=-9.0))


class ToneSynthesizer(StandIn):
    """Speaks every text as a tone of the length that it would take; each voice has its own pitch."""

    sample_rate = 24_000
    rates = (0.8, 1.3)
    lengthens = 1.0
    """How much longer the clips come out than predicted."""

    def voices(self, language: str) -> tuple[Voice, ...]:
        if language not in self.languages():
            return ()
        names = (("ana", "female"), ("eva", "female"), ("rui", "male"))
        return tuple(
            Voice.model_validate({"id": f"tone:{n}", "language": language, "gender": g, "name": n}) for n, g in names
        )

    def languages(self) -> frozenset[str]:
        return frozenset({"pt", "es", "en"})

    def predict(self, request: Request) -> float:
        return expected_duration(request.text) / request.rate

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        for request in requests:
            self.note(request)
            n = round(self.predict(request) * self.lengthens * self.sample_rate)
            hz = 200 + sum(map(ord, request.voice.name)) % 100
            yield (0.3 * np.sin(2 * np.pi * hz * np.arange(n) / self.sample_rate)).astype(np.float32)


def all_tasks() -> dict[str, StandIn]:
    """One stand-in per task."""
    return {
        "separator": Halver(),
        "diarizer": ToneDiarizer(),
        "transcriber": ToneTranscriber(),
        "gender_classifier": PitchClassifier(),
        "translator": Prefixer(),
        "synthesizer": ToneSynthesizer(),
    }
