"""Model files that travel inside ordinary packages: found, checked by SHA-256, put together once in a cache folder.

``packaged.toml`` lists them. A file made of parts is written to a temporary name and renamed into place, so that what
lies in the cache is whole.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dubkit.backends.protocols import ModelCard
from dubkit.errors import MissingModel

MEND = "make setup"


def cache_folder() -> Path:
    """Where assembled models lie: ``$DUBKIT_CACHE``, else ``dubkit`` in the user's cache folder."""
    if chosen := os.environ.get("DUBKIT_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dubkit"


@functools.cache
def _manifest() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "packaged.toml").read_text())


def names() -> frozenset[str]:
    """The models that packages carry."""
    return frozenset(_manifest())


def package_folder(name: str) -> Path | None:
    """Folder of an installed package, without importing it; None where it is not installed."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def card(name: str) -> ModelCard:
    """What ``packaged.toml`` says of a model, and whether all its parts are here."""
    entry = _manifest()[name]
    present = all(_assembled(name, f).exists() or all(p.exists() for p in _parts(f)) for f in entry["files"])
    return ModelCard(name, entry["licence"], entry["size"], present, MEND, entry.get("note", ""))


def fingerprint(name: str) -> str:
    """The model's name and a digest over the digests of its files."""
    digests = "".join(f["sha256"] for f in _manifest()[name]["files"])
    return f"{name}@{hashlib.sha256(digests.encode()).hexdigest()[:12]}"


def folder(name: str) -> Path:
    """The folder that holds a model's files, put together and checked at first use.

    Raises
    ------
    MissingModel
        If a carrying package is not installed, or a file is not what it should be.
    """
    home = cache_folder() / name
    for file in _manifest()[name]["files"]:
        if not _assembled(name, file).exists():
            _assemble(name, file)
    return home


def _assembled(name: str, file: dict[str, Any]) -> Path:
    return cache_folder() / name / str(file["name"])


def _parts(file: dict[str, Any]) -> list[Path]:
    """Where the file's parts lie; a part whose package is absent becomes a path that does not exist."""
    found = []
    for part in file["parts"]:
        package, _, inside = part.partition("/")
        home = package_folder(package)
        found.append(home / inside if home else Path("/nonexistent") / part)
    return found


def _assemble(name: str, file: dict[str, Any]) -> None:
    parts = _parts(file)
    if absent := [p for p, where in zip(file["parts"], parts, strict=True) if not where.exists()]:
        raise MissingModel(f"The model {name!r} is not here: {absent[0]} is not installed. Install it with: {MEND}")
    write_checked(_assembled(name, file), parts, file["sha256"])


def write_checked(target: Path, parts: Iterable[Path], sha256: str) -> None:
    """Join files into `target` if the whole has the digest `sha256`; a wrong digest leaves nothing behind.

    Raises
    ------
    MissingModel
        If the digest is another.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as out:
        try:
            for part in parts:
                with part.open("rb") as stream:
                    while block := stream.read(1 << 20):
                        digest.update(block)
                        out.write(block)
            if digest.hexdigest() != sha256:
                raise MissingModel(
                    f"{target.name} has SHA-256 {digest.hexdigest()[:12]}…, {sha256[:12]}… was expected: the installed "
                    f"package is damaged or of another version. Install it again with: {MEND}"
                )
            out.close()
            shutil.move(out.name, target)
        except BaseException:
            Path(out.name).unlink(missing_ok=True)
            raise
