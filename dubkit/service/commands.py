"""The service on the command line: ``dubkit serve`` and ``keys`` for who runs one, ``submit``, ``status``, ``fetch``, ``cancel``
for who uses one.

A key is read from ``DUBKIT_KEY`` alone: an option would stand in the list of processes, where everybody on the machine can
read it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from dubkit.errors import BadInput, DubkitError, MissingModel, StageFailed
from dubkit.options import NO_SPEECH, Film, Json, PlainErrors, Source, print_table, tell

if TYPE_CHECKING:
    from dubkit.service.access.keys import Keys
    from dubkit.service.client.client import Client

HERE = "http://127.0.0.1:7860"

Server = Annotated[
    str, typer.Option("--server", envvar="DUBKIT_SERVER", help="The service; a key is read from DUBKIT_KEY.")
]
JobName = Annotated[str, typer.Argument(metavar="JOB", help="A job's id, as submit and status print it.")]
Folder = Annotated[Path, typer.Option("--out", help="The folder for the files.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="Only these: video, audio, subtitles, transcript, timing, poster; may be repeated."),
]

keys = typer.Typer(help="Who may use the service whose environment this is.", no_args_is_help=True)


def submit(
    film: Film,
    to: Annotated[str, typer.Option("--to", help="Language to dub into: a code (pt) or a name (Portuguese).")],
    source: Source = None,
    profile: Annotated[str | None, typer.Option(help="A profile of the service's.")] = None,
    options: Annotated[
        list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="n_speakers=2, keep_original=true, ...")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show its progress until it is done.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Wait, and bring the files into this folder.")] = None,
    server: Server = HERE,
    as_json: Json = False,
) -> None:
    """Hand a film in to a running service."""
    with PlainErrors(as_json, "Interrupted. What was handed in goes on at the service: see dubkit status."):
        given = _options(options)
        with _client(server) as client:
            with _sending(as_json) as progress:
                job = client.submit(film, to, source, profile=profile, progress=progress, **given)
            if not (wait or out):
                tell(job, as_json, f"{job['id']}: dubkit status {job['id']}")
                return
            print(f"{job['id']}: dubkit status {job['id']}", file=sys.stderr)
            done = _waited(client, job["id"], as_json)
            files = client.fetch(job["id"], out) if out else []
    said = "\n".join(map(str, files)) or f"{done['id']}: completed"
    tell({**done, "files": [str(path) for path in files]}, as_json, said)
    if done["facts"].get("spoken") is False:
        raise typer.Exit(NO_SPEECH)


def status(
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="A job's id; all of yours where left out.")] = None,
    server: Server = HERE,
    as_json: Json = False,
) -> None:
    """How far a job of a service is, or all of them."""
    with PlainErrors(as_json), _client(server) as client:
        found: Any = client.jobs() if job is None else client.status(job)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif job is None:
        columns = ("job", "film", "from", "to", "status", "stage", "created")
        rows = [[*_row(one), one["status"], one["stage"], one["created"]] for one in found]
        print_table(Console(), columns, rows)
    else:
        _show(found)


def fetch(
    job: JobName, out: Folder = Path(), kinds: Kinds = None, server: Server = HERE, as_json: Json = False
) -> None:
    """Bring the files of a job of a service."""
    with PlainErrors(as_json), _client(server) as client:
        files = client.fetch(job, out, kinds or ())
    tell({"files": [str(path) for path in files]}, as_json, "\n".join(map(str, files)))


def cancel(job: JobName, server: Server = HERE, as_json: Json = False) -> None:
    """Stop a job of a service."""
    with PlainErrors(as_json), _client(server) as client:
        said = client.cancel(job)
    tell(said, as_json, f"{job}: {'stopping' if said['cancelling'] else said['status']}")


def serve(
    host: Annotated[
        str, typer.Option(help="Where to listen; others than this machine need DUBKIT_REQUIRE_KEY=1.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 7860,
) -> None:
    """Serve dubbing to browsers and programs; it is set up by environment variables (docs/service.md)."""
    with PlainErrors(False, "Stopped before anything was served."):
        with _installed():
            from dubkit.service import server
        server.serve(host, port)


@keys.command("add")
def add_key(
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="Whose it is: sees the jobs of all keys of that name.")],
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: Json = False,
) -> None:
    """Make a key; it is shown this once."""
    with PlainErrors(as_json), _keys() as kept:
        key = kept.add(owner, note)
    tell({"owner": owner, "key": key}, as_json, key)


@keys.command("list")
def list_keys(as_json: Json = False) -> None:
    """All keys, without what opens anything."""
    from dataclasses import asdict

    with PlainErrors(as_json), _keys() as kept:
        found = kept.list()
    if as_json:
        print(json.dumps([asdict(key) for key in found], ensure_ascii=False))
        return
    columns = ("id", "owner", "note", "created", "used", "revoked")
    times = [[_when(at) for at in (key.created, key.used, key.revoked)] for key in found]
    rows = [[key.id, key.owner, key.note, *at] for key, at in zip(found, times, strict=True)]
    print_table(Console(), columns, rows)


@keys.command("revoke")
def revoke_key(
    id: Annotated[str, typer.Argument(metavar="ID", help="The key's id: what stands between the underscores.")],
    as_json: Json = False,
) -> None:
    """Take a key back; within seconds it opens nothing any more."""
    with PlainErrors(as_json), _keys() as kept:
        key = kept.revoke(id)
    tell({"id": key.id, "owner": key.owner}, as_json, f"{key.id} of {key.owner} is revoked")


@contextlib.contextmanager
def _installed() -> Iterator[None]:
    """Say what is not installed, where it is imported in the block."""
    try:
        yield
    except ImportError as error:
        raise MissingModel(
            f"The service needs the Python package {error.name!r}. Install it with: pip install 'dubkit[service]'"
        ) from error


def _client(server: str) -> Client:
    with _installed():
        from dubkit.service.client.client import Client
    return Client(server, os.environ.get("DUBKIT_KEY", "").strip() or None)


@contextlib.contextmanager
def _keys() -> Iterator[Keys]:
    with _installed():
        from dubkit.database import Database
        from dubkit.service import home
        from dubkit.service.access.keys import Keys
        from dubkit.service.config import Config, unknown
        from dubkit.service.jobs.tables import upgrade
    for told in unknown():
        print(f"warning: {told}", file=sys.stderr)
    config = Config.from_environment()
    with home.private():
        home.settle(config.home)
        database = Database(config.database, "job database", "give the same command again", patience=5.0)
        upgrade(database)
        yield Keys(database)
        database.engine.dispose()


@contextlib.contextmanager
def _sending(as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how much of a film has been sent."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = ("sending", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    hidden = as_json or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as shown:
        task = shown.add_task("sending")
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _options(given: list[str] | None) -> dict[str, Any]:
    """Options by name, out of texts such as ``n_speakers=2`` whose values are JSON.

    Raises
    ------
    BadInput
        If one is none.
    """
    found = {}
    for item in given or []:
        name, equals, value = item.partition("=")
        try:
            found[name.strip()] = json.loads(value)
        except json.JSONDecodeError:
            equals = ""
        if not equals or not name.strip().isidentifier():
            raise BadInput(f"--option takes NAME=VALUE with a number, true, false or JSON, not {item!r}.")
    return found


def _waited(client: Client, job: str, as_json: bool) -> dict[str, Any]:
    """Show a job's progress until it is done; the job then.

    Raises
    ------
    DubkitError
        As it ended with, where it was not done.
    """
    from dataclasses import asdict

    from dubkit import errors
    from dubkit.display import watcher
    from dubkit.progress import Event
    from dubkit.service.jobs.job import PACES

    if as_json:
        said = client.wait(job, lambda event: print(json.dumps(asdict(event)), file=sys.stderr, flush=True))
    else:
        with watcher(tuple(PACES), sys.stderr) as board:

            def observe(event: Event) -> None:
                board(event)

            said = client.wait(job, observe)
    if said["status"] == "cancelled":
        raise StageFailed(f"The job {job} was cancelled.")
    if error := said["error"]:
        kind = getattr(errors, error["type"], StageFailed)
        raise (kind if isinstance(kind, type) and issubclass(kind, DubkitError) else StageFailed)(error["detail"])
    return client.job(job)


def _row(job: dict[str, Any]) -> list[str]:
    return [job["id"], job["film"]["name"], job["source_language"] or "", job["target_language"]]


def _show(said: dict[str, Any]) -> None:
    """How far a job is, for people."""
    console = Console()
    left = f", about {said['seconds_left']:.0f} s left" if said["seconds_left"] is not None else ""
    place = f", number {said['place']} in the queue" if said["place"] else ""
    state = "stopping" if said["cancelling"] else said["status"]
    console.print(f"{said['id']}: {state}, {said['percentage']:.0f} %{place}{left}", markup=False, highlight=False)
    if error := said["error"]:
        console.print(f"! {error['detail']}", markup=False, highlight=False, soft_wrap=True)
    rows = [
        [row["stage"], row["status"], f"{row['done']}/{row['total']}" if row["total"] else "", f"{row['seconds']:.1f}"]
        for row in said["stages"]
    ]
    print_table(console, ("stage", "state", "items", "seconds"), rows)
    for row in said["stages"]:
        for text in row["warnings"]:
            console.print(f"! {row['stage']}: {text}", markup=False, highlight=False, soft_wrap=True)


def _when(at: float | None) -> str:
    from datetime import UTC, datetime

    return "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(" ", "minutes").removesuffix("+00:00")
