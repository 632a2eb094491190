"""Intelligibility: can the dub be understood? What a recogniser hears in it against what was to be said.

Word and character error rates as in :mod:`evaluation.metrics.asr` ("round trip"; for synthetic speech so Seed-TTS, Anastassiou
et al. 2024, and others before). The recogniser hears the whole mix, music included, and makes mistakes of its own: set the
figure beside its error rate on recorded speech, and compare systems by one recogniser only. A dub that says the wrong
thing clearly scores well here; see :mod:`evaluation.metrics.end_to_end`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.measures import Measure, Sample
from evaluation.metrics import asr

WER = Measure("intelligibility.wer", "ratio", "lower", "ratio", "words heard wrong in the dub, per word to be said")
CER = Measure("intelligibility.cer", "ratio", "lower", "ratio", "characters heard wrong in the dub, per character")
MEASURES = (WER, CER)
_NAMES = {asr.WER.name: WER.name, asr.CER.name: CER.name}


@dataclass(frozen=True)
class Intelligibility:
    """What was heard of each line; ``recognition`` has the counts and the rates."""

    recognition: asr.Recognition

    def samples(self) -> list[Sample]:
        """Errors and words (characters) of each line."""
        return [replace(s, measure=_NAMES[s.measure]) for s in self.recognition.samples()]


def validate(said: Sequence[str], heard: Sequence[str], ids: Sequence[str] | None = None) -> None:
    """Refuse what cannot be compared; see :func:`evaluation.metrics.asr.validate`."""
    asr.validate(said, heard, ids)


def score(
    said: Sequence[str], heard: Sequence[str], language: str = "", ids: Sequence[str] | None = None
) -> Intelligibility:
    """Hold what was heard of each line against its text.

    Parameters
    ----------
    said, heard : sequence of str
        One text a line.
    language : str
        BCP-47 code of the dub.
    ids : sequence of str, optional
        The lines' ids.

    Raises
    ------
    BadInput
        See :func:`evaluation.metrics.asr.score`.
    """
    return Intelligibility(asr.score(said, heard, language, ids))
