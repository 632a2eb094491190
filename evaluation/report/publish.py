"""Puts measured tables into the README and the docs, between marks, so that every published number comes out of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import BadInput
from evaluation.formatting import INTERVAL, is_named, number
from evaluation.report import tables
from evaluation.results import ResultSet
from evaluation.scoring import MEASURES

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.damage.effects import Moved

HOME = Path(__file__).resolve().parents[2]
README, DOCS = HOME / "README.md", HOME / "docs" / "evaluation.md"
ABLATED = ("end_to_end.asr_chrf", "intelligibility.wer", "timing.overlap", "timing.adherence", "voices.own_nearest")
"""What a viewer notices: the measures for which it is told what each stage costs."""


def publish(results: Sequence[ResultSet]) -> list[Path]:
    """Write the headline into the README, and all scores and what each stage costs into the docs.

    Raises
    ------
    BadInput
        If a file has no marks for a table, or there is nothing but results with the truth in place of a stage.
    """
    plain = [r for r in results if not _oracle(r)]
    if not plain:
        raise BadInput("Give at least one result without the truth in place of a stage: that is what is published.")
    head = tables.headline(plain)
    put(README, {"headline": f"{markdown(head)}\n\n{_origin(plain)}"})
    put(
        DOCS,
        {
            "scores": "\n\n".join(f"### {t}\n\n{markdown(s)}" for t in tables.STAGES if len(s := _scores(plain, t))),
            "costs": "\n\n".join(_costs(base, results) for base in plain if _oracles_of(base, results)),
            "measures": markdown(_measures()),
            "origin": _origin(plain),
        },
    )
    return [README, DOCS]


def damages(found: Mapping[str, Sequence[Moved]]) -> str:
    """What known faults move, as a table in Markdown."""
    rows = [
        (
            name,
            ", ".join(f"`{m.measure}` {number(m.before)} → {number(m.after)}" for m in moved) or "nothing",
        )
        for name, moved in found.items()
    ]
    return "\n".join(["| damage | what moves |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])


def put(path: Path, texts: Mapping[str, str]) -> None:
    """Replace what stands between ``<!-- NAME: made by ... -->`` and ``<!-- NAME end -->`` in a file.

    Raises
    ------
    BadInput
        If the file has no such marks.
    """
    content = path.read_text(encoding="utf-8")
    for name, text in texts.items():
        pattern = re.compile(rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- {name} end -->)", re.DOTALL)
        if not (found := pattern.search(content)):
            raise BadInput(
                f"{path.name} has no place for the table {name!r}: <!-- {name}: ... --> and <!-- {name} end -->."
            )
        content = f"{content[: found.end(1)]}\n{text}\n\n{content[found.start(2) :]}"
    path.write_text(content, encoding="utf-8")


def markdown(table: pd.DataFrame) -> str:
    """A table in Markdown; numbers to the right."""
    named = is_named(table)
    heads = [*([""] if named else []), *map(_cell, table.columns)]
    rows = [
        [*([str(label)] if named else []), *map(_cell, row)]
        for label, row in zip(table.index, table.itertuples(index=False), strict=True)
    ]
    numeric = [bool(rows) and all(INTERVAL.fullmatch(row[k]) for row in rows) for k in range(len(heads))]
    rule = ["---:" if is_number else "---" for is_number in numeric]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, rule, *rows])


def _cell(value: object) -> str:
    text = number(value) if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def _scores(results: Sequence[ResultSet], title: str) -> pd.DataFrame:
    return tables.stage_scores(results, title)


def _costs(base: ResultSet, results: Sequence[ResultSet]) -> str:
    judged = [m for m in MEASURES if m.name in ABLATED]
    return f"### {base.suite}\n\n{markdown(tables.ablations(base, _oracles_of(base, results), judged))}"


def _oracle(result: ResultSet) -> bool:
    return " true:" in result.system


def _oracles_of(base: ResultSet, results: Sequence[ResultSet]) -> list[ResultSet]:
    return [r for r in results if r.suite == base.suite and r.system.startswith(f"{base.system} true:")]


def _measures() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([{"measure": m.name, "unit": m.unit, "better": m.better, "what": m.what} for m in MEASURES])


def _origin(results: Sequence[ResultSet]) -> str:
    """On what, when and from which code the numbers were measured."""
    facts = results[0].provenance
    machine = facts["machine"]
    return (
        f"Measured by `make eval` on {facts['began'][:10]} at commit {facts['commit']}: {machine['processor']}, "
        f"{machine['cores']} cores, {machine['gpu'] or 'no GPU'}; read back by {facts['judge']}; "
        f"95 % intervals by {facts['resamples']} bootstrap resamples, seed {facts['seed']}."
    )
