"""The rows of a batch: what each gives its notebook, checked as a whole before anything begins."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from dubkit import languages
from dubkit.batch import naming
from dubkit.batch.manifest import COLUMNS, Manifest, secretive, shown
from dubkit.errors import BadInput, MissingModel, listed
from dubkit.service.storage import SCHEMES
from dubkit.transfer import is_remote

OWN = ("out", "store")
"""Parameters that the batch itself gives."""
TRUTHS = {"true": True, "false": False}
KINDS = {bool: "true or false", int: "a number", float: "a number"}
"""What a cell must be where the notebook's own value is of such a type."""


@dataclass(frozen=True)
class Defaults:
    """What rows get that do not say otherwise."""

    target: str | None = None
    source: str | None = None
    profile: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A film and what its notebook is given.

    Parameters
    ----------
    id : str
        Its name in the batch, and its folder's.
    number : int
        Its place in the manifest.
    parameters : dict
        The notebook's, but for those that depend on where it is executed.
    notebook : str
        What tells that the notebook is another; see :func:`dubkit.batch.notebook.identity`.
    """

    id: str
    number: int
    parameters: dict[str, Any]
    notebook: str = ""

    @property
    def payload(self) -> dict[str, Any]:
        """What the ledger keeps: another payload means another result."""
        film = film_state(self.parameters["video"])
        return {"parameters": self.parameters, "film": film, "notebook": self.notebook}

    @property
    def missing(self) -> bool:
        """Whether the film is known not to be there."""
        video = self.parameters["video"]
        return not is_remote(video) and not Path(video).is_file()


def film_state(video: str) -> list[int] | None:
    """Size in bytes and time of change in ns, which tell that a film is another; None where it is not there or far away."""
    if is_remote(video) or not Path(video).is_file():
        return None
    found = Path(video).stat()
    return [found.st_size, found.st_mtime_ns]


def rows(manifest: Manifest, names: Mapping[str, Any], defaults: Defaults, notebook: str = "") -> list[Row]:
    """Every row of a manifest.

    Parameters
    ----------
    manifest : Manifest
        What was read.
    names : mapping
        The parameters that the notebook has, with their values in it.
    defaults : Defaults
        From the command line.
    notebook : str
        See :class:`Row`.

    Raises
    ------
    BadInput
        If anything is wrong with any row: one message with all of them, by line.
    """
    problems = [*manifest.problems]
    good: list[tuple[int, dict[str, Any], dict[str, Any]]] = []
    for number, cells in manifest.rows:
        parameters, wrong = _parameters(cells, names, defaults)
        problems += [(number, text) for text in wrong]
        if not wrong:
            good.append((number, parameters, cells))
    ids = naming.ids([cells for _, _, cells in good])
    problems += _twice(manifest.unit, good, ids)
    if problems:
        raise BadInput(_told(manifest, problems))
    return [Row(name, number, parameters, notebook) for (number, parameters, _), name in zip(good, ids, strict=True)]


def _twice(
    unit: str, good: Sequence[tuple[int, dict[str, Any], dict[str, Any]]], ids: Sequence[str]
) -> list[tuple[int, str]]:
    """What is wrong with rows beside others: the same id, or the same dub without one."""
    problems = []
    named: dict[str, int] = {}
    made: dict[str, int] = {}
    for (number, parameters, cells), name in zip(good, ids, strict=True):
        before = made.setdefault(json.dumps(parameters, sort_keys=True), number)
        if before != number and "id" not in cells:
            problems.append((number, f"it is the same as {unit} {before}; what is wanted twice needs an id"))
        elif name.casefold() in named:
            problems.append(
                (number, f"the id {name!r} is that of {unit} {named[name.casefold()]} already; ids are unique")
            )
        named.setdefault(name.casefold(), number)
    return problems


def _parameters(
    cells: Mapping[str, Any], names: Mapping[str, Any], defaults: Defaults
) -> tuple[dict[str, Any], list[str]]:
    """What a row gives the notebook, and what is wrong with it."""
    wrong = []
    settings = {**defaults.settings}
    given: dict[str, Any] = {"target": defaults.target, "source": defaults.source, "profile": defaults.profile}
    own = {name.casefold(): name for name in names if name not in (*COLUMNS, *OWN, "settings")}
    for column, cell in cells.items():
        if text := _unkeepable(column, cell):
            wrong.append(text)
        elif "." in column:
            settings[column] = cell
        elif column == "settings" and isinstance(cell, dict):
            settings.update(cell)
        elif column in COLUMNS:
            given[column] = cell
        elif (name := own.get(column.casefold())) in given:
            wrong.append(f"the column {name!r} is there twice")
        elif name:
            given[name] = _value(cell, names[name])
            wrong += _other_kind(name, cell, given[name], names[name])
        else:
            wrong.append(
                f"there is no column {column!r}: columns are {', '.join(COLUMNS)}, settings such as diarize.n_speakers"
                + (f", and the notebook's {listed(list(own.values()))}" if own else "")
            )
    if "id" in given and (text := naming.unfit(str(given.pop("id")))):
        wrong.append(text)
    given = {name: value for name, value in given.items() if value is not None} | (
        {"settings": settings} if settings else {}
    )
    if str(given.get("profile", "")).endswith(".toml"):
        given["profile"] = str(Path(given["profile"]).absolute())
    wrong += [f"the notebook has no parameter {name!r}" for name in given if name not in names]
    if "video" in given:
        wrong += _unreachable(given["video"])
    elif "video" not in cells:
        wrong.append("it has no video")
    if "target" in names and "target" not in given:
        wrong.append("it has no target: fill in that column, or give --to")
    wrong = wrong or _unfit(given, names)
    if not wrong and "target" in names:
        given |= {name: languages.parse(given[name]) for name in ("target", "source") if name in given}
    return given, wrong


def _unfit(given: Mapping[str, Any], names: Mapping[str, Any]) -> list[str]:
    """What is wrong with a row's profile, languages and settings."""
    if "target" not in names:
        return []
    named = tuple(given.get(name) for name in ("profile", "target", "source"))
    return [text] if (text := _refused(*named, json.dumps(given.get("settings", {}), sort_keys=True))) else []


