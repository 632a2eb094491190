"""``dubkit batch``: many films, each by a notebook."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dubkit.errors import BadInput, DubkitError, listed
from dubkit.options import ROWS_FAILED, Json, PlainErrors, Profile, Sets, Source, StoreFolder, changes_of, tell

if TYPE_CHECKING:
    from dubkit.batch.engines import Engine
    from dubkit.batch.ledger import Entry, Ledger
    from dubkit.batch.rows import Row
    from dubkit.batch.run import Start
    from dubkit.batch.work import Task
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
    from dubkit.batch.rows import Defaults, rows
    from dubkit.batch.run import compare
    from dubkit.batch.work import LEASE, Task
    from dubkit.settings import profile as profile_settings
    from dubkit.workers import room, shared_threads

    changes = changes_of(set_)
    with PlainErrors(as_json, INTERRUPTED), _interrupted_once():
        path = _whole(notebook or notebooks.shipped("dub.ipynb"))
        store = _whole(store) if store else None
        names = notebooks.parameters(path)
        listing = manifests.read(manifest, store)
        found = rows(listing, names, Defaults(to, source, profile, changes), notebooks.identity(path))
        settings: Settings = profile_settings(profile)[0].but(changes)
        out, address, name = _places(out, records, store)
        ledger = Ledger(address)
        start = compare(ledger, name, found, out, resume=resume, most=retries + 1)
        _greet(listing.notes, found, start, as_json)
        if to_do := len(found) - len(start.done):
            workers = min(workers or room(settings), to_do)
            # Workers elsewhere have cores of their own.
            threads = shared_threads(settings, workers).get("compute.threads", 0) if engine in LOCAL else 0
            task = Task(address, name, "", LEASE, retries, str(path), out, threads, str(store or ""))
            entries = _worked(ledger, task, found, start, engine_of(engine, workers), as_json)
        else:
            wanted = {row.id for row in found}
            entries = [entry for entry in ledger.entries(name) if entry.id in wanted]
        lacking = _hand_over(entries, out)
    _say(entries, out, lacking, as_json)


def _worked(
    ledger: Ledger, task: Task, found: Sequence[Row], start: Start, engine: Engine, as_json: bool
) -> list[Entry]:
    """Have the rows done by an engine, which is closed in any case; all of them as they are in the end."""
    from dubkit.batch.progress import watcher
    from dubkit.batch.run import enrol, run

    try:
        enrol(ledger, task.batch, found, start)
    except BaseException:
        engine.close()
        raise
    with watcher(sys.stderr, len(found), as_json=as_json) as watch:
        return run(ledger, task, [row.id for row in found], engine, watch)


@contextlib.contextmanager
def _interrupted_once() -> Iterator[None]:
    """Ctrl-C interrupts once; another, of who is impatient, does not disturb the end of the workers."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        # Once interrupted, it is ignored until this process has ended.
        if signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _whole(place: str | Path) -> Path:
    """A path of this machine from its root; ~ is the home folder."""
    try:
        return Path(place).expanduser().absolute()
    except RuntimeError:
        raise BadInput(f"There is no home folder such as {str(place)!r} begins with. Give the whole path.") from None


def _places(out: str, records: str | None, store: Path | None) -> tuple[str, str, str]:
    """Where results go, where the ledger is, and the batch's name in it."""
    from dubkit.database import parsed
    from dubkit.store import default_root, digest
    from dubkit.transfer import is_remote

    if records:
        parsed(records)
        records = records if is_remote(records) else str(_whole(records))
    if not is_remote(out):
        out = str(_made(_whole(out)))
        # A folder that is moved keeps its batch.
        return (out, records, out) if records else (out, str(Path(out) / "ledger.sqlite"), "batch")
    out = out.rstrip("/")
    if records:
        return out, records, out
    home = _made(Path(store or default_root()).absolute() / "batches")
    return out, str(home / f"{digest(out)[:16]}.sqlite"), out


def _made(folder: Path) -> Path:
    """A folder that is there and can be written in.

    Raises
    ------
    BadInput
        If it is something else.
    OutOfSpace
        If it cannot be made or written in.
    """
    from dubkit.service.storage import disk

    with disk(folder):
        if folder.exists() and not folder.is_dir():
            raise BadInput(f"{str(folder)!r} is not a folder. Give --out one, or a name that is free.")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"written")
    return folder


def _greet(notes: Sequence[str], found: Sequence[Row], start: Start, as_json: bool) -> None:
    """Say what is there, what is done already, and what will fail."""
    done = {*start.done}
    missing = [row.parameters["video"] for row in found if row.missing and row.id not in done]
    told = {
        f"{len(missing)} of {len(found)} films are not there, and their rows will fail: {listed(missing)}.": missing,
        f"{len(done)} of {len(found)} rows are done already.": done,
        f"{len(start.again)} rows had failed and are tried again.": start.again,
        f"Film, parameters or notebook have changed since, so these are done again: {listed(start.changed)}.": start.changed,
        f"The output is there no more, so these are done again: {listed(start.absent)}.": start.absent,
        f"The manifest names these no more, and they are left alone: {listed(start.gone)}.": start.gone,
    }
    for text in (*notes, *(text for text, happened in told.items() if happened)):
        _note(text, as_json)


def _hand_over(entries: Sequence[Entry], out: str) -> str:
    """Write the batch's tables and summary where its rows are; why that could not be done, or nothing."""
    from dubkit.batch import kernels, summary
    from dubkit.batch.work import judged
    from dubkit.service.storage import storage
    from dubkit.transfer import is_remote

    try:
        if not is_remote(out):
            summary.write(entries, Path(out))
            return ""
        with tempfile.TemporaryDirectory(prefix="dubkit-") as folder:
            summary.write(entries, Path(folder))
            for path in sorted(Path(folder).iterdir()):
                storage(out).upload(path, path.name)
    except Exception as error:
        # Whatever it is, what became of the rows is still to be told.
        return judged(error)[0]
    finally:
        kernels.end()
    return ""


def _say(entries: Sequence[Entry], out: str, lacking: str, as_json: bool) -> None:
    """The batch's result, with every failure's reason; the command's exit code tells of failures, too."""
    from dubkit.batch.manifest import shown

    failed = [entry for entry in entries if entry.state == "failed"]
    done = sum(entry.state == "done" for entry in entries)
    # Another command has begun them anew.
    under_way = [entry.id for entry in entries if entry.state not in ("done", "failed")]
    facts: dict[str, Any] = {"out": out, "rows": len(entries), "done": done, "under_way": under_way}
    facts["failed"] = [
        {"id": e.id, "video": shown(e.payload["parameters"]["video"]), "attempts": e.attempts, "reason": e.reason}
        for e in failed
    ]
    tables = "without tables" if lacking else "results.csv, results.parquet, summary.html"
    lines = [f"{done} of {len(entries)} done. {out}: {tables}"]
    if under_way:
        lines.append(f"{len(under_way)} are under way still: {listed(under_way)}.")
    if failed:
        lines += [f"{len(failed)} failed; --resume tries them again:", *(f"- {e.id}: {e.reason}" for e in failed)]
    tell(facts, as_json, "\n".join(lines))
    if lacking:
        _note(f"The tables could not be written; the same command with --resume does that. {lacking}", as_json)
    if failed or under_way:
        raise typer.Exit(ROWS_FAILED)
    if lacking:
        raise typer.Exit(DubkitError.exit_code)


def _note(text: str, as_json: bool) -> None:
    print(json.dumps({"note": text}, ensure_ascii=False) if as_json else f"! {text}", file=sys.stderr)
