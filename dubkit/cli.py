"""The command line: a light wrapper over the library.

Exit codes: 0 done; 2 bad input (file, language, setting, command); 3 no speech was found, the film was given back
with its own sound; 4 a model or program is missing; 5 a stage failed or the disk is full; 6 some films of a batch failed,
the others are done; 130 interrupted (the same command goes on).
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from dubkit.batch.command import batch
from dubkit.options import (
    INTERRUPTED,
    MISSING,
    NO_SPEECH,
    Film,
    Json,
    PlainErrors,
    Profile,
    RunName,
    Sets,
    Source,
    StoreFolder,
    Target,
    changes_of,
    print_table,
    tell,
)
from dubkit.service import commands

app = typer.Typer(
    name="dubkit", help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.command()
def dub(
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="The film, or s3://bucket/key.")],
    to: Annotated[str, typer.Option("--to", help="Language to dub into: a code (pt) or a name (Portuguese).")],
    source: Source = None,
    out: Annotated[
        str | None, typer.Option("--out", help="The dubbed MP4 (or s3://...); by default beside the film.")
    ] = None,
    profile: Profile = None,
    set_: Sets = None,
    store: StoreFolder = None,
    keep_original: Annotated[
        bool, typer.Option("--keep-original", help="Keep the original sound as 2nd track.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Dub a film."""
    from dubkit.output import check_target
    from dubkit.transfer import fetch, hand_over, is_remote, local_target

    changes = changes_of(set_) | ({"combine.keep_original": True} if keep_original else {})
    with tempfile.TemporaryDirectory(prefix="dubkit-") as folder:
        with PlainErrors(as_json):
            film = fetch(video, store)

        def work(run: Any) -> str:
            target = local_target(out, film, run.settings.translate.target, is_remote(video), Path(folder))
            check_target(target, film)
            run.until("combine")
            return hand_over(run.save(target), out)

        run, where = _watched(film, to, source, profile, changes, store, as_json, work)
    spoken = bool(run.translation.lines)
    facts = {
        "run": run.id,
        "out": where,
        "source": run.translation.source,
        "target": run.translation.target,
        "lines": len(run.translation.lines),
        "speakers": len(run.casting.roles),
        "picture": run.dub.picture,
        "spoken": spoken,
    }
    tell(facts, as_json, f"{where}\n{run.id}: dubkit show {run.id}")
    if not spoken:
        raise typer.Exit(NO_SPEECH)


