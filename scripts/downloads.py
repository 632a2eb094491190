"""Runs an installer, says what it downloads, and turns its failures into sentences."""

from __future__ import annotations

import re
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MEGABYTE = 1_000_000
UNITS = {"bytes": 1, "kB": 1_000, "MB": MEGABYTE, "GB": 1_000 * MEGABYTE}
FETCH = re.compile(r"^\s*(Downloading|Using cached) (\S+) \(([\d.]+) (bytes|kB|MB|GB)\)")

CAUSES = (
    (
        r"No space left on device|Errno 28",
        "The disk is full. Make room (about 5 GB in this folder, 2 GB in the temporary folder; TMPDIR names another), "
        "then run the same command again: it goes on where it stopped.",
    ),
    (
        r"name resolution|Name or service not known|Network is unreachable|Max retries|ConnectTimeout|ReadTimeout"
        r"|NewConnectionError|Connection (?:refused|reset)|ProxyError|Could not resolve|Temporary failure|timed out|"
        r"ENOTFOUND|EAI_AGAIN",
        "The package index cannot be reached. Check the network and proxy settings (PIP_INDEX_URL, HTTPS_PROXY), "
        "then run the same command again: what was downloaded is kept.",
    ),
    (
        r"Ignored the following versions that require a different python|requires a different Python|Requires-Python"
        r"|No matching distribution found|Could not find a version",
        "The package index has no file of that package for this Python or this kind of machine. The pinned versions "
        "are known to install on Linux x86-64 with Python 3.11: make setup PYTHON=python3.11",
    ),
    (
        r"Permission denied|Read-only file system",
        "This folder cannot be written. Copy the repository to a folder of your own and run the command there.",
    ),
)


class SetupError(Exception):
    """A set-up step failed; the message says why and what to do."""


@dataclass
class Tally:
    """What was fetched so far: sizes in bytes."""

    downloaded: int = 0
    cached: int = 0
    files: list[str] = field(default_factory=list)

    def read(self, line: str) -> str:
        """Count a line of pip's output; the text to show for it, empty for everything but large downloads."""
        if not (match := FETCH.match(line)):
            return ""
        how, name, number, unit = match.groups()
        size = round(float(number) * UNITS[unit])
        if how == "Using cached":
            self.cached += size
            return ""
        self.downloaded += size
        self.files.append(name)
        return f"    downloading {name} ({size / MEGABYTE:.0f} MB)" if size >= 5 * MEGABYTE else ""

    def __str__(self) -> str:
        """Megabytes downloaded, and what came from pip's cache."""
        cached = f", {self.cached / MEGABYTE:.0f} MB from pip's cache" if self.cached else ""
        return f"{self.downloaded / MEGABYTE:.0f} MB downloaded{cached}"


def cause(output: str) -> str:
    """Why an installer failed, as a sentence that says what to do; empty if its output gives no known reason."""
    return next((advice for pattern, advice in CAUSES if re.search(pattern, output)), "")


def run(command: Sequence[str], what: str, tally: Tally, env: Mapping[str, str] | None = None) -> None:
    """Run an installer to its end, showing large downloads.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    what : str
        What it installs, for the message.
    tally : Tally
        Counts what pip says it fetches.
    env : mapping, optional
        Environment of the program.

    Raises
    ------
    SetupError
        If it cannot be started or exits with a non-zero status.
    """
    last: deque[str] = deque(maxlen=25)
    try:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=env
        ) as process:
            for line in process.stdout or ():
                last.append(line.rstrip())
                if shown := tally.read(line):
                    print(shown, flush=True)
    except OSError as error:
        raise SetupError(f"Installing {what} failed: {error}") from error
    if process.returncode:
        tail = "\n".join(f"    {line}" for line in last)
        raise SetupError(f"{tail}\nInstalling {what} failed. {cause(tail)}".rstrip())
