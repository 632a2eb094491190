"""Turns from RTTM files, the format of NIST's Rich Transcription evaluations, in which diarization is exchanged."""

from __future__ import annotations

import math
from pathlib import Path

from dubkit.artefacts import Turn, Turns
from dubkit.errors import BadInput


def read(path: Path) -> Turns:
    """The turns of an RTTM file, in time order; other lines than SPEAKER are passed over.

    Raises
    ------
    BadInput
        If there is no such file, it is not text in UTF-8, or a line has no times, or such as cannot be; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"There is no file {str(path)!r} that can be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name!r} is not text in UTF-8 ({error.reason}): save it as UTF-8.") from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        try:
            start, length, speaker = float(fields[3]), float(fields[4]), fields[7]
        except (IndexError, ValueError) as error:
            raise _refused(path, number) from error
        if not (0 <= start < math.inf and 0 < length < math.inf):
            raise _refused(path, number)
        found.append((start, start + length, speaker))
    return Turns(
        turns=tuple(Turn(id=f"t{n:04}", speaker=who, start=a, end=b) for n, (a, b, who) in enumerate(sorted(found), 1))
    )


def _refused(path: Path, number: int) -> BadInput:
    return BadInput(
        f"Line {number} of {path.name!r} is no RTTM: SPEAKER <film> 1 <start> <length> <NA> <NA> <speaker>."
    )
