"""``dubkit batch``: many films, each by a notebook."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dubkit.errors import listed
from dubkit.options import ROWS_FAILED, Json, PlainErrors, Profile, Sets, Source, StoreFolder, changes_of, tell

if TYPE_CHECKING:
    from dubkit.batch.ledger import Entry
    from dubkit.batch.rows import Row
    from dubkit.batch.run import Start
    from dubkit.settings import Settings

LOCAL = ("local", "dask")
"""The engines whose workers share this machine."""
INTERRUPTED = "Interrupted. What is done is kept: the same command with --resume goes on."


def batch(
    manifest: Annotated[
        str, typer.Argument(help="CSV, JSON lines or Parquet with a column video, or a folder of films; or s3://...")
    ],
    out: Annotated[str, typer.Option("--out", help="Folder for a folder per row, or s3://bucket/prefix.")],
    to: Annotated[str | None, typer.Option("--to", help="Language to dub into, where a row has no target.")] = None,
    source: Source = None,
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Films at once; by default what this machine has room for.")
    ] = 0,
    engine: Annotated[
        str, typer.Option("--engine", help="local, dask, dask:ADDRESS, dramatiq or dramatiq:REDIS-URL.")
    ] = "local",
    notebook: Annotated[
        Path | None, typer.Option("--notebook", help="The notebook that does a row, instead of the shipped dub.ipynb.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the batch in --out: what failed, is missing or has changed.")
    ] = False,
    records: Annotated[
        str | None,
        typer.Option("--records", help="Where the ledger is: a file, or postgresql://...; by default in --out."),
    ] = None,
    retries: Annotated[int, typer.Option("--retries", min=0, help="How often a row is tried again.")] = 2,
    profile: Profile = None,
    set_: Sets = None,
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """Dub many films, each by a notebook; one that fails keeps no other from being done."""
    from dubkit.batch import manifest as manifests
    from dubkit.batch import notebook as notebooks
    from dubkit.batch.engines import engine as engine_of
    from dubkit.batch.ledger import Ledger
    from dubkit.batch.progress import watcher
    from dubkit.batch.rows import Defaults, rows
    from dubkit.batch.run import enrol, run
    from dubkit.batch.work import LEASE, Task
    from dubkit.settings import profile as profile_settings
    from dubkit.workers import room, shared_threads

    changes = changes_of(set_)
    with PlainErrors(as_json, INTERRUPTED):
        path = notebook or notebooks.shipped("dub.ipynb")
        names = notebooks.parameters(path)
        found = rows(manifests.read(manifest, store), names, Defaults(to, source, profile, changes))
        out, address, name = _places(out, records, store)
        ledger = Ledger(address)
        start = enrol(ledger, name, found, resume=resume, most=retries + 1)
        _greet(found, start, as_json)
        if start.done < len(found):
            settings: Settings = profile_settings(profile)[0].but(changes)
            workers = min(workers or room(settings), len(found) - start.done)
            # Workers elsewhere have cores of their own.
            here = engine in LOCAL
            threads = shared_threads(settings, workers).get("compute.threads", 0) if here else 0
            kept = str(store.absolute()) if store else ""
            task = Task(address, name, "", LEASE, retries, str(path.absolute()), out, threads, kept)
            with watcher(sys.stderr, len(found), as_json=as_json) as watch:
                entries = run(ledger, task, [row.id for row in found], engine_of(engine, workers), watch)
        else:
            wanted = {row.id for row in found}
            entries = [entry for entry in ledger.entries(name) if entry.id in wanted]
        _hand_over(entries, out)
    _say(entries, out, as_json)


def _places(out: str, records: str | None, store: Path | None) -> tuple[str, str, str]:
    """Where results go, where the ledger is, and the batch's name in it."""
    from dubkit.batch.ledger_database import parsed
    from dubkit.store import default_root, digest, told
    from dubkit.transfer import is_remote

    if not is_remote(out):
        out = str(Path(out).absolute())
        with told(Path(out)):
            Path(out).mkdir(parents=True, exist_ok=True)
    out = out.rstrip("/")
    if records:
        parsed(records)
        return out, records if "://" in records else str(Path(records).absolute()), out
    if not is_remote(out):
        # A folder that is moved keeps its batch.
        return out, str(Path(out) / "ledger.sqlite"), "batch"
    home = Path(store or default_root()).absolute() / "batches"
    home.mkdir(parents=True, exist_ok=True)
    return out, str(home / f"{digest(out)[:16]}.sqlite"), out


def _greet(found: Sequence[Row], start: Start, as_json: bool) -> None:
    """Say what is there, what is done already, and what will fail."""
    missing = [row.parameters["video"] for row in found if row.missing]
    told = {
        f"{len(missing)} of {len(found)} films are not there, and their rows will fail: {listed(missing)}.": missing,
        f"{start.done} of {len(found)} rows are done already.": start.done,
        f"{start.again} rows had failed and are tried again.": start.again,
        f"The film or parameters have changed since, so these are done again: {listed(start.changed)}.": start.changed,
        f"The manifest names these no more, and they are left alone: {listed(start.gone)}.": start.gone,
    }
    for text in (text for text, happened in told.items() if happened):
        print(json.dumps({"note": text}, ensure_ascii=False) if as_json else f"! {text}", file=sys.stderr)


def _hand_over(entries: Sequence[Entry], out: str) -> None:
    """Write the batch's tables and summary where its rows are."""
    from dubkit.batch import kernels, summary
    from dubkit.service.storage import storage
    from dubkit.transfer import is_remote

    try:
        if not is_remote(out):
            summary.write(entries, Path(out))
            return
        with tempfile.TemporaryDirectory(prefix="dubkit-") as folder:
            summary.write(entries, Path(folder))
            for path in sorted(Path(folder).iterdir()):
                storage(out).upload(path, path.name)
    finally:
        kernels.end()


def _say(entries: Sequence[Entry], out: str, as_json: bool) -> None:
    """The batch's result, with every failure's reason; the command's exit code tells of failures, too."""
    failed = [entry for entry in entries if entry.state == "failed"]
    facts: dict[str, Any] = {"out": out, "rows": len(entries), "done": len(entries) - len(failed)}
    facts["failed"] = [
        {"id": e.id, "video": e.payload["parameters"]["video"], "attempts": e.attempts, "reason": e.reason}
        for e in failed
    ]
    lines = [f"{facts['done']} of {len(entries)} done. {out}: results.csv, results.parquet, summary.html"]
    if failed:
        lines += [f"{len(failed)} failed; --resume tries them again:", *(f"- {e.id}: {e.reason}" for e in failed)]
    tell(facts, as_json, "\n".join(lines))
    if failed:
        raise typer.Exit(ROWS_FAILED)