@functools.cache
def _refused(profile: str | None, target: str, source: str | None, settings: str) -> str:
    """Why such a dub cannot be made, as far as that is known without its film; empty where it may be."""
    from dubkit import preflight
    from dubkit.run import PIPELINE
    from dubkit.settings import profile as profile_settings
    from dubkit.stages.assign_voices import check_voices
    from dubkit.stages.translate import check_languages

    named = {"translate.target": target} | ({"transcribe.language": source} if source else {})
    try:
        chosen = profile_settings(profile)[0].but(named).but(json.loads(settings))
        chosen = preflight.checked_languages(chosen)
        found = preflight.backends(PIPELINE, chosen)
        check_languages(found["translator"], chosen.transcribe.language, chosen.translate.target)
        check_voices(found["synthesizer"], chosen.translate.target)
    except MissingModel:
        # The workers may have what this machine has not; else each row says so.
        return ""
    except BadInput as error:
        return str(error)
    return ""


def _unkeepable(column: str, cell: Any) -> str:
    """Why the ledger cannot hold a cell, or nothing can be done with it; empty where all is well."""
    if not _is_json(cell):
        return f"{column} is {cell!r}, which is no plain value: give UTF-8 text, a finite number, true or false, or lists of them"
    if column in COLUMNS and not isinstance(cell, str) and not (column == "id" and type(cell) is int):
        return f"{column} is {cell!r}, and it must be text"
    return ""


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _value(cell: Any, default: Any) -> Any:
    """A parameter's value; text is read as JSON where it is that and the notebook's own value is no text."""
    if not isinstance(cell, str) or isinstance(default, str):
        return cell
    if cell.lower() in TRUTHS:
        return TRUTHS[cell.lower()]
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    # JSON knows no infinite numbers, Python's reader does.
    return value if _is_json(value) else cell


def _other_kind(name: str, cell: Any, value: Any, default: Any) -> list[str]:
    """What is wrong where the notebook has a number, or true or false, and a row has not."""
    wanted = KINDS.get(type(default))
    if wanted is None or KINDS.get(type(value)) == wanted:
        return []
    return [f"{name} must be {wanted}, as it is in the notebook ({default}), and not {cell!r}"]


def _unreachable(video: str) -> list[str]:
    """What is wrong with a film's address."""
    if not is_remote(video):
        return []
    schemes = [f"{scheme}://" for scheme in SCHEMES if scheme]
    if f"{video.partition('://')[0].lower()}://" not in schemes:
        return [f"the video {shown(video)!r} cannot be fetched: give a path, or an address with {listed(schemes)}"]
    if secretive(video):
        return [f"the video {shown(video)!r} has a user in its address: leave that out, for it would be written down"]
    return []


def _told(manifest: Manifest, problems: Sequence[tuple[int, str]]) -> str:
    """All that is wrong, each thing once with the lines that it is wrong with."""
    where: dict[str, list[int]] = {}
    for number, text in problems:
        where.setdefault(text, []).append(number)
    lines = [f"- {manifest.unit} {_ranges(numbers)}: {text}" for text, numbers in where.items()]
    return "\n".join([f"The manifest {manifest.place!r} cannot be taken, and nothing was begun:", *lines])


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers as 2-5, 9."""
    told = []
    for _, group in groupby(enumerate(sorted({*numbers})), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        told.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ", ".join(told)
