"""Who is known to speak when in a run's film, and how its diarization does by that: for notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dubkit import rttm
from dubkit.artefacts import Turn, Turns
from evaluation.metrics import diarization
from evaluation.metrics.diarization import Diarization
from evaluation.times import slots

if TYPE_CHECKING:
    import pandas as pd

    from dubkit.run import Run

TRUTH = "truth.json"


def known_turns(run: Run, reference: str | Path = "") -> Turns | None:
    """Who really speaks when, as suites take it; None where nobody knows.

    Parameters
    ----------
    run : Run
        Its sound tells where the speakers of a sample pause.
    reference : path, optional
        An RTTM file, or the folder of a sample, with its ``truth.json``. By default the film's own folder is looked into.

    Raises
    ------
    BadInput
        If the reference cannot be read.
    """
    path = Path(reference) if reference else run.video.file.path.parent
    if not reference and not (path / TRUTH).is_file():
        return None
    if reference and not path.is_dir():
        return rttm.read(path)
    from evaluation.files import read_truth
    from evaluation.suites import checkout

    checkout("truth")
    truth = read_truth(path / TRUTH)
    real = slots.turns(truth, slots.pieces(truth, run.tracks.full))
    return Turns(
        turns=tuple(Turn(id=f"t{n:04}", speaker=who, start=a, end=b) for n, (a, b, who) in enumerate(sorted(real), 1))
    )


def held_against(known: Turns, run: Run) -> Diarization:
    """The run's turns by those that are known.

    Raises
    ------
    BadInput
        See :func:`evaluation.metrics.diarization.validate`.
    """
    return diarization.score(_timed(known), _timed(run.turns), run.media.duration)


def _timed(turns: Turns) -> list[diarization.Turn]:
    """Turns as they are scored."""
    return [(t.start, t.end, t.speaker) for t in turns.turns]


def error_table(score: Diarization) -> pd.DataFrame:
    """The diarization error rate and what it is made of.

    Returns
    -------
    pandas.DataFrame
        Rows ``missed``, ``false alarm``, ``confusion``, and their sum ``DER``; columns ``seconds``, of all speakers together,
        and ``rate``, over the speech of the reference.
    """
    import pandas as pd

    rates = {"missed": score.missed, "false alarm": score.false_alarm, "confusion": score.confusion, "DER": score.der}
    table = pd.DataFrame({"rate": rates})
    table.insert(0, "seconds", table["rate"] * score.total)
    return table
