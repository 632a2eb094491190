"""A batch's list of films: a table (CSV, JSON lines, Parquet), or a folder of them, here or in a bucket."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dubkit.errors import BadInput, MissingModel, listed
from dubkit.output import made_here
from dubkit.transfer import fetch, is_remote

COLUMNS = ("video", "target", "source", "profile", "id")
"""What every manifest may have; capitals in their names do not matter."""

FILMS = (
    ".avi",
    ".flv",
    ".m2ts",
    ".m4v",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpeg",
    ".mpg",
    ".mts",
    ".ogv",
    ".ts",
    ".webm",
    ".wmv",
)
"""Endings of what counts as a film in a folder; elsewhere a film's content decides, never its name."""


@dataclass(frozen=True)
class Manifest:
    """The rows as they were written, without their empty cells.

    Parameters
    ----------
    place : str
        Where it was read.
    unit : str
        What ``rows`` are numbered by: ``line``, ``row`` or ``file``.
    rows : tuple of (int, dict)
        Number and cells by column; ``video`` is a whole path or address.
    problems : tuple of (int, str)
        Number and what is wrong with it, of those that cannot be read.
    notes : tuple of str
        What a person should know that is not wrong.
    """

    place: str
    unit: str
    rows: tuple[tuple[int, dict[str, Any]], ...]
    problems: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()


def read(place: str, store: str | Path | None = None) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    place : str
        A file ``.csv``, ``.jsonl`` or ``.parquet``, a folder, or one of these as ``s3://bucket/...``. Films are relative to
        the manifest's folder.
    store : path, optional
        Where what comes from a bucket is kept.

    Raises
    ------
    BadInput
        If it is not there, is of another kind, or cannot be read at all.
    MissingModel
        If it is a Parquet file, and pyarrow is not installed.
    """
    place = _checked(place)
    ending = PurePosixPath(place).suffix.lower()
    if ending in READERS:
        made = _whole(READERS[ending](place, store))
    elif is_remote(place) or Path(place).is_dir():
        made = _folder(place)
    else:
        what = "is none of these" if Path(place).exists() else "is not there"
        raise BadInput(
            f"The manifest {place!r} {what}: give a file that ends in {listed(list(READERS))}, or a folder of films."
        )
    if not made.rows and not made.problems:
        raise BadInput(" ".join([f"The manifest {place!r} names no films. {_wanted(made.unit)}", *made.notes]))
    return made


def shown(address: str) -> str:
    """An address without the user, password and query that may be in it."""
    scheme, separator, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return scheme + separator + host.rpartition("@")[2] + slash + path.partition("?")[0] if separator else address


def secretive(address: str) -> bool:
    """Whether an address has a user or a password in it."""
    host = address.partition("://")[2].partition("/")[0]
    return "@" in host or ":" in host


def _checked(place: str) -> str:
    """A manifest's place, with the home folder for ``~``.

    Raises
    ------
    BadInput
        If there is no such home, or it is an address that cannot be read.
    """
    if not is_remote(place):
        try:
            return str(Path(place).expanduser())
        except RuntimeError as error:
            raise BadInput(f"The manifest {place!r} is not there: {error}") from error
    if not place.startswith("s3://") or secretive(place):
        raise BadInput(
            f"The manifest {shown(place)!r} cannot be read: give a path, or s3://bucket/name without a user in it."
        )
    return place


def _wanted(unit: str) -> str:
    if unit == "file":
        return f"Films in a folder are files that end in {listed(FILMS)}."
    return "Each row needs a video, for example: video,target"


def _folder(place: str) -> Manifest:
    """Every film in a folder, by name, but for hidden files and dubs that were made here."""
    found = sorted(str(name) for name in _handled(place, lambda io: io.listdir(place)))
    films = [name for name in found if PurePosixPath(name).suffix.lower() in FILMS]
    if not is_remote(place):
        films = [str(Path(name).absolute()) for name in films if Path(name).is_file()]
    plain = [name for name in films if not PurePosixPath(name).name.startswith(".")]
    taken = [name for name in plain if is_remote(name) or not made_here(Path(name))]
    told = {
        f"Hidden files in the folder, left out: {len(films) - len(plain)}.": len(films) - len(plain),
        f"Films in the folder that dubkit made, left out: {len(plain) - len(taken)}.": len(plain) - len(taken),
    }
    notes = tuple(text for text, happened in told.items() if happened)
    return Manifest(place, "file", tuple((n, {"video": film}) for n, film in enumerate(taken, 1)), notes=notes)


def _csv(place: str, store: str | Path | None) -> Manifest:
    text = _text(place)
    header = text.partition("\n")[0]
    # Where the comma is the decimal sign, spreadsheets write semicolons.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    columns: list[str] = []
    rows, problems = [], []
    line = 1
    try:
        for cells in reader:
            number, line = line, reader.line_num + 1
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if not columns:
                columns = [_known(cell) for cell in cells]
                problems += [(number, text) for text in _columns(columns)]
            elif len(cells) > len(columns):
                problems.append(
                    (number, f"it has {len(cells)} cells, and the header {len(columns)}; quote what has commas")
                )
            else:
                rows.append((number, {name: cell for name, cell in zip(columns, cells, strict=False) if cell}))
    except csv.Error as error:
        problems.append((reader.line_num, f"it is no CSV ({error})"))
    return Manifest(place, "line", tuple(rows), tuple(problems))


def _columns(names: list[str]) -> list[str]:
    twice = sorted({name for name in names if name and names.count(name) > 1})
    return [f"the column {name!r} is there twice" for name in twice] + ["a column has no name"] * ("" in names)


def _json_lines(place: str, store: str | Path | None) -> Manifest:
    rows, problems = [], []
    # Other characters that end lines may stand in JSON's texts.
    for number, line in enumerate(_text(place).split("\n"), 1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except ValueError as error:
            problems.append((number, f"it is no JSON ({error})"))
            continue
        if isinstance(cells, dict):
            rows.append((number, _filled(cells)))
        else:
            problems.append((number, 'it is no JSON object such as {"video": "talk.mp4", "target": "pt"}'))
    return Manifest(place, "line", tuple(rows), tuple(problems))


def _parquet(place: str, store: str | Path | None) -> Manifest:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise MissingModel(
            "A Parquet manifest needs the Python package 'pyarrow'. Install it with: pip install 'dubkit[batch]'"
        ) from error
    path = fetch(place, store)
    try:
        rows = parquet.read_table(path).to_pylist()
    except (OSError, ArrowException) as error:
        raise BadInput(f"The manifest {place!r} cannot be read as Parquet ({error}).") from error
    return Manifest(place, "row", tuple((n, _filled(cells)) for n, cells in enumerate(rows, 1)))


READERS: dict[str, Callable[[str, str | Path | None], Manifest]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}


def _filled(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Without cells that hold nothing, NaN included, which tables use for that."""
    return {_known(name): cell for name, cell in cells.items() if cell is not None and cell != "" and cell == cell}


