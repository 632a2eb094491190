"""Kokoro's voices with word times at any rate; what was once spoken is kept in a folder.

Every clip has the same speech level, so that one energy gate serves all, and is a 24 kHz 16-bit WAV file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

from data.narrator import Narrator, sounding, word_spans
from dubkit.artefacts import Voice
from dubkit.audio import speech_level
from dubkit.backends.kokoro.timing import paced
from dubkit.backends.protocols import Compute, Request
from evaluation.times.spans import phrases

SAMPLE_RATE = Narrator.sample_rate
LEVEL = 0.07
"""RMS of the sounding parts of every clip: -23 dBFS."""


@dataclass(frozen=True)
class Said:
    """A spoken line.

    Parameters
    ----------
    path : Path
        The clip, without silence at its ends.
    duration : float
        Seconds.
    phrases : tuple of (start, end)
        Stretches of speech between pauses, in seconds from the clip's start.
    words : tuple of (text, start, end)
        Right to about 0.05 s; those that the synthesizer joins into one share its time by their letters.
    """

    path: Path
    duration: float
    phrases: tuple[tuple[float, float], ...]
    words: tuple[tuple[str, float, float], ...]

    @property
    def samples(self) -> np.ndarray:
        """Mono, float32 at SAMPLE_RATE."""
        read: np.ndarray = soundfile.read(self.path, dtype="float32")[0]
        return read


def voice(name: str, language: str) -> Voice:
    """A voice of Kokoro by its id, ``kokoro:STYLE``."""
    return Voice(id=name, language=language, gender="unknown", name=name.partition(":")[2])


class Speaker(Narrator):
    """Says lines, each only once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Compute())
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def said(self, requests: Sequence[Request]) -> list[Said]:
        """Each line, spoken now where it has not been before."""
        paths = [self.folder / f"{self._key(request)}.json" for request in requests]
        missing = {path: request for path, request in zip(paths, requests, strict=True) if not path.exists()}
        for (path, request), samples in zip(missing.items(), self.synthesize(list(missing.values())), strict=True):
            self._keep(path, request, samples)
        return [self._kept(path) for path in paths]

    def _key(self, request: Request) -> str:
        what = [self.fingerprint, request.text, request.voice.id, request.voice.language, request.rate, LEVEL]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:24]

    def _keep(self, path: Path, request: Request, samples: np.ndarray) -> None:
        samples = np.clip(samples * (LEVEL / speech_level(samples, SAMPLE_RATE)), -1, 1)
        sound = path.with_suffix(".wav")
        soundfile.write(sound, samples, SAMPLE_RATE, subtype="PCM_16")
        heard = phrases(samples, SAMPLE_RATE)
        said = Said(sound, len(samples) / SAMPLE_RATE, tuple(heard), tuple(self._words(request, samples, heard)))
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(said) | {"path": sound.name}), encoding="utf-8")
        part.rename(path)

    @staticmethod
    def _kept(path: Path) -> Said:
        found = json.loads(path.read_text(encoding="utf-8"))
        spans = tuple((a, b) for a, b in found["phrases"])
        return Said(
            path.parent / found["path"], found["duration"], spans, tuple((t, a, b) for t, a, b in found["words"])
        )

    def _words(
        self, request: Request, samples: np.ndarray, heard: list[tuple[float, float]]
    ) -> list[tuple[str, float, float]]:
        texts, parts = request.text.split(), list(self._parts(request))
        spans = word_spans(parts[0].written, paced(parts[0].frames, request.rate)) if len(parts) == 1 else []
        if not spans or len(spans) > len(texts):
            return spread(texts, heard)
        later = sounding(samples, SAMPLE_RATE, (0.0, len(samples) / SAMPLE_RATE))[0] - spans[0][0]
        edges = [sounding(samples, SAMPLE_RATE, (start + later, end + later)) for start, end in spans]
        found: list[tuple[str, float, float]] = []
        for group, edge in zip(grouped(texts, [b - a for a, b in edges]), edges, strict=True):
            found += spread(group, [edge])
        return found


def spread(texts: Sequence[str], heard: Sequence[tuple[float, float]]) -> list[tuple[str, float, float]]:
    """Words over stretches of speech by their number of letters, for want of anything better."""
    letters = np.cumsum([0, *(max(1, len(t)) for t in texts)]) / max(1, sum(max(1, len(t)) for t in texts))
    lengths = np.array([b - a for a, b in heard])
    spoken = np.concatenate([[0.0], np.cumsum(lengths)])

    def when(share: float, late: bool) -> float:
        at = share * spoken[-1]
        k = int(np.clip(np.searchsorted(spoken, at, "left" if late else "right") - 1, 0, len(heard) - 1))
        return round(float(heard[k][0] + at - spoken[k]), 4)

    return [(t, when(letters[n], False), when(letters[n + 1], True)) for n, t in enumerate(texts)]


def grouped(texts: Sequence[str], lengths: Sequence[float]) -> list[Sequence[str]]:
    """Words that are spoken as one: the groups of neighbours whose letters suit the lengths of what is spoken best.

    Parameters
    ----------
    texts : sequence of str
        The words as written, at least as many as lengths.
    lengths : sequence of float
        How long each spoken word lasts.
    """
    letters = np.concatenate([[0.0], np.cumsum([len(t) for t in texts])]) / sum(len(t) for t in texts)
    shares = np.asarray(lengths) / sum(lengths)
    n, m = len(texts), len(lengths)
    cost = np.full((m + 1, n + 1), np.inf)
    cost[0, 0] = 0.0
    before = np.zeros((m + 1, n + 1), int)
    for k in range(1, m + 1):
        for end in range(k, n - m + k + 1):
            starts = np.arange(k - 1, end)
            costs = cost[k - 1, starts] + (letters[end] - letters[starts] - shares[k - 1]) ** 2
            before[k, end] = starts[int(costs.argmin())]
            cost[k, end] = costs.min()
    groups: list[Sequence[str]] = []
    end = n
    for k in range(m, 0, -1):
        groups.insert(0, texts[before[k, end] : end])
        end = int(before[k, end])
    return groups
