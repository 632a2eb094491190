"""The evaluation's command line: run suites, score files, compare, report, guard.

Exit codes are dubkit's (2 bad input, 4 something is missing); 1 where an item failed or a score has fallen.
"""

from __future__ import annotations

import math
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from dubkit.errors import BadInput
from dubkit.options import INTERRUPTED, PlainErrors, Profile, Sets, changes_of
from dubkit.store import digest

if TYPE_CHECKING:
    from evaluation.results import ResultSet
    from evaluation.suites import Suite
    from evaluation.system import System

app = typer.Typer(
    name="evaluation", help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
OUT = Path("out/evaluation")
FAILED, LONGEST = 1, 60
NUMBERS = ("value", "A", "B", "B - A", "q", "units", "items", "95 %")

StoreFolder = Annotated[Path, typer.Option("--store", help="Where results of stages and judges are kept.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Where results go, in SUITE/SYSTEM.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes; 0: as many as this machine has room for.")]
Results = Annotated[list[Path], typer.Argument(metavar="RESULT...", help="Folders that `run` wrote.")]


@app.command()
def suites() -> None:
    """What there is to evaluate on."""
    from evaluation.suites import suite, suites

    with PlainErrors(False):
        for one in map(suite, suites()):
            films = ", ".join(item.id for item in one.items) or "see its [corpus]"
            facts = {"films": films, "licence": one.licence, "build": one.build}
            Console().print(f"{one.id}: {one.what.strip()}", markup=False, highlight=False)
            Console().print("\n".join(f"  {k}: {v}" for k, v in facts.items()) + "\n", markup=False, highlight=False)


@app.command()
def measures() -> None:
    """What is measured."""
    from evaluation.scoring import MEASURES

    _print(("measure", "unit", "better", "what"), [[m.name, m.unit, m.better, m.what] for m in MEASURES])


@app.command()
def run(
    suite_name: Annotated[
        str, typer.Argument(metavar="SUITE", help="A suite, a TOML file, or audiofolder:PATH with --from and --to.")
    ],
    profile: Profile = "embedded",
    set_: Sets = None,
    given: Annotated[
        list[str] | None, typer.Option("--given", metavar="STAGE", help="Let the truth replace a stage.")
    ] = None,
    oracles: Annotated[
        bool,
        typer.Option("--oracles", help="Once more for each stage that the truth can replace, and for all of them."),
    ] = False,
    name: Annotated[str, typer.Option(help="What to call the system.")] = "",
    source: Annotated[str | None, typer.Option("--from", help="Language spoken, for audiofolder.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="Language to dub into, for audiofolder.")] = None,
    workers: Workers = 0,
    store: StoreFolder = OUT / "store",
    out: OutFolder = OUT,
) -> None:
    """Run a suite and score it; the same command goes on where it was stopped."""
    from evaluation.system import System

    with PlainErrors(False):
        suite = _suite(suite_name, source, target)
        base = System(profile, changes_of(set_), tuple(given or ()), name)
        failed = False
        for system in [base, *(base.oracles(suite) if oracles else [])]:
            result = _watched(suite, system, store, workers)
            print(result.save(out / suite.id / slug(system.label)))
            _print_scores(result)
            failed = failed or any(item["error"] for item in result.provenance["items"])
    if failed:
        raise typer.Exit(FAILED)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Results of the first system.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Results of the second, on the same suite.")],
) -> None:
    """How B differs from A, paired unit by unit; q is p corrected for the number of measures."""
    from evaluation import comparison
    from evaluation.results import ResultSet
    from evaluation.scoring import MEASURES

    with PlainErrors(False):
        first, second = ResultSet.open(a), ResultSet.open(b)
        table = comparison.compare(first, second, MEASURES)
    print(f"{first.suite}: A is {first.system}, B is {second.system}")
    rows = [
        [r.measure, _number(r.a), _number(r.b), f"{r.change:+.3f}", _interval(r.low, r.high), _number(r.q), r.verdict]
        for r in table.itertuples()
    ]
    _print(("measure", "A", "B", "B - A", "95 %", "q", ""), rows)


@app.command()
def guard(
    update: Annotated[bool, typer.Option("--update", help="Make the baseline anew from this run.")] = False,
    baseline: Annotated[Path | None, typer.Option(help="A baseline; by default the committed one.")] = None,
    suite_name: Annotated[str, typer.Option("--suite", help="What to run.")] = "guard",
    profile: Profile = "embedded",
    set_: Sets = None,
    workers: Workers = 0,
    store: StoreFolder = OUT / "store",
    out: OutFolder = OUT,
) -> None:
    """Run the small suite, and fail where a score has fallen by more than the baseline's interval."""
    from evaluation import guard
    from evaluation.scoring import MEASURES
    from evaluation.system import System

    with PlainErrors(False):
        suite = _suite(suite_name, None, None)
        path = baseline or guard.BASELINES / f"{suite.id}.json"
        kept = [] if update else guard.read(path)
        system = System(profile, changes_of(set_))
        result = _watched(suite, system, store, workers)
        result.save(out / suite.id / slug(system.label))
        if update:
            guard.write(guard.baseline_of(result, MEASURES), result, path)
            print(path)
            return
    if problems := guard.problems(kept, result):
        print(f"{len(problems)} of {len(kept)} scores have fallen:", *problems, sep="\n- ")
        raise typer.Exit(FAILED)
    print(f"All {len(kept)} scores hold.")


@app.command()
def report(
    results: Results,
    baseline: Annotated[Path | None, typer.Option(help="Results to hold the first ones against.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = OUT / "report.html",
    store: StoreFolder = OUT / "store",
) -> None:
    """One HTML page that needs nothing else: tables, figures, and the worst lines to listen to."""
    from evaluation.report.page import write

    with PlainErrors(False):
        print(write(results, out, baseline=baseline, store=store))


@app.command()
def publish(results: Results) -> None:
    """Put the tables of results into README.md and docs/evaluation.md."""
    from evaluation.report.publish import publish
    from evaluation.results import ResultSet

    with PlainErrors(False):
        for path in publish([ResultSet.open(folder) for folder in results]):
            print(path)


@app.command()
def damage(
    sample: Annotated[str, typer.Option(help="A suite's item with stems: SAMPLE>TARGET.")] = "dialogue-pt>en",
    into_docs: Annotated[bool, typer.Option("--publish", help="Put the table into docs/evaluation.md.")] = False,
) -> None:
    """What known damage to a perfect dub does to every measure."""
    from evaluation.damage import effects, faults, perfect
    from evaluation.report import publish

    with PlainErrors(False), tempfile.TemporaryDirectory() as folder:
        dialogues = _suite("dialogues", None, None)
        chosen = tuple(i for i in dialogues.items if i.id == sample)
        if not chosen:
            raise BadInput(
                f"There is no {sample!r} in dialogues: give one of {', '.join(i.id for i in dialogues.items)}."
            )
        best = perfect.perfect(dialogues.but(items=chosen).load()[0], Path(folder))
        table = publish.damages(effects.effects(best, faults.DAMAGES, Path(folder)))
        if into_docs:
            publish.put(publish.DOCS, {"damage": table})
    print(table)


@app.command()
def score(
    reference: Annotated[Path, typer.Argument(help="What is right: .rttm, .txt, .srt or .vtt.")],
    hypothesis: Annotated[Path, typer.Argument(help="What is to be scored, of the same kind.")],
    language: Annotated[str, typer.Option(help="Language of the texts: numbers are spelt out by it.")] = "",
    translation: Annotated[
        bool, typer.Option("--translation", help="The texts are translations: BLEU and chrF, not errors.")
    ] = False,
) -> None:
    """Score a file against a reference: turns, texts (a line each), or subtitles."""
    from evaluation.files import pair_scores

    with PlainErrors(False):
        result = pair_scores(reference, hypothesis, language=language, translation=translation)
    _print_scores(result)


@app.command()
def dub(
    source: Annotated[Path, typer.Argument(help="The film as it was.")],
    dubbed: Annotated[Path, typer.Argument(help="The film as it was dubbed, by whatever program.")],
    to: Annotated[str, typer.Option("--to", help="Language of the dub.")],
    truth: Annotated[Path | None, typer.Option(help="truth.json of the source, as the samples have it.")] = None,
    subtitles: Annotated[
        Path | None, typer.Option(help="Subtitles of the dub (SRT or WebVTT): what is to be said, and when.")
    ] = None,
    judge: Annotated[str, typer.Option(help="The recogniser that reads it.")] = "faster-whisper:packaged-base",
    store: StoreFolder = OUT / "store",
) -> None:
    """Score a finished dub of any maker: what is heard in it, timing, voices, sound."""
    from dubkit.languages import parse
    from evaluation.files import dub_scores

    with PlainErrors(False):
        result = dub_scores(source, dubbed, parse(to), truth=truth, cues=subtitles, store=store, judge=judge)
    _print_scores(result)


def main() -> None:
    """Entry point of the command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def slug(label: str) -> str:
    """A system's name as the name of a folder; long ones are cut and get a digest."""
    plain = re.sub(r"[^A-Za-z0-9.=_+-]+", "_", label).strip("._")
    if plain and plain == label and len(plain) <= LONGEST:
        return plain
    return f"{plain[:LONGEST]}-{digest(label)[:6]}"


def _suite(name: str, source: str | None, target: str | None) -> Suite:
    """A suite by name, by file, or made of a folder of sounds."""
    from evaluation import suites

    kind, colon, path = name.partition(":")
    if colon and kind == "audiofolder":
        if not source or not target:
            raise BadInput("A folder of sounds needs its language and one to dub into: give --from and --to.")
        return suites.audiofolder(Path(path), source, target)
    return suites.suite(name)


def _watched(suite: Suite, system: System, store: Path, workers: int) -> ResultSet:
    from evaluation.harness import run
    from evaluation.watching import Watcher

    print(f"{suite.id}: {system.label}", file=sys.stderr)
    with Watcher(sys.stderr) as watcher:
        return run(suite, system, store, workers=workers, watch=watcher)


def _print_scores(result: ResultSet) -> None:
    from evaluation.results import POOLED

    table = result.scores[result.scores["item"] == POOLED]
    _print(
        ("measure", "value", "95 %", "units", "unit", "better"),
        [
            [r.measure, _number(r.value), _interval(r.low, r.high), str(r.n_units), r.unit, r.better]
            for r in table.itertuples()
        ],
    )


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _interval(low: float, high: float) -> str:
    return "–" if math.isnan(low) else f"{low:.3f} .. {high:.3f}"


def _print(columns: tuple[str, ...], rows: list[list[str]]) -> None:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table, markup=False, highlight=False)
