"""Stage 3: who speaks when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit.artefacts import Tracks, Turn, Turns
from dubkit.backends.protocols import Diarization, Diarizer, takes
from dubkit.errors import BadInput
from dubkit.progress import Report
from dubkit.record import Seconds
from dubkit.stage import stage

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class DiarizeSettings:
    """What is known of the speakers, and how long sound is cut.

    Parameters
    ----------
    n_speakers : int or None
        How many there are, where that is known.
    min_speakers, max_speakers : int or None
        Limits; ``n_speakers`` goes before them.
    threshold : float or None
        Distance of voices, in the back end's own measure, under which they are joined to one speaker: larger finds fewer
        speakers. None is the back end's own, which the packaged models have at 0.6.
    block_minutes : float
        Longer sound is diarized in blocks of this length, so that memory stays bounded; speakers are then matched
        across blocks by voice.
    link_threshold : float
        Cosine distance below which voices of different blocks are one speaker.
    """

    n_speakers: int | None = Field(default=None, ge=1)
    min_speakers: int = Field(default=1, ge=1)
    max_speakers: int | None = Field(default=None, ge=1)
    threshold: float | None = Field(default=None, gt=0, lt=2)
    block_minutes: float = Field(default=10.0, gt=0)
    link_threshold: float = Field(default=0.5, gt=0, lt=2)


@stage(version=1, task="diarizer")
def diarize(tracks: Tracks, *, settings: DiarizeSettings, backend: Diarizer, folder: Path, report: Report) -> Turns:
    """Turns with speakers named S1, S2, ... in order of first appearance; also written as RTTM.

    Raises
    ------
    BadInput
        If the limits on the number of speakers leave none, or the back end has no threshold that could be set.
    """
    sound = tracks.speech
    if settings.max_speakers is not None and settings.min_speakers > settings.max_speakers:
        raise BadInput(
            f"diarize.min_speakers is {settings.min_speakers}, but diarize.max_speakers only {settings.max_speakers}."
        )
    more = _threshold(settings.threshold, backend)
    step = settings.block_minutes * 60
    n_blocks = max(1, round(sound.duration / step))
    length = sound.duration / n_blocks
    most = settings.n_speakers or settings.max_speakers
    # A part of a film need not have all its speakers.
    known = (settings.n_speakers, settings.min_speakers) if n_blocks == 1 else (None, 1)
    blocks: list[tuple[Seconds, Diarization]] = []
    for number in range(n_blocks):
        start = number * length
        heard = backend.diarize(
            sound.load(start, start + length), n_speakers=known[0], min_speakers=known[1], max_speakers=most, **more
        )
        blocks.append((start, heard))
        report(number + 1, n_blocks, "blocks")
    names = link([b.centroids for _, b in blocks], settings.link_threshold, most)
    found = sorted(
        (start + a, min(start + b, sound.duration), names[i][label])
        for i, (start, heard) in enumerate(blocks)
        for a, b, label in heard.turns
        if start + a < min(start + b, sound.duration)
    )
    order = {old: f"S{n}" for n, old in enumerate(dict.fromkeys(s for *_, s in found), 1)}
    turns = Turns(
        turns=tuple(
            Turn(id=f"t{n:04}", speaker=order[s], start=round(a, 3), end=round(b, 3))
            for n, (a, b, s) in enumerate(found, 1)
        )
    )
    (folder / "turns.rttm").write_text(rttm(turns))
    if not turns.turns:
        report.warn("No speech was found.")
    return turns


def _threshold(threshold: float | None, backend: Diarizer) -> dict[str, float]:
    """The keyword for the back end, only where there is something to say: not every back end has it."""
    if threshold is None:
        return {}
    if not takes(backend.diarize, "threshold"):
        raise BadInput(
            f"diarize.threshold is {threshold:g}, but the diarizer {backend.fingerprint} has none that could be set: leave it "
            "out, tell the number of speakers with diarize.n_speakers, or take another back end."
        )
    return {"threshold": threshold}


def link(blocks: list[dict[str, np.ndarray]], threshold: float, most: int | None = None) -> list[dict[str, str]]:
    """Which voices of different blocks are one speaker.

    Greedy in block order: each block's voices are assigned to the known speakers at the smallest total cosine distance
    (Hungarian method; two voices of one block are never one speaker); a voice farther than `threshold` from all is new,
    unless there are `most` speakers already: then it is the nearest.

    Parameters
    ----------
    blocks : list of dict
        Per block, unit-norm voice embeddings by label.
    threshold : float
        Cosine distance.
    most : int or None
        How many speakers there can be; no block has more.

    Returns
    -------
    list of dict
        Per block, the film-wide name of each label.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    known: list[np.ndarray] = []
    named: list[dict[str, str]] = []
    for centroids in blocks:
        labels, names = list(centroids), {}
        if known and labels:
            new = np.stack([centroids[label] for label in labels])
            old = np.stack([k / np.linalg.norm(k) for k in known])
            distance = 1 - new @ old.T
            # How many may be new besides those for whom there is nobody left to be.
            room = len(labels) if most is None else most - max(len(known), len(labels))
            rows, columns = linear_sum_assignment(distance if room < len(labels) else np.minimum(distance, threshold))
            for row, column in sorted(zip(rows, columns, strict=True), key=lambda p: distance[p], reverse=True):
                if distance[row, column] >= threshold and room > 0:
                    room -= 1
                else:
                    names[labels[row]] = str(column)
                    known[column] = known[column] + new[row]
        for label in labels:
            if label not in names:
                names[label] = str(len(known))
                known.append(centroids[label])
        named.append(names)
    return named


def rttm(turns: Turns, name: str = "film") -> str:
    """The turns in NIST's RTTM format, one SPEAKER line each."""
    return "".join(
        f"SPEAKER {name} 1 {t.start:.3f} {t.end - t.start:.3f} <NA> <NA> {t.speaker} <NA> <NA>\n" for t in turns.turns
    )
