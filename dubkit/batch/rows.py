"""The rows of a batch: what each gives its notebook, checked as a whole before anything begins."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from dubkit.batch.manifest import TRUTHS, Manifest
from dubkit.errors import BadInput, MissingModel, listed
from dubkit.transfer import is_remote

COLUMNS = ("video", "target", "source", "profile", "id")
OWN = ("out", "store")
"""Parameters that the batch itself gives."""
NAME = re.compile(r"\w[\w.-]{0,99}")
LONGEST = 64


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
    """

    id: str
    number: int
    parameters: dict[str, Any]

    @property
    def payload(self) -> dict[str, Any]:
        """What the ledger keeps: another payload means another result."""
        return {"parameters": self.parameters, "film": film_state(self.parameters["video"])}

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


def rows(manifest: Manifest, names: Collection[str], defaults: Defaults) -> list[Row]:
    """Every row of a manifest.

    Parameters
    ----------
    manifest : Manifest
        What was read.
    names : collection of str
        The parameters that the notebook has.
    defaults : Defaults
        From the command line.

    Raises
    ------
    BadInput
        If anything is wrong with any row: one message with all of them, by line.
    """
    problems = [*manifest.problems]
    good: list[tuple[int, dict[str, Any], str]] = []
    for number, cells in manifest.rows:
        parameters, wrong = _parameters(cells, names, defaults)
        problems += [(number, text) for text in wrong]
        if not wrong:
            good.append((number, parameters, str(cells.get("id", ""))))
    ids = _ids([(parameters, given) for _, parameters, given in good])
    lines: dict[str, int] = {}
    for (number, _, given), name in zip(good, ids, strict=True):
        if given and not NAME.fullmatch(given):
            problems.append((number, f"the id {given!r} cannot name a folder: letters, figures, - _ and . are allowed"))
        elif name in lines:
            problems.append(
                (number, f"the id {name!r} is that of {manifest.unit} {lines[name]} already; ids are unique")
            )
        lines.setdefault(name, number)
    if problems:
        raise BadInput(_told(manifest, problems))
    return [Row(name, number, parameters) for (number, parameters, _), name in zip(good, ids, strict=True)]


def _parameters(
    cells: Mapping[str, Any], names: Collection[str], defaults: Defaults
) -> tuple[dict[str, Any], list[str]]:
    """What a row gives the notebook, and what is wrong with it."""
    wrong = []
    settings = {**defaults.settings}
    given: dict[str, Any] = {"target": defaults.target, "source": defaults.source, "profile": defaults.profile}
    for column, cell in cells.items():
        if "." in column:
            settings[column] = cell
        elif column == "settings" and isinstance(cell, dict):
            settings.update(cell)
        elif column in COLUMNS or (column in names and column not in (*OWN, "settings")):
            given[column] = str(cell) if column in COLUMNS else _value(cell)
        else:
            further = sorted({*names} - {*COLUMNS, *OWN, "settings"})
            wrong.append(
                f"there is no column {column!r}: columns are {', '.join(COLUMNS)}, settings such as diarize.n_speakers"
                + (f", and the notebook's {listed(further)}" if further else "")
            )
    given.pop("id", None)
    given = {name: value for name, value in given.items() if value is not None} | (
        {"settings": settings} if settings else {}
    )
    if str(given.get("profile", "")).endswith(".toml"):
        given["profile"] = str(Path(given["profile"]).absolute())
    wrong += [f"the notebook has no parameter {name!r}" for name in given if name not in names]
    if "video" not in given:
        wrong.append("it has no video")
    if "target" in names and "target" not in given:
        wrong.append("it has no target: fill in that column, or give --to")
    return given, wrong or _unfit(given, names)


def _unfit(given: Mapping[str, Any], names: Collection[str]) -> list[str]:
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


def _value(cell: Any) -> Any:
    """A parameter's value; text is read as JSON where it is that."""
    if not isinstance(cell, str):
        return cell
    if cell.lower() in TRUTHS:
        return TRUTHS[cell.lower()]
    try:
        value = json.loads(cell)
    except ValueError:
        return cell
    # JSON knows no such numbers, Python's reader does.
    return cell if value != value or value in (float("inf"), -float("inf")) else value


def _ids(found: Sequence[tuple[Mapping[str, Any], str]]) -> list[str]:
    """The ids that were given, and others out of the films' names: with the target where a name is there twice, then counted."""
    slugs = [given or _slug(parameters["video"]) for parameters, given in found]
    often = Counter(slugs)
    made, seen = [], Counter[str]()
    for (parameters, given), slug in zip(found, slugs, strict=True):
        if not given and often[slug] > 1:
            slug = _slug(f"{slug}-{parameters.get('target', '')}")
            seen[slug] += 1
            slug += f"-{seen[slug]}" if seen[slug] > 1 else ""
        made.append(slug)
    return made


def _slug(text: str) -> str:
    stem = PurePosixPath(text).stem if "/" in text else text
    return re.sub(r"[^\w.-]+", "-", stem).strip("-._")[:LONGEST] or "film"


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