def _known(column: str) -> str:
    """A column's name as it is written here."""
    name = column.strip()
    return name.lower() if name.lower() in COLUMNS else name


def _whole(made: Manifest) -> Manifest:
    """With the films' whole paths or addresses."""
    rows, problems = [], [*made.problems]
    for number, cells in made.rows:
        try:
            rows.append((number, _located(cells, made.place)))
        except RuntimeError:
            problems.append(
                (number, f"there is no such home folder as that of {cells['video']!r}; give the whole path")
            )
    return Manifest(made.place, made.unit, tuple(rows), tuple(problems))


def _located(cells: dict[str, Any], place: str) -> dict[str, Any]:
    video = cells.get("video")
    if not isinstance(video, str) or is_remote(video):
        return cells
    if is_remote(place):
        return cells if video.startswith("/") else {**cells, "video": f"{place.rpartition('/')[0]}/{video}"}
    return {**cells, "video": str(Path(place).absolute().parent / Path(video).expanduser())}


def _text(place: str) -> str:
    """A text file, here or in a bucket; the mark that Excel begins a file with is left out."""
    text = _handled(place, lambda io: io.read(place, extensions=None))
    return str(text).removeprefix("\ufeff").replace("\r\n", "\n")


def _handled(place: str, work: Callable[[Any], Any]) -> Any:
    """Let papermill's handler of such an address do something.

    Raises
    ------
    BadInput
        If it cannot.
    """
    from papermill.iorw import papermill_io

    if not is_remote(place) and not Path(place).exists():
        raise BadInput(f"The manifest {place!r} is not there. Check its name.")
    try:
        return work(papermill_io)
    except UnicodeDecodeError as error:
        raise BadInput(f"The manifest {place!r} is not UTF-8 text. Save it as UTF-8.") from error
    except Exception as error:
        raise BadInput(f"The manifest {place!r} cannot be read ({type(error).__name__}: {error}).") from error