@app.command()
def run(
    video: Film,
    until: Annotated[str, typer.Option("--until", help="The last stage to do.")],
    to: Target = None,
    source: Source = None,
    profile: Profile = None,
    set_: Sets = None,
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """Do the pipeline up to a stage, and print what that stage made."""
    run, stored = _watched(
        video, to, source, profile, changes_of(set_), store, as_json, lambda run: run.until(until).made(until)
    )
    result = {"run": run.id, "stage": until, "artefact": json.loads(stored.artefact.model_dump_json())}
    tell(result, as_json, json.dumps(result["artefact"], indent=1, ensure_ascii=False))


@app.command()
def show(
    name: RunName = "last",
    timing: Annotated[
        bool, typer.Option("--timing", help="Where each line lies, how it was made to fit, and why.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="With --timing: write that to a file, .csv or .json.")
    ] = None,
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """What a run did: its stages, times, what was reused, warnings; or the timing certificate of every line."""
    from dubkit.overview import overview

    if timing or out:
        _show_timing(name, out, store, as_json)
        return
    with PlainErrors(as_json):
        facts = overview(name, store)
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    console = Console()
    console.print(f"{facts['run']}: {facts['video']}", markup=False, highlight=False)
    columns = ("stage", "state", "seconds", "in models", "peak MB", "makes")
    print_table(console, columns, [[row[c] for c in columns] for row in facts["stages"]])
    for row in facts["stages"]:
        for text in row["warnings"]:
            console.print(f"! {row['stage']}: {text}", markup=False, highlight=False)
    for stage, rows in facts["edits"].items():
        console.print(f"corrected by hand: {stage}: {', '.join(rows)}", markup=False, highlight=False)


def _show_timing(name: str, out: Path | None, store: Path | None, as_json: bool) -> None:
    from dubkit import certificate
    from dubkit.overview import timing

    with PlainErrors(as_json):
        lines = timing(name, store)
        if out:
            certificate.export(lines, out)
    told = certificate.summary(lines)
    if as_json:
        print(certificate.as_json(lines))
    elif out:
        print(out)
    else:
        console = Console()
        columns = ("id", "speaker", "start", "end", "drift", "rate", "flag", "reason")
        print_table(console, columns, [[getattr(line, column) for column in columns] for line in lines])
        console.print(", ".join(f"{k.replace('_', ' ')} {v}" for k, v in told.items()), markup=False, highlight=False)


@app.command()
def edit(
    name: RunName,
    stage: Annotated[str, typer.Argument(help="The stage whose result is corrected, e.g. translate.")],
    row: Annotated[str, typer.Argument(help="The row, e.g. u0003.")],
    value: Annotated[str | None, typer.Argument(help="Its new text; leave out to drop the row.")] = None,
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """Correct a line by hand; then give the dub command again."""
    from dubkit.overview import reopened

    with PlainErrors(as_json):
        reopened(name, store).edit(stage, {row: value})
    tell({"edited": row}, as_json, f"{stage} {row} corrected. Give the dub command again to hear it.")


@app.command()
def models(
    profile: Profile = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", help="A language to dub into, where that matters; may be repeated.")
    ] = None,
    source: Source = None,
    set_: Sets = None,
    fetch: Annotated[bool, typer.Option(help="Bring what is missing.")] = False,
    as_json: Json = False,
) -> None:
    """Every model that a run would need: is it here, how large, under which licence."""
    from dubkit.languages import parse
    from dubkit.overview import model_table
    from dubkit.settings import profile as profile_settings

    with PlainErrors(as_json):
        settings, why = profile_settings(profile)
        changes = changes_of(set_) | ({"transcribe.language": parse(source)} if source else {})
        cards, failures = model_table(settings.but(changes), fetch, [parse(t) for t in to or []] or [None])
    missing = [c for c in cards if not c["present"] and not c["optional"]]
    if as_json:
        print(json.dumps({"profile": why, "models": cards, "failures": failures}))
    else:
        console = Console()
        console.print(why, markup=False)
        shown = [{**c, "licence": f"{c['licence']}, {c['note']}" if c["note"] else c["licence"]} for c in cards]
        columns = ("model", "task", "megabytes", "licence", "state")
        print_table(console, columns, [[c[k] for k in columns] for c in shown])
        for text in failures:
            console.print(f"! {text}", markup=False, highlight=False, soft_wrap=True)
        if missing and not fetch:
            console.print(f"{len(missing)} missing: the same command with --fetch brings them.", markup=False)
    if missing:
        raise typer.Exit(MISSING)


@app.command()
def languages(profile: Profile = None, to: Target = None, source: Source = None, as_json: Json = False) -> None:
    """Which languages can be dubbed into which, and how well; all of them, or those from or to one language."""
    from dubkit.overview import language_table

    with PlainErrors(as_json):
        rows = language_table(profile, source, to)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    columns = ("from", "to", "translation", "route", "voices")
    print_table(Console(), columns, [[r[c] for c in columns] for r in rows])


@app.command("serve-backend")
def serve_backend(
    task: Annotated[str, typer.Argument(help="The task, e.g. translator.")],
    spec: Annotated[str, typer.Argument(help="The back end, e.g. nllb; elsewhere it is remote:http://HOST:PORT.")],
    host: Annotated[
        str, typer.Option(help="Where to listen; others than this machine need DUBKIT_REMOTE_TOKEN.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8001,
    set_: Sets = None,
) -> None:
    """Let a stage's model on this machine be used from others; of the settings, it takes compute.*."""
    with PlainErrors(False):
        from dubkit.service.backends.server import compute_of, serve

        serve(task, spec, host, port, compute_of(changes_of(set_)))


for command in (batch, commands.serve, commands.submit, commands.status, commands.fetch, commands.cancel):
    app.command()(command)
app.add_typer(commands.keys, name="keys")


def main() -> None:
    """Entry point of the command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _watched(
    video: Path,
    to: str | None,
    source: str | None,
    profile: str | None,
    changes: dict[str, Any],
    store: Path | None,
    as_json: bool,
    work: Callable[[Any], Any],
) -> tuple[Any, Any]:
    """Open a run and do some work on it while its progress is shown; errors become messages and exit codes."""
    from dataclasses import asdict

    from dubkit.display import watcher
    from dubkit.progress import Event
    from dubkit.run import PIPELINE, Run

    with PlainErrors(as_json):
        run = Run.open(video, to, source, profile=profile, set=changes, store=store)
        if as_json:
            run.observers = (lambda event: print(json.dumps(asdict(event)), file=sys.stderr, flush=True),)
            return run, work(run)
        print(run.why, file=sys.stderr)
        with watcher(tuple(s.name for s in PIPELINE), sys.stderr) as board:

            def observe(event: Event) -> None:
                board(event)

            run.observers = (observe,)
            return run, work(run)
