"""Voices: whether every speaker of a dub has one voice throughout, and another than the others.

Each line has an embedding of its voice (:mod:`dubkit.voice_prints`), brought to unit length. A speaker's *centroid* is
the mean of their lines' embeddings, brought to unit length again; a line is always held against a centroid that it is no part of.

- ``consistency``: cosine between a line and the centroid of its speaker's other lines, mean over lines. Speakers with one
  line have none.
- ``own_nearest``: share of lines that are nearer to their own speaker's centroid than to any other's. It takes two
  speakers or more; speakers with one line are others' rivals, and are not asked for themselves.
- ``separation``: cosine between the centroids of two speakers, mean over pairs; lower is better. It counts a pair once, as
  what its first speaker, by order of appearance, has in common with those after them.

Silent lines, whose embedding is zero, are left out. Leaving a line out of its own centroid is the usual protocol of speaker
verification by centroids (Wan, Wang, Papir and Lopez Moreno 2018).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from dubkit.errors import BadInput
from evaluation.measures import Measure, Sample, per_unit

CONSISTENCY = Measure("voices.consistency", "ratio", "higher", "ratio", "likeness of a line to its speaker's others")
OWN_NEAREST = Measure("voices.own_nearest", "share", "higher", "ratio", "lines nearest to their own speaker's voice")
SEPARATION = Measure("voices.separation", "ratio", "lower", "ratio", "likeness of different speakers' voices")
MEASURES: tuple[Measure, ...] = (CONSISTENCY, OWN_NEAREST, SEPARATION)


@dataclass(frozen=True)
class VoiceLine:
    """A line that has others of its speaker: its likeness to them, and the speaker whom it is nearest to.

    ``nearest`` is empty where there is just one speaker.
    """

    id: str
    speaker: str
    consistency: float
    nearest: str


@dataclass(frozen=True)
class Voices:
    """Lines by id, and the cosines between speakers' centroids by pair."""

    lines: tuple[VoiceLine, ...]
    pairs: dict[tuple[str, str], float]

    @property
    def consistency(self) -> float:
        """Mean over lines; nan where no speaker has two."""
        return fmean(line.consistency for line in self.lines) if self.lines else math.nan

    @property
    def own_nearest(self) -> float:
        """Share of lines; nan where no line is asked."""
        asked = [line for line in self.lines if line.nearest]
        return fmean(line.nearest == line.speaker for line in asked) if asked else math.nan

    @property
    def separation(self) -> float:
        """Mean over pairs; nan where there is one speaker."""
        return fmean(self.pairs.values()) if self.pairs else math.nan

    def samples(self) -> list[Sample]:
        """Two for each line that has others, and one for each speaker that has others after them."""
        asked = [line for line in self.lines if line.nearest]
        firsts = {a: [x for (first, _), x in self.pairs.items() if first == a] for a, _ in self.pairs}
        return [
            *per_unit(CONSISTENCY, [x.id for x in self.lines], [(x.consistency, 1) for x in self.lines]),
            *per_unit(OWN_NEAREST, [x.id for x in asked], [(x.nearest == x.speaker, 1) for x in asked]),
            *per_unit(SEPARATION, firsts, [(sum(xs), len(xs)) for xs in firsts.values()]),
        ]


def validate(embeddings: np.ndarray, speakers: Sequence[str], ids: Sequence[str]) -> None:
    """Refuse what cannot be compared.

    Raises
    ------
    BadInput
        If there are no lines, not as many embeddings, speakers and ids, embeddings of different or no length, or ids that occur
        twice.
    """
    if not len(ids):
        raise BadInput("There are no lines: voices are compared in dubs in which somebody speaks.")
    if not len(embeddings) == len(speakers) == len(ids):
        raise BadInput(
            f"There are {len(embeddings)} embeddings, {len(speakers)} speakers and {len(ids)} ids: give one for each line."
        )
    if np.ndim(embeddings) != 2 or not np.isfinite(embeddings).all():
        raise BadInput(
            f"Embeddings of the shape {np.shape(embeddings)}: give finite numbers of the shape (n_lines, n)."
        )
    if len(set(ids)) != len(ids):
        raise BadInput("Two lines have the same id: give each one of its own.")


def score(embeddings: np.ndarray | Sequence[Sequence[float]], speakers: Sequence[str], ids: Sequence[str]) -> Voices:
    """Compare lines with their speakers' and with others'.

    Parameters
    ----------
    embeddings : np.ndarray, shape (n_lines, n_dimensions)
        From :func:`dubkit.voice_prints.prints`; their lengths do not matter.
    speakers, ids : sequence of str, length n_lines
        Who speaks each line, and what it is called.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    if len({len(e) for e in embeddings}) > 1:
        raise BadInput("The embeddings have different lengths: give those of one network.")
    table = np.asarray(embeddings, float)
    validate(table, speakers, ids)
    length = np.linalg.norm(table, axis=1)
    audible = [n for n in range(len(ids)) if length[n] > 0]
    units = {n: table[n] / length[n] for n in audible}
    own: dict[str, list[int]] = {}
    for n in audible:
        own.setdefault(speakers[n], []).append(n)
    sums = {name: np.sum([units[n] for n in rows], axis=0) for name, rows in own.items()}
    lines = []
    for n in audible:
        if len(own[speakers[n]]) > 1:
            likeness = {s: _cosine(units[n], sums[s] - units[n] if s == speakers[n] else sums[s]) for s in own}
            nearest = max(likeness, key=likeness.__getitem__) if len(own) > 1 else ""
            lines.append(VoiceLine(ids[n], speakers[n], likeness[speakers[n]], nearest))
    pairs = {(a, b): _cosine(sums[a], sums[b]) for a, b in itertools.combinations(own, 2)}
    return Voices(tuple(lines), pairs)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    """0 where one of them is nothing, as the sum of opposite voices is."""
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > 1e-9 else 0.0
