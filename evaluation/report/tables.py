"""The tables of the report and of the README, out of result sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dubkit.run import PIPELINE
from evaluation.comparison import compare
from evaluation.formatting import ARROWS, interval, number
from evaluation.measures import Measure
from evaluation.results import POOLED, ResultSet

if TYPE_CHECKING:
    import pandas as pd

HEADLINE: Mapping[str, str] = {
    "asr.wer": "transcript WER",
    "diarization.der": "DER",
    "cpwer.cpwer": "cpWER",
    "translation.chrf": "chrF++ of the text",
    "end_to_end.asr_chrf": "chrF++ of the dub as heard",
    "end_to_end.asr_bleu": "BLEU of the dub as heard",
    "intelligibility.wer": "WER of the dub",
    "timing.overlap": "speech overlap",
    "timing.onset": "onset error (s)",
    "timing.rate_p95": "rate, 95th percentile",
    "quality.overall": "DNSMOS",
}
"""The measures that a reader wants first, and what they are called."""

STAGES: Mapping[str, tuple[str, ...]] = {
    "Separation": ("background.si_sdr", "background.speech_si_sdr"),
    "Diarization": ("diarization.", "cpwer."),
    "Transcription": ("asr.", "words.", "language."),
    "Voice gender": ("gender.accuracy", "gender.abstained"),
    "Translation": ("translation.", "meaning."),
    "Speech": ("intelligibility.", "quality.", "voices.", "gender.dub"),
    "Timing": ("timing.",),
    "Sound of the film": ("loudness.", "clicks.", "background.level", "background.kept", "sync."),
    "End to end": ("end_to_end.",),
    "Cost": ("cost.",),
}
"""Measures by what they judge; a name that ends in a dot stands for all that begin so."""


def headline(results: Sequence[ResultSet]) -> pd.DataFrame:
    """A row per suite and system, a column per headline measure; nan where it was not measured."""
    import pandas as pd

    rows = [
        {"suite": r.suite, "system": r.system} | {title: r.value(name) for name, title in HEADLINE.items()}
        for r in results
    ]
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def stage_scores(results: Sequence[ResultSet], title: str) -> pd.DataFrame:
    """All measures of a stage with intervals: a row per measure, a column per suite and system.

    Raises
    ------
    KeyError
        If there is no such title in :data:`STAGES`.
    """
    import pandas as pd

    wanted = STAGES[title]
    columns = {}
    for result in results:
        pooled = result.scores[result.scores["item"] == POOLED]
        chosen = pooled[[any(n.startswith(w) for w in wanted) for n in pooled["measure"]]]
        columns[f"{result.suite}: {result.system}"] = {
            f"{row.measure} ({row.unit})": interval(row.value, row.low, row.high) for row in chosen.itertuples()
        }
    return pd.DataFrame(columns).fillna("–")


def ablation(base: ResultSet, others: Sequence[ResultSet], measure: Measure) -> pd.DataFrame:
    """What a measure gains when the truth replaces a stage: paired differences of other systems to `base`.

    Returns
    -------
    pandas.DataFrame
        ``replaced`` (the stage), ``a`` (as it is), ``b`` (with the truth), ``change``, ``low``, ``high``, ``q``; largest gain
        first.
    """
    import pandas as pd

    rows = []
    for other in others:
        table = compare(base, other, [measure])
        if len(table):
            rows.append({"replaced": other.system.rpartition("true:")[2], **table.iloc[0].to_dict()})
    columns = ["replaced", "a", "b", "change", "low", "high", "q"]
    found = pd.DataFrame(rows, columns=[*columns, "measure"])[columns]
    return found.sort_values("change", ascending=measure.better == "lower", ignore_index=True)


def ablations(base: ResultSet, others: Sequence[ResultSet], measures: Sequence[Measure]) -> pd.DataFrame:
    """:func:`ablation` for several measures: a row per replaced stage, a column per measure with changes and intervals.

    The first row is the system as it is.
    """
    import pandas as pd

    columns: dict[str, dict[str, str]] = {}
    for measure in measures:
        head = f"{measure.name} ({measure.better})"
        columns[head] = {"nothing": number(base.value(measure.name))}
        for row in ablation(base, others, measure).itertuples():
            columns[head][str(row.replaced)] = f"{row.change:+.3f} [{row.low:+.3f}, {row.high:+.3f}]"
    order = [
        "nothing",
        *(s for s in (*(stage.name for stage in PIPELINE), "all") if any(s in told for told in columns.values())),
    ]
    table = pd.DataFrame(columns).reindex(order).fillna("–")
    return table.rename_axis("replaced").reset_index()


def failures(results: Sequence[ResultSet]) -> pd.DataFrame:
    """The items that did not come through, and why."""
    import pandas as pd

    rows = [
        {"suite": r.suite, "system": r.system, "item": item["id"], "reason": item["error"]}
        for r in results
        for item in r.provenance["items"]
        if item["error"]
    ]
    return pd.DataFrame(rows, columns=["suite", "system", "item", "reason"])


def origins(results: Sequence[ResultSet]) -> pd.DataFrame:
    """Where each result comes from."""
    import pandas as pd

    rows = []
    for r in results:
        facts, machine = r.provenance, r.provenance["machine"]
        rows.append(
            {
                "suite": r.suite,
                "system": r.system,
                "models": "; ".join(f"{task}: {name}" for task, name in facts["models"].items()),
                "judge": facts["judge"],
                "commit": facts["commit"],
                "machine": f"{machine['processor']}, {machine['cores']} cores, {machine['gpu'] or 'no GPU'}",
                "began": facts["began"],
                "seed": facts["seed"],
                "command": " ".join(facts["command"]),
            }
        )
    return pd.DataFrame(rows)


def explained(table: pd.DataFrame, measures: Sequence[Measure]) -> pd.DataFrame:
    """:func:`stage_scores` with a last column that tells what each measure is, and by an arrow which way is better."""
    known = {f"{m.name} ({m.unit})": f"{ARROWS[m.better]} {m.what}".strip() for m in measures}
    return table.assign(**{"what it is": [known.get(label, "") for label in table.index]})


def shared(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is the same in all rows of a table, as a column, and the table without that."""
    same = [c for c in table.columns if table[c].nunique(dropna=False) == 1]
    return table[same].head(1).T.set_axis(["for all"] * min(1, len(table)), axis="columns"), table.drop(columns=same)
