"""A throw-away Python with the peers in it, from their packages, and nothing of dubkit.

Their own dependencies (torch, moviepy, diarization, cloud voices) serve parts that are not compared; the packages are
installed without them, and open-dubbing's runner stands in for what its modules import at the top.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

PEERS = ("mazinger==2.3.3", "open-dubbing==0.2.3", "voxa-dub==1.9.1")
NEEDED = (
    "numpy",
    "soundfile",
    "scipy",
    "pandas",
    "tqdm",
    "pydub",
    "requests",
    "openai",
    "json-repair",
    "python-slugify",
    "Pillow",
    "yt-dlp",
    "psutil",
    "iso639-lang",
    "faster-whisper",
    *(() if sys.version_info < (3, 13) else ("audioop-lts",)),
)
"""What they import; Mazinger's voice activity detector comes with faster-whisper."""


def python(folder: Path) -> Path:
    """The program, after making the environment where it is not there.

    Raises
    ------
    subprocess.CalledProcessError
        If pip cannot install it.
    """
    program = folder / "bin" / "python"
    done = folder / "installed.txt"
    wanted = "\n".join([*PEERS, *NEEDED])
    if done.exists() and done.read_text() == wanted:
        return program
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(program), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *NEEDED], check=True)
    subprocess.run([*pip, "--no-deps", *PEERS], check=True)
    done.write_text(wanted)
    return program


def versions(program: Path) -> dict[str, str]:
    """The installed versions of the peers."""
    code = "import importlib.metadata as m, sys; print(*(m.version(n) for n in sys.argv[1:]))"
    names = [one.partition("==")[0] for one in PEERS]
    found = subprocess.run([str(program), "-c", code, *names], check=True, capture_output=True, text=True)
    return dict(zip(names, found.stdout.split(), strict=True))
