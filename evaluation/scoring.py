"""From the evidence on one dub to samples of every measure that it allows, and to a table of its lines.

What the truth replaced is not scored, and what is not known is left out. All units are those of the reference where there
is one, so that two systems can be compared unit by unit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dubkit.spacing import spaced
from evaluation.judging import dub_scores, stage_scores
from evaluation.judging.evidence import Evidence
from evaluation.measures import Measure, Sample
from evaluation.metrics import (
    asr,
    background,
    clicks,
    cost,
    cpwer,
    diarization,
    end_to_end,
    gender,
    intelligibility,
    language,
    loudness,
    meaning,
    quality,
    sync,
    timing,
    translation,
    voices,
    words,
)
from evaluation.texts.cutting import texts_like

MEASURES: tuple[Measure, ...] = tuple(
    measure
    for metric in (
        background, diarization, cpwer, asr, words, language, gender, translation, meaning, intelligibility, quality,
        voices, timing, loudness, clicks, sync, end_to_end, cost,
    )
    for measure in metric.MEASURES
)  # fmt: skip
"""Every measure that there is."""

TASKS: tuple[Callable[[Evidence], list[Sample]], ...] = (
    stage_scores.separation,
    stage_scores.turns,
    stage_scores.recognition,
    stage_scores.voice_gender,
    stage_scores.text,
    stage_scores.stage_cost,
    dub_scores.understood,
    dub_scores.whole,
    dub_scores.on_time,
    dub_scores.sounding,
    dub_scores.sound,
    dub_scores.in_sync,
)
"""What looks at the evidence, in the order of the pipeline."""


def samples_of(evidence: Evidence) -> list[Sample]:
    """All samples that the evidence gives."""
    return [sample for task in TASKS for sample in task(evidence)]


def lines_of(evidence: Evidence, root: Path) -> list[dict[str, Any]]:
    """The dub line by line, for tables and for listening.

    Parameters
    ----------
    evidence : Evidence
    root : Path
        The store's folder; paths of sounds are relative to it.

    Returns
    -------
    list of dict
        ``id``, ``unit``, ``speaker``, ``start``, ``end``, ``slot_start``, ``slot_end``, ``source_text`` (as transcribed),
        ``said`` (what was really said), ``text``, ``reference`` (a human translation), ``heard``, ``rate``, ``drift``,
        ``flag``, ``score`` (chrF++ of what was heard against the reference, else against the text), ``sound`` and
        ``source_sound``.
    """
    e = evidence
    if e.dubbedlines is None or e.reading is None or e.screening is None or not e.dubbedlines.lines:
        return []
    ids, said = stage_scores.spoken(e)
    wanted = stage_scores.references(e)
    heard_words = spaced(w.text for w in e.reading.words)
    by_unit = {
        "said": dict(zip(ids, said, strict=True)),
        "reference": dict(zip(ids, wanted, strict=True)) if wanted else {},
        "heard": dict(zip(ids, texts_like(wanted, heard_words, e.item.target), strict=True)) if wanted else {},
    }
    own = dub_scores.heard_lines(e)
    places = {p.id: p for p in e.soundtrack.placements} if e.soundtrack else {}
    rows = []
    for line in e.dubbedlines.lines:
        place = places.get(line.id)
        heard = spaced(e.reading.words[n].text for n in own[line.id])
        reference = by_unit["reference"].get(line.unit, "")
        compared = (reference, by_unit["heard"].get(line.unit, "")) if reference else (line.text, heard)
        nearness = end_to_end.score([compared[0]], [compared[1]], e.item.target)
        rows.append(
            {
                **{name: getattr(line, name) for name in type(line).model_fields},
                "said": by_unit["said"].get(line.unit, ""),
                "reference": reference,
                "heard": heard,
                "rate": place.rate if place else float("nan"),
                "drift": place.drift if place else line.start - line.slot_start,
                "flag": place.flag if place else "",
                "score": nearness.nearness.lines[0].chrf,
                "sound": str(e.screening.sound.path.relative_to(root)),
                "source_sound": str(e.tracks.full.path.relative_to(root)) if e.tracks else "",
            }
        )
    return rows
