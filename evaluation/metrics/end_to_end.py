"""End to end: does a viewer of the dub hear what was said, in their language?

ASR-BLEU and ASR-chrF++ (Jia et al. 2019 for BLEU; Barrault et al. 2023): a recogniser reads the finished dub, and what it
read is held against a human translation of what was really said. All that goes wrong on the way is in it: words not
heard, speakers run together, poor translation, unclear speech, lines cut. Both sides are normalised before
(:mod:`evaluation.texts.normalisation`), since a recogniser's case and punctuation are its own; so the figures are not those of
:mod:`evaluation.metrics.translation`, which judges written text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.measures import Measure, Sample
from evaluation.metrics import translation
from evaluation.texts.normalisation import normalised

BLEU = Measure("end_to_end.asr_bleu", "points", "higher", "bleu", "BLEU of what is heard in the dub")
CHRF = Measure("end_to_end.asr_chrf", "points", "higher", "chrf", "chrF++ of what is heard in the dub")
MEASURES = (BLEU, CHRF)
_NAMES = {"translation.bleu": BLEU.name, "translation.chrf": CHRF.name}


@dataclass(frozen=True)
class EndToEnd:
    """Each line as it was heard; ``nearness`` has the counts, scores and signatures."""

    nearness: translation.Nearness

    def samples(self) -> list[Sample]:
        """sacrebleu's counts of each line."""
        own = [s for s in self.nearness.samples() if s.measure in _NAMES]
        return [replace(s, measure=_NAMES[s.measure]) for s in own]


def validate(references: Sequence[str], heard: Sequence[str], ids: Sequence[str] | None = None) -> None:
    """Refuse what cannot be compared; see :func:`evaluation.metrics.translation.validate`."""
    translation.validate(references, heard, ids=ids)


def score(
    references: Sequence[str], heard: Sequence[str], language: str = "", ids: Sequence[str] | None = None
) -> EndToEnd:
    """Hold what was heard against reference translations, line by line.

    Parameters
    ----------
    references, heard : sequence of str
        One text a line, as they are written.
    language : str
        BCP-47 code of the dub.
    ids : sequence of str, optional
        The lines' ids.

    Raises
    ------
    BadInput
        See :func:`evaluation.metrics.translation.score`.
    """
    validate(references, heard, ids)
    wanted, read = ([normalised(text, language) for text in side] for side in (references, heard))
    return EndToEnd(translation.score(wanted, read, language, ids=ids))
